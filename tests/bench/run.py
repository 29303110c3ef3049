"""Measure hackbook beside its peers, in one run on one machine, and write `_bench/results.json`.

    python tests/bench/run.py [--only import,lazy,mnist,minute,fit,live,tune,evaluate,present,tables,forecast,autoencoder,speech,images,detect,walk] [--seeds 5] [--to _bench]

Every measurement is made in a process of its own, ours and the peer's in turn, so that both meet the same weather.
`ratio` says how many times better ours is: peer/ours for time and memory, ours/peer for what is done in a second.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import deque
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

HERE = Path(__file__).resolve().parent
COUNT = 60_000  # pictures in the folder of the bench images, unless --count says otherwise
GOAL = 0.9932  # the accuracy that the published listing's article reports
SHARED = HERE.parents[2] / "shared/data"  # real data lies beside the project, or where HACKBOOK_DATA says
if SHARED.is_dir():
    os.environ.setdefault("HACKBOOK_DATA", str(SHARED))
sys.path.insert(0, str(HERE))
import autoencoder  # noqa: E402, after the folder of the data is known
import detect  # noqa: E402
import evaluate  # noqa: E402
import forecast  # noqa: E402
import images  # noqa: E402
import live  # noqa: E402
import present  # noqa: E402
import speech  # noqa: E402
import tabular  # noqa: E402
import tune  # noqa: E402

MNIST = Path(os.environ.get("HACKBOOK_DATA", Path.home() / ".keras/datasets")) / "mnist.npz"


# What is measured: each function runs in a fresh process and returns a dict.


def import_ours():
    """Seconds of `import hackbook`."""
    start = perf_counter()
    import hackbook  # noqa: F401

    return {"seconds": perf_counter() - start}


def import_keras():
    """Seconds of `import keras`, with TensorFlow behind it."""
    start = perf_counter()
    import keras  # noqa: F401

    return {"seconds": perf_counter() - start}


def peak_memory():
    """The largest resident memory of this process so far, in MB."""
    import resource

    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def mnist_ours(seed):
    """Build and train our recipe, fixed beforehand on a validation part of the training set; then ask the test part."""
    import hackbook as hb

    splits = hb.split(hb.data.mnist(), validation=1 / 60, test=hb.data.mnist("test"), seed=seed)
    hb.set_seed(seed)
    start = perf_counter()
    model = hb.models.cnn(splits, **RECIPE["cnn"])
    run = hb.fit(model, splits, seed=seed, to=None, **RECIPE["fit"])
    seconds, memory = perf_counter() - start, peak_memory()
    accuracy = hb.evaluate(run, splits.test, reason="benchmark").accuracy
    rate = flop(model) * len(splits.train) * len(run.history) / seconds / 1e9
    return {"seconds": seconds, "memory": memory, "accuracy": accuracy, "epochs": len(run.history), "rate": rate}


def flop(model):
    """What one example costs in training, in floating-point operations: a multiplication and an addition a weight and place, three times
    (forward, and the gradients of weights and inputs; the first layer needs none of its inputs)."""
    from math import prod

    costs = [2 * prod(layer.output.shape[1:-1]) * prod(layer.kernel.shape) for layer in model.layers if hasattr(layer, "kernel")]
    return 3 * sum(costs) - costs[0]


def machine(size=2048):
    """GFLOP/s of TensorFlow's own product of two large matrices: the best of ten turns."""
    import tensorflow as tf

    a, turns = tf.random.normal((size, size)), []
    product = tf.function(lambda: tf.reduce_sum(a @ a))
    for _ in range(10):
        start = perf_counter()
        float(product())
        turns.append(perf_counter() - start)
    return {"rate": 2 * size**3 / min(turns) / 1e9}


def minute_ours(seed):
    """As many epochs as a minute holds, on all of the training set but a thousand images; then ask the test part once."""
    import hackbook as hb

    splits = hb.split(hb.data.mnist(), validation=1 / 60, test=hb.data.mnist("test"), seed=seed)
    hb.set_seed(seed)
    start = perf_counter()
    model = hb.models.cnn(splits, augment=hb.augment(**MINUTE["augment"]), **MINUTE["cnn"])
    run = hb.fit(model, splits, epochs=None, budget="60 s", seed=seed, to=None, **MINUTE["fit"])
    seconds = perf_counter() - start
    return {"seconds": seconds, "accuracy": hb.evaluate(run, splits.test, reason="benchmark").accuracy, "epochs": len(run.history)}


def minute_listing(seed):
    """The listing's best test accuracy at the end of any epoch, or of its minute; its evaluations do not count."""
    import keras
    import listing

    x_train, y_train, x_test, y_test = listing.load(MNIST)
    keras.utils.set_random_seed(seed)
    model, accuracies, evaluating = listing.build(), [], 0.0
    passed = lambda: perf_counter() - start - evaluating

    def after_batch(batch, logs):
        model.stop_training = passed() >= 60

    def after_epoch(epoch, logs):
        nonlocal evaluating
        began = perf_counter()
        accuracies.append(model.evaluate(x_test, y_test, batch_size=1000, verbose=0)[1])
        evaluating += perf_counter() - began

    watch = keras.callbacks.LambdaCallback(on_train_batch_end=after_batch, on_epoch_end=after_epoch)
    start = perf_counter()
    model.fit(x_train, y_train, batch_size=64, epochs=100, verbose=0, callbacks=[watch])
    return {"seconds": passed(), "accuracy": max(accuracies), "epochs": len(accuracies)}


def fit_both(seed, epochs=3):
    """`hb.fit` with a folder and checkpoints, and bare `model.fit` on the same arrays with the same optimizer: seconds of each, twice in turn."""
    import hackbook as hb
    from hackbook.training import TrainingOptions, compile_model

    splits = hb.split(hb.data.mnist(), validation=1 / 60, test=hb.data.mnist("test"), seed=seed)
    t, v, batch = splits.train, splits.validation, RECIPE["fit"]["batch_size"]

    def build():
        hb.set_seed(seed)
        return hb.models.cnn(splits, **RECIPE["cnn"])

    def ours(model):
        with TemporaryDirectory() as folder:
            hb.fit(model, splits, seed=seed, to=folder, **RECIPE["fit"] | {"epochs": epochs})

    def bare(model):
        options = {k: v for k, v in RECIPE["fit"].items() if k not in ("epochs", "batch_size")}
        compile_model(model, t, -(-len(t) // batch) * epochs, TrainingOptions(**options))
        model.fit(t.x, t.y, batch_size=batch, epochs=epochs, validation_data=(v.x, v.y), verbose=0)

    seconds = {"ours": [], "bare": []}
    for turn in range(3):  # the first warms up
        for name, call in {"ours": ours, "bare": bare}.items():
            model, start = build(), perf_counter()
            call(model)
            seconds[name].append(perf_counter() - start)
    return {name: sum(turns[1:]) for name, turns in seconds.items()}


RECIPE = {"cnn": {"filters": (32, 32, 256), "stride": 2, "dropout": 0.0},
          "fit": {"epochs": 3, "batch_size": 128, "learning_rate": 0.015, "label_smoothing": 0.1, "steps_per_execution": 8}}
MINUTE = {"cnn": {"filters": (16, 32, 64, 128)}, "augment": {"shift": 0.07, "rotation": 8, "zoom": 0.08},
          "fit": {"batch_size": 128, "learning_rate": 0.01, "label_smoothing": 0.05}}


def mnist_listing(seed):
    """Train the published listing up to the first epoch whose test accuracy reaches the goal; its evaluations do not count."""
    import keras
    import listing

    x_train, y_train, x_test, y_test = listing.load(MNIST)
    keras.utils.set_random_seed(seed)
    model, accuracies, evaluating = listing.build(), [], 0.0

    def after(epoch, logs):
        nonlocal evaluating, memory
        memory = peak_memory()
        start = perf_counter()
        accuracies.append(model.evaluate(x_test, y_test, batch_size=1000, verbose=0)[1])
        model.stop_training = accuracies[-1] >= GOAL
        evaluating += perf_counter() - start

    memory, start = 0.0, perf_counter()
    model.fit(x_train, y_train, batch_size=64, epochs=10, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=after)])
    seconds = perf_counter() - start - evaluating
    rate = flop(model) * len(x_train) * len(accuracies) / seconds / 1e9
    return {"seconds": seconds, "memory": memory, "accuracy": accuracies[-1], "epochs": len(accuracies), "rate": rate}


def lazy_ours(images, epochs):
    """Index a folder that does not fit, as it were, into memory; then serve all of it `epochs` times, after once to warm up (if more than once)."""
    import hackbook as hb

    start = perf_counter()
    data = hb.data.images(Path(os.environ["BENCH_FOLDER"]) / str(images), lazy=True)
    index = perf_counter() - start
    assert len(data) == images and not len(data.rejected)
    served = hb.training.Batches(data, 128)
    return {"index": index, **timed(lambda: deque(served.dataset, 0), images, epochs), "memory": peak_memory()}


def lazy_keras(images, epochs):
    """The same with Keras."""
    import keras

    start = perf_counter()
    data = keras.utils.image_dataset_from_directory(Path(os.environ["BENCH_FOLDER"]) / str(images), image_size=(64, 64), batch_size=128, seed=0, verbose=False)
    index = perf_counter() - start

    def epoch():
        for _ in data:
            pass

    return {"index": index, **timed(epoch, images, epochs), "memory": peak_memory()}


def timed(epoch, images, epochs):
    """Images a second over `epochs` epochs, after one that does not count if there are several."""
    if epochs > 1:
        epoch()
    start = perf_counter()
    for _ in range(epochs):
        epoch()
    return {"rate": images * epochs / (perf_counter() - start)}


def draw_images(folder, distinct=1000, counts=(10_000, 100_000)):
    """`distinct` small images, half of them PNG and half JPEG, each many times in a folder for each of `counts`, as hard links."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    (folder / "distinct").mkdir()
    for i in range(distinct):
        image = Image.fromarray(rng.integers(0, 256, (8, 8, 3), "uint8")).resize((64, 64), Image.Resampling.BICUBIC)
        image.save(folder / f"distinct/{i}{'.jpg' if i % 2 else '.png'}")
    for count in counts:
        for kind in range(10):
            (folder / f"{count}/{kind}").mkdir(parents=True)
        for i in range(count):
            suffix = ".jpg" if i % 2 else ".png"
            os.link(folder / f"distinct/{i % distinct}{suffix}", folder / f"{count}/{i // 2 % 10}/{i}{suffix}")


# How it is compared.


def measure(function, *arguments):
    """Call one of the functions above in a fresh process."""
    shown = subprocess.run([sys.executable, __file__, "--child", function.__name__, *map(str, arguments)],
                           capture_output=True, text=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    if shown.returncode:
        raise SystemExit(f"bench: {function.__name__} failed: {(shown.stderr.strip().splitlines() or ['no message'])[-1]}")
    return json.loads(shown.stdout.splitlines()[-1])


def figure(ours, peer, unit, note, more=False):
    """One entry of results.json, for which less is better, unless `more` is."""
    ratio = float(f"{ours / peer if more else peer / ours:.4g}") if ours else None
    ours, peer = (float(f"{x:.4g}") for x in (ours, peer))
    return {"ours": ours, "peer": peer, "ratio": ratio, "unit": unit, "note": note}


def middle(side, what):
    """The median of one measurement."""
    return median(r[what] for r in side)


def bench_import(seeds):
    """Seconds until the library can be used."""
    pairs = [(measure(import_ours)["seconds"], measure(import_keras)["seconds"]) for _ in range(seeds)]
    ours, peer = (median(column) for column in zip(*pairs))
    return {"import": figure(ours, peer, "s", f"`import hackbook`, which loads Keras when it is first needed; peer: `import keras`; medians of {seeds}")}


def need_mnist():
    """Stop with one clear line where there is no MNIST."""
    if not MNIST.is_file():
        raise SystemExit(f"bench: {MNIST} is missing; fetch it with hackbook.data.mnist(download=True), or set HACKBOOK_DATA to its folder")


def bench_mnist(seeds):
    """Time and memory up to a test accuracy of 0.9932."""
    need_mnist()
    pairs = []
    for seed in range(seeds):
        pairs.append((measure(mnist_ours, seed), measure(mnist_listing, seed)))
        print(f"  seed {seed}: " + "; ".join(f"{who} {r['accuracy']:.4f} after {r['epochs']} epochs, {r['seconds']:.1f} s, {r['memory']:.0f} MB"
                                            for who, r in zip(("ours", "listing"), pairs[-1])), flush=True)
    ours, peer = zip(*pairs)
    top = max(measure(machine)["rate"] for _ in range(3))
    scores = lambda side: ", ".join(f"{r['accuracy']:.4f}" for r in side)
    short = sum(r["accuracy"] < GOAL for r in peer)
    note = f"median of {seeds} seeds; test accuracy ours {scores(ours)}, listing {scores(peer)}"
    note += f"; the listing stayed below {GOAL} in all 10 epochs on {short} seeds, whose 10 epochs are counted" * (short > 0)
    time = figure(middle(ours, "seconds"), middle(peer, "seconds"), "s", note)
    if missed := [r["accuracy"] for r in ours if r["accuracy"] < GOAL]:
        time |= {"ratio": None, "note": f"MISSED: ours ended below {GOAL} on {len(missed)} of {seeds} seeds; {note}"}
    memory = figure(middle(ours, "memory"), middle(peer, "memory"), "MB", "peak resident memory of the whole process, up to the end of training")
    note = f"of convolutions and products, over the whole training; ours reaches {middle(ours, 'rate') / top:.0%} and the listing {middle(peer, 'rate') / top:.0%} "
    note += f"of the {top:.0f} GFLOP/s of a product of two 2048×2048 matrices in this run; what counts is the time, which ours gets by needing fewer"
    rate = figure(middle(ours, "rate"), middle(peer, "rate"), "GFLOP/s", note, more=True)
    return {"mnist.time_to_9932": time, "mnist.memory": memory, "mnist.rate": rate}


def bench_minute(seeds):
    """The best test accuracy that a minute of training on MNIST can buy."""
    need_mnist()
    pairs = []
    for seed in range(seeds):
        pairs.append((measure(minute_ours, seed), measure(minute_listing, seed)))
        print(f"  seed {seed}: " + "; ".join(f"{who} {r['accuracy']:.4f} after {r['epochs']} epochs, {r['seconds']:.1f} s"
                                            for who, r in zip(("ours", "listing"), pairs[-1])), flush=True)
    ours, peer = (middle(side, "accuracy") for side in zip(*pairs))
    wrong = figure(1 - ours, 1 - peer, "", "")["ratio"]
    note = f"test accuracy, medians of {seeds} seeds; the listing's is its best of all epochs, ours is asked once; {wrong:g} times fewer mistakes"
    return {"mnist.accuracy_1min": figure(ours, peer, "", note, more=True)}


def bench_fit(seeds):
    """What `hb.fit` costs beside bare `model.fit`."""
    need_mnist()
    pairs = [measure(fit_both, seed) for seed in range(seeds)]
    ours, peer = (sum(p[side] for p in pairs) for side in ("ours", "bare"))
    each = ", ".join(f"{p['ours'] / p['bare']:.3f}" for p in pairs)
    return {"fit.overhead": figure(ours, peer, "s", f"3 epochs of MNIST, two turns in each of {seeds} processes; ours/bare {ours / peer:.3f}; a process each: {each}")}


def bench_lazy(seeds):
    """Serving a folder of small images batch by batch, and the memory that it takes."""
    with TemporaryDirectory() as folder:
        draw_images(Path(folder))
        os.environ["BENCH_FOLDER"] = folder
        pairs = []
        for turn in range(seeds):
            pairs.append((measure(lazy_ours, 10_000, 4), measure(lazy_keras, 10_000, 4)))
            print(f"  turn {turn}: " + "; ".join(f"{who} {r['rate']:,.0f} images/s after {r['index']:.1f} s of indexing"
                                                for who, r in zip(("ours", "Keras"), pairs[-1])), flush=True)
        few, many = measure(lazy_ours, 10_000, 1), measure(lazy_ours, 100_000, 1)
    ours, peer = zip(*pairs)
    note = f"batches of 128 from 10,000 images of 64×64, half PNG, half JPEG (1,000 different ones, hard-linked); peer: image_dataset_from_directory; "
    note += f"4 epochs after one to warm up, medians of {seeds} processes; not counted: indexing, where ours decodes and hashes each file once "
    note += f"({middle(ours, 'index'):.1f} s) and the peer lists names ({middle(peer, 'index'):.1f} s)"
    grown = f"peak resident memory of the whole process over indexing and one epoch: ours at 100,000 images, peer: ours at 10,000; a ratio of 1 is flat; "
    grown += f"100,000 were indexed in {many['index']:.0f} s"
    return {"lazy.throughput": figure(middle(ours, "rate"), middle(peer, "rate"), "images/s", note, more=True),
            "lazy.memory": figure(many["memory"], few["memory"], "MB", grown)}


def bench_live(seeds):
    """Sliders that change the network while it trains: what they cost, and how soon they act."""
    return live.bench(measure, figure)


def bench_tune(seeds):
    """A search within its budget: what it spends, how it scales, and whether it is in time."""
    with TemporaryDirectory() as folder:
        tune.install_peer(folder)
        return tune.bench(measure, figure, seeds)


def bench_evaluate(seeds):
    """A result with all its intervals: what it costs, and how often the intervals hold."""
    return evaluate.bench(measure, figure)


def bench_present(seeds):
    """What is shown to a jury: a deck, and a demo in one file."""
    return present.bench(measure, figure)


def bench_tables(seeds):
    """A network for tables beside gradient boosting."""
    return tabular.bench(measure, figure, seeds)


def bench_forecast(seeds):
    """Networks for series beside the best of the classics."""
    return forecast.bench(measure, figure, seeds)


def bench_autoencoder(seeds):
    """Autoencoders beside PCA and JPEG, and a panel to walk through their codes."""
    return autoencoder.bench(measure, figure, seeds)


def bench_speech(seeds):
    """Spoken digits: known voices, a voice never heard, and digits that a network speaks."""
    return speech.bench(measure, figure)


def bench_images(seeds):
    """Colored pictures: shapes in a minute of training, and a large folder."""
    return images.bench(measure, figure, seeds, draw_images, COUNT)


def bench_detect(seeds):
    """The detector on composed scenes."""
    return detect.bench(measure, figure, seeds)


def bench_walk(seeds):
    """How often the code changes from one module to another on four common ways."""
    before = {"fit": 26, "live": 60, "slider": 27, "tune": 578}  # in November 2026, counted alike
    asked = subprocess.run([sys.executable, HERE.parents[1] / "tools/walk.py", "--json"], capture_output=True, text=True,
                           env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    if asked.returncode:
        raise SystemExit(f"bench: tools/walk.py failed: {(asked.stderr.strip().splitlines() or ['no message'])[-1]}")
    found = json.loads(asked.stdout.splitlines()[-1])
    return {f"walk.{name}": figure(walk["changes"], before[name], "", f"changes of module, {walk['modules']} modules; peer: before they were simplified")
            for name, walk in found.items()}


def this_machine():
    """What the figures were measured on; the page of benchmarks names it."""
    import platform
    from importlib.metadata import version

    import psutil

    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")] if os.path.exists("/proc/cpuinfo") else []
    return {"processor": names[0] if names else platform.processor(), "cores": os.cpu_count(), "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GB",
            "system": platform.system(), "Python": platform.python_version(), "Keras": version("keras"), "TensorFlow": version("tensorflow")}


BENCHES = {"import": bench_import, "lazy": bench_lazy, "mnist": bench_mnist, "minute": bench_minute, "fit": bench_fit, "live": bench_live, "tune": bench_tune, "evaluate": bench_evaluate, "present": bench_present, "tables": bench_tables, "forecast": bench_forecast, "autoencoder": bench_autoencoder, "speech": bench_speech, "images": bench_images, "detect": bench_detect, "walk": bench_walk}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(BENCHES), help="names, separated by commas")
    parser.add_argument("--seeds", type=int, default=5, help="how often each is measured, each time with another seed")
    parser.add_argument("--count", type=int, default=COUNT, help="pictures in the folder of the bench images")
    parser.add_argument("--to", type=Path, default=Path("_bench"))
    parser.add_argument("--child", nargs="+")
    arguments = parser.parse_args()
    if arguments.child:
        name, *values = arguments.child
        return print(json.dumps((vars(live) | vars(tune) | vars(evaluate) | vars(present) | vars(tabular) | vars(forecast) | vars(autoencoder) | vars(speech) | vars(images) | vars(detect) | globals())[name](*map(int, values))))
    globals()["COUNT"] = arguments.count
    chosen = arguments.only.split(",")
    if unknown := set(chosen) - set(BENCHES):
        sys.exit(f"bench: ONLY must be one of {', '.join(BENCHES)}, got {', '.join(sorted(unknown))}")
    results = {}
    for name in chosen:
        print(f"{name}: {BENCHES[name].__doc__}", flush=True)
        results |= BENCHES[name](arguments.seeds)
    print(f"\n{'figure':24}{'ours':>12}{'peer':>12}{'ratio':>9}  note")
    for name, r in results.items():
        print(f"{name:24}{r['ours']:>10g} {r['unit']:<2}{r['peer']:>9g} {r['unit']:<2}{r['ratio'] or '—':>8}  {r['note']}")
    arguments.to.mkdir(parents=True, exist_ok=True)
    (arguments.to / "results.json").write_text(json.dumps({"machine": this_machine()} | results, indent=2) + "\n")
    print(f"\nwritten to {arguments.to / 'results.json'}")


if __name__ == "__main__":
    main()
