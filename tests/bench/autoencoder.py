"""Autoencoders beside PCA and JPEG: reconstruction errors, quality at equal bytes, and how soon a picture follows a slider."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

RECIPES = {  # chosen on 2,000 other pictures of the training set
    "d2": ({"code": 2, "units": (512, 256, 64), "dropout": 0.2}, {"epochs": 40, "learning_rate": 0.003}, 2),
    "d16_vs_pca32": ({"code": 16, "units": (512, 256)}, {"epochs": 40, "learning_rate": 0.002}, 32),
    "conv32": ({"code": 32, "kind": "conv", "filters": (32, 64)}, {"epochs": 25, "learning_rate": 0.004}, 32)}

MEDIAN = """async (n) => {
  const panel = document.querySelector('.hackbook-walk'), ranges = [...panel.querySelectorAll('.sliders input[type=range]')];
  const context = panel.querySelector('.shown canvas').getContext('2d'), put = context.putImageData.bind(context);
  const pause = (ms) => new Promise((r) => setTimeout(r, ms));
  const painted = () => new Promise((r) => requestAnimationFrame(() => { const c = new MessageChannel(); c.port1.onmessage = r; c.port2.postMessage(0); }));
  let drawn = null;
  context.putImageData = (...a) => { put(...a); drawn?.(); };
  const times = [];
  for (let i = 0; i < n; i++) {
    const slider = ranges[i % ranges.length];
    slider.value = Math.round(Number(slider.max) * (0.5 + 0.45 * Math.sin(i * 1.7)));
    const began = performance.now();
    await new Promise((r) => { drawn = r; slider.dispatchEvent(new Event('input', { bubbles: true })); });
    drawn = null;
    await painted();
    times.push(performance.now() - began);
    await pause(60);
  }
  return times;
}"""


def pca_error(train, test, numbers):
    """The mean squared error of PCA."""
    from sklearn.decomposition import PCA

    train, test = (np.reshape(y, (len(y), -1)) for y in (train, test))
    pca = PCA(numbers, random_state=0).fit(train)
    return float(np.mean((pca.inverse_transform(pca.transform(test)) - test) ** 2))


def mnist_splits():
    """The first 5,000 pictures to train on, the next 2,000 for validation, and the test set."""
    import hackbook as hb
    from hackbook.data import Sealed, Splits

    train, test = hb.data.mnist(), hb.data.mnist("test")
    parts = train.take(np.arange(5000)), train.take(np.arange(5000, 7000)), Sealed(test)
    return hb.data.reconstruct(Splits(*parts, 0, "mnist"))


def mnist_errors(seed):
    """Mean squared error on the 10,000 test pictures, and seconds of training, by recipe; and of PCA."""
    import hackbook as hb

    splits, found = mnist_splits(), {}
    for name, (model, options, numbers) in RECIPES.items():
        hb.set_seed(seed)
        start = perf_counter()
        run = hb.fit(hb.models.autoencoder(splits, **model), splits, seed=seed, batch_size=64, to=None, **options)
        seconds = perf_counter() - start
        result = hb.evaluate(run, splits.test, reason="benchmark")
        found[name] = {"ours": float(result.score), "seconds": seconds, "pca": pca_error(splits.train.y, result.original.y, numbers)}
    return found


def digits_errors(seed):
    """Mean squared error on the test part of the digits with 8 and 16 numbers, ours and PCA's."""
    import hackbook as hb

    splits, found = hb.data.reconstruct(hb.split(hb.data.digits(), seed=seed)), {}
    for code in (8, 16):
        hb.set_seed(seed)
        run = hb.fit(hb.models.autoencoder(splits, code=code), splits, epochs=40, learning_rate=0.002, seed=seed, to=None)
        result = hb.evaluate(run, splits.test, reason="benchmark")
        found[str(code)] = [float(result.score), pca_error(splits.train.y, result.original.y, code)]
        if code == 8:
            rates = hb.autoencoders.rate_distortion(run, splits, steps=(0.01,), qualities=range(1, 96, 2))
            size = float(rates.frame.bytes[rates.frame.method == "autoencoder"].item())
            at = rates.psnr_at(size)
            found |= {"bytes": size, "psnr": float(at["autoencoder"]), "jpeg": float(at["JPEG"])}
    return found


CELL = """import numpy as np, hackbook as hb
hb.set_seed(0)
data = hb.data.mnist().take(np.arange(3000))
splits = hb.data.reconstruct(hb.split(data))
run = hb.fit(hb.models.autoencoder(splits, code=16), splits, epochs=3, learning_rate=.002, to=None)
hb.autoencoders.CodeWalk(run, data)"""


def slider(turns=300):
    """Milliseconds from the input event of a slider to the painted picture in JupyterLab: median and 95 % quantile."""
    from browser import notebook_page

    with TemporaryDirectory() as folder, notebook_page(Path(folder), [CELL]) as page:
        page.wait_for_selector(".hackbook-walk canvas", timeout=300_000)
        page.wait_for_timeout(1500)
        times = page.evaluate(MEDIAN, turns)
    return {"median": float(np.median(times)), "p95": float(np.quantile(times, 0.95))}


def bench(measure, figure, seeds):
    """Errors on MNIST and on the digits over the seeds, quality at equal bytes, and the panel."""
    from scipy.stats import t

    mnist = [measure(mnist_errors, seed) for seed in range(min(seeds, 3))]
    found = {}
    for name, (model, _, numbers) in RECIPES.items():
        ours, pca = (np.array([one[name][side] for one in mnist]) for side in ("ours", "pca"))
        seconds = np.median([one[name]["seconds"] for one in mnist])
        note = (f"mean squared error on 10,000 MNIST test pictures, learned from 5,000, {model['code']} numbers, median of {len(mnist)} seeds "
                f"({ours.min():.4g} to {ours.max():.4g}), {seconds:.0f} s of training; peer: PCA with {numbers} numbers")
        found[f"autoencoder.{name}"] = figure(float(np.median(ours)), float(np.median(pca)), "", note)
    digits = [measure(digits_errors, seed) for seed in range(seeds)]
    for code in ("8", "16"):
        ours, pca = np.array([one[code] for one in digits]).T
        lead = pca - ours
        half = t.ppf(0.975, len(lead) - 1) * lead.std(ddof=1) / np.sqrt(len(lead))
        note = (f"mean squared error on the test part of the digits, mean of {len(digits)} seeds; peer: PCA with {code} numbers; "
                f"lead {lead.mean():.4f}, 95 % interval {lead.mean() - half:.4f} to {lead.mean() + half:.4f}")
        found[f"autoencoder.digits_{code}"] = figure(float(ours.mean()), float(pca.mean()), "", note)
    ours, jpeg, size = (float(np.mean([one[what] for one in digits])) for what in ("psnr", "jpeg", "bytes"))
    note = f"PSNR in dB at {size:.1f} bytes per picture of the digits' validation part, headers included, mean of {len(digits)} seeds; peer: JPEG of all pictures on one sheet"
    found["autoencoder.psnr_at_bytes"] = figure(ours, jpeg, "dB", note, more=True)
    moved = measure(slider)
    note = f"median of 300 slider events to the painted picture, MNIST, JupyterLab in Chromium on the same cores; 95 % below {moved['p95']:.0f} ms; peer: what is aimed at"
    return found | {"autoencoder.slider": figure(moved["median"], 50, "ms", note)}
