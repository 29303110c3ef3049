"""Spoken digits of six people (FSDD): the official test part, a voice never heard, and digits that the network speaks itself.

The recordings are read from `fsdd.zip` in the folder that HACKBOOK_DATA names; without it this part is left out.
"""

import os
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

FSDD = Path(os.environ.get("HACKBOOK_DATA", Path.home() / ".keras/datasets")) / "fsdd.zip"
RECIPE = {"sound": {}, "fit": {"epochs": 30, "batch_size": 64, "learning_rate": 0.005, "label_smoothing": 0.1}}


def recordings():
    """All recordings, and the number of each in its file name: 0 to 4 are the official test part."""
    import zipfile

    import hackbook as hb

    data = hb.data.sounds(FSDD, pattern=r"(?P<label>\d)_(?P<group>[a-z]+)_\d+")
    names = [name for name in zipfile.ZipFile(FSDD).namelist() if name.endswith(".wav")]
    number = {name: int(Path(name).stem.split("_")[2]) for name in names}
    assert len(data) == len(names)
    return data, np.array([number[name] for name in sorted(names)])


def trained(train, test, seed):
    """A network trained on one part and asked once on the other: accuracy, interval, seconds, and seconds of the processor."""
    import hackbook as hb

    rng = np.random.default_rng(seed)
    held = rng.permutation(len(train)) < len(train) // 20
    splits = hb.Splits(train.take(~held), train.take(held), test, seed)
    hb.set_seed(seed)
    start, processor = perf_counter(), process_time()
    model = hb.models.sound(splits, **RECIPE["sound"])
    run = hb.fit(model, splits, seed=seed, to=None, **RECIPE["fit"])
    spent = {"seconds": perf_counter() - start, "processor": process_time() - processor}
    return {"accuracy": hb.evaluate(run, splits.test, reason="benchmark").accuracy, "parameters": model.count_params(), **spent}


def official(seed):
    """The official split: the first five recordings of each digit of each person are the test part."""
    data, number = recordings()
    assert (np.bincount(data.y[number < 5]) == 30).all()
    return trained(data.take(number >= 5), data.take(number < 5), seed)


def unseen(person, seed):
    """One of the six is never heard in training."""
    data, _ = recordings()
    name = np.unique(data.groups)[person]
    return {"person": str(name), **trained(data.take(data.groups != name), data.take(data.groups == name), seed)}


def generated(seed):
    """Digits that a network speaks, heard by a recognizer of the official training part; the speaker learned from the other half of it."""
    import hackbook as hb

    data, number = recordings()
    rest, test = data.take(number >= 5), data.take(number < 5)
    half = np.random.default_rng(seed).permutation(len(rest)) < len(rest) // 2
    mine = rest.take(~half)
    held = np.random.default_rng(seed).permutation(len(mine)) < len(mine) // 20
    splits = hb.Splits(mine.take(~held), mine.take(held), test, seed)
    hb.set_seed(seed)
    listener = hb.fit(hb.models.sound(splits, **RECIPE["sound"]), splits, seed=seed, to=None, **RECIPE["fit"])
    speaker = hb.speech.train_speaker(rest.take(half), seed=seed)
    frame = hb.speech.judge(speaker, listener, test, each=30, seed=seed).frame
    return {name: row[["accuracy", "low", "high"]].tolist() for name, row in frame.iterrows()}


CELL = """import hackbook as hb
splits = hb.split(hb.speech.spoken_words(voices=4, repeats=3), validation=.25, test=.25)
recorder = hb.speech.Recorder(hb.fit(hb.models.sound(splits), splits, epochs=4, to=None))
recorder"""
# In the page: milliseconds from a click on Stop, or from a chosen file, to the frame that shows the prediction.
TIMED = """() => { const panel = document.querySelector('.hackbook-recorder'), file = panel.querySelector('input[type=file]'); window.times = [];
  let from = 0;
  panel.addEventListener('click', (event) => { if (event.target.textContent === 'Stop') from = performance.now(); }, true);
  file.addEventListener('change', () => { from = performance.now(); }, true);
  new MutationObserver(() => requestAnimationFrame(() => window.times.push(performance.now() - from))).observe(panel, { attributeFilter: ['data-turn'] }); }"""


def answer(turns=20):
    """Milliseconds from the end of a recording, and from a file, to the prediction shown in JupyterLab; the browser's microphone beeps."""
    import io
    import sys
    from tempfile import TemporaryDirectory

    from scipy.io import wavfile

    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from browser import notebook_page

    wavfile.write(sound := io.BytesIO(), 16000, (9000 * np.sin(np.arange(16000) / 9)).astype("int16"))
    with TemporaryDirectory() as folder, notebook_page(Path(folder), [CELL], microphone=True) as page:
        page.wait_for_selector(".hackbook-recorder button", timeout=300_000)
        page.evaluate(TIMED)
        panel = page.locator(".hackbook-recorder")

        def until_shown(act):
            count = page.evaluate("window.times.length")
            act()
            page.wait_for_function("(count) => window.times.length > count", arg=count, timeout=30_000)
            return page.evaluate("window.times.at(-1)")

        def record():
            panel.get_by_role("button", name="Record").click()
            panel.get_by_role("button", name="Stop").wait_for()
            page.wait_for_timeout(1100)
            return until_shown(panel.get_by_role("button", name="Stop").click)

        def choose():
            return until_shown(lambda: panel.locator("input[type=file]").set_input_files({"name": "it.wav", "mimeType": "audio/wav", "buffer": sound.getvalue()}))

        found = {"recorded": [record() for _ in range(turns)], "file": [choose() for _ in range(turns)]}
    return {name: {"first": times[0], "median": float(np.median(times)), "p95": float(np.quantile(times, 0.95))} for name, times in found.items()}


def bench(measure, figure):
    """The figures of speech; of the recordings, none without them."""
    from live import browser

    found = {}
    if browser():
        times = measure(answer)
        recorded, file = times["recorded"], times["file"]
        note = f"from the end of a recording to the prediction shown in JupyterLab, p95 of 20; median {recorded['median']:.0f}, the first {recorded['first']:.0f}, load {os.getloadavg()[0]:.1f}; from a file p95 {file['p95']:.0f}, median {file['median']:.0f}; peer: what is aimed at"
        found["speech.answer"] = figure(recorded["p95"], 300, "ms", note)
    if not FSDD.is_file():
        print(f"  left out: {FSDD} is missing")
        return found
    known, people, made = measure(official, 0), [measure(unseen, person, 0) for person in range(6)], measure(generated, 0)
    accuracies = [p["accuracy"] for p in people]
    each = ", ".join(f"{p['person']} {p['accuracy']:.3f}" for p in people)
    note = f"test accuracy on recordings 0 to 4 of each digit; {known['seconds']:.0f} s of training, {known['processor']:.0f} s of the processor; peer: what is aimed at"
    spread = f"mean test accuracy on a person who was never heard, {min(accuracies):.3f} to {max(accuracies):.3f} ({each}); peer: what is aimed at"
    low, high = made["generated"][1:]
    heard = f"accuracy of an independent recognizer on generated digits, 95 % interval {low:.3f} to {high:.3f}; real ones through Griffin-Lim {made['through Griffin-Lim'][0]:.3f}, as recorded {made['recorded'][0]:.3f}; peer: what is aimed at"
    return found | {"speech.official": figure(known["accuracy"], 0.995, "", note, more=True),
            "speech.unseen": figure(float(np.mean(accuracies)), 0.75, "", spread, more=True),
            "speech.generated": figure(made["generated"][0], 0.9, "", heard, more=True)}
