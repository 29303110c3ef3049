"""The figures of `hb.Live`: what the panel costs, how soon a slider acts, and what going back costs.

`run.py` calls each function in a process of its own; `bare`, `panel` and `watched` run in the kernel of a notebook that such a process opens
in real JupyterLab. The clock of the page and that of the kernel are the same machine's.
"""

import json
import os
import random
import re
import sys
import threading
import time
from functools import cache
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
MNIST = Path(os.environ.get("HACKBOOK_DATA", Path.home() / ".keras/datasets")) / "mnist.npz"
SETUP = f"import sys; sys.path.insert(0, {str(HERE)!r})\nimport live"
PAIRS = 5


def browser():
    """Is there one?"""
    import pytest
    from browser import find_browser

    try:
        return bool(find_browser())
    except pytest.skip.Exception:
        return False


def big_enough():
    """Splits on which an epoch takes a second or so, the options of a network, and epochs for a training run of half a minute: time to drag sliders."""
    import numpy as np

    import hackbook as hb

    if MNIST.is_file():
        return hb.split(hb.data.mnist().take(np.arange(12_000)), test=0.1), {"filters": (8, 16)}, 40
    return hb.split(hb.data.digits()), {"filters": (32, 64, 128)}, 100


def network(splits, filters, dropout=0.3, l2=1e-4, seed=0):
    import hackbook as hb

    hb.set_seed(seed)
    return hb.models.cnn(splits, filters=filters, dropout=dropout, l2=l2)


# live.overhead

TURNS = {"live": [], "bare": []}   # in the kernel: seconds of the first epoch, of all, the processor's of all, when it began and ended, weights


@cache
def setting():
    return big_enough()


def clocks():
    return time.perf_counter(), time.process_time()


class Baton:
    """Two training runs take turns, a tenth of their epochs at a time, and the clock of each runs in its own: what else is done on the machine, which
    can slow it by a quarter for minutes, slows both.
    """

    def __init__(self, first):
        self.turn, self.each, self.passed = sorted(TURNS, key=lambda name: name != first), setting()[2] // 10, threading.Condition()
        self.spent, self.first = {name: (0, 0) for name in TURNS}, {}

    def take(self, name):
        with self.passed:
            assert self.passed.wait_for(lambda: self.turn[0] == name, timeout=600)
        self.began = clocks()

    def epoch(self, name, epoch=None):
        """Before that epoch, from 0; None: after the last one."""
        self.spent[name] = tuple(spent + now - began for spent, now, began in zip(self.spent[name], clocks(), self.began))
        if epoch == 1:
            self.first[name] = self.spent[name][0]
        if epoch is None or epoch and epoch % self.each == 0:
            time.sleep(0.5)  # the page's last refresh falls into nobody's time
            with self.passed:
                self.turn.remove(name) if epoch is None else self.turn.reverse()
                self.passed.notify_all()
        if epoch is not None:
            self.take(name)

    def end(self, name, began, model):
        self.epoch(name)
        TURNS[name].append((self.first[name], *self.spent[name], began, time.time(), model.get_weights()))


def bare(first):
    """Keras' own fit on the same data in the same order, in a thread, by turns with the Live that is there."""
    global baton, running
    import hackbook as hb
    from hackbook.training.batches import Batches, in_order
    from hackbook.training import TrainingOptions, compile_model
    from hackbook.core import load_keras

    splits, options, epochs = setting()
    model = network(splits, **options)
    hb.set_seed(0)
    served = Batches(splits.train, 64, 0)
    compile_model(model, splits.train, served.steps * epochs, TrainingOptions(schedule="constant"))
    baton = Baton(first)

    def begin_epoch(epoch, logs):
        baton.epoch("bare", epoch)
        served.epoch.assign(epoch)

    def train():
        began, order = time.time(), load_keras().callbacks.LambdaCallback(on_epoch_begin=begin_epoch)
        baton.take("bare")
        model.fit(served.dataset, epochs=epochs, verbose=0, shuffle=False, validation_data=in_order(splits.validation), callbacks=[order])
        baton.end("bare", began, model)

    running = threading.Thread(target=train)
    running.start()


def panel(show=True):
    """The same under Live, from Start to the end of the last epoch; it waits for the click."""
    import hackbook as hb

    splits, options, epochs = setting()
    it = hb.Live(network(splits, **options), splits, epochs=epochs, start=False, show=show)
    start, begin_epoch, end, began = it.start, it._thread.begin_epoch, it._thread.end, []

    def start_():
        baton.take("live")
        began.append(time.time())
        start()

    def begin_epoch_(epoch):
        baton.epoch("live", epoch)
        begin_epoch(epoch)

    def end_(status, *rest, **more):
        if status == "finished" and began:  # it ends twice where a last picture is drawn
            assert not it.timeline.changes()
            baton.end("live", began.pop(), it.model)
        return end(status, *rest, **more)

    it.start, it._thread.begin_epoch, it._thread.end = start_, begin_epoch_, end_
    return it


def told():
    """The times of all turns but the first, once it is sure that the weights of all are equal bit for bit."""
    import numpy as np

    assert len(TURNS["live"]) == len(TURNS["bare"])
    first, *others = [weights for turns in TURNS.values() for *_, weights in turns]
    assert all(np.array_equal(a, b) for other in others for a, b in zip(first, other, strict=True)), "the weights differ"
    splits, _, epochs = setting()
    return {name: [times for *times, _ in turns[1:]] for name, turns in TURNS.items()} | {"name": splits.name, "examples": len(splits.train), "epochs": epochs}


def in_turn(pair):
    """`PAIRS` pairs, after one to warm up; Live first in every second one."""
    for n in range(PAIRS + 1):
        pair("live" if n % 2 else "bare")


def overhead_list():
    """Where no browser is: the panel's messages go to a list."""
    def pair(first):
        it, sent = panel(show=False), []
        it.panel.desk.send = sent.append
        bare(first)
        it.start()
        it.wait()
        running.join()
        it.close()

    in_turn(pair)
    return told()


def overhead_page():
    """In JupyterLab; with the moments at which the chart's curves were drawn anew."""
    from browser import notebook_page, run_all

    status = "document.querySelector('.hackbook-desk .status')?.textContent === '{}'"
    with TemporaryDirectory() as folder, notebook_page(folder, [SETUP, "live.panel();"], width=1280, height=1100) as page:
        page.evaluate(f"""() => {{ window.drawn = [];
            new MutationObserver((all) => {{ if (all.some((m) => m.target.closest?.('.hackbook-chart .curves'))) drawn.push({NOW}); }})
              .observe(document.body, {{ subtree: true, childList: true, attributes: true, attributeFilter: ['d'] }}); }}""")

        def pair(first):
            run_all(page)  # the cell anew: its earlier panel goes
            page.wait_for_function(status.format("ready"), timeout=60_000)
            page.wait_for_timeout(1000)
            run(page, f"live.bare({first!r})")
            page.locator(".hackbook-desk").get_by_role("button", name="Start").click()
            page.evaluate(ENDS)
            run(page, "live.running.join()")

        in_turn(pair)
        return asked(page, folder, "live.told()") | {"drawn": page.evaluate("drawn"), "errors": page.errors}


def run(page, code):
    from browser import KERNEL

    reply = page.evaluate(f"code => {KERNEL}.requestExecute({{code}}).done", code)["content"]
    assert reply["status"] == "ok", reply


def asked(page, folder, code):
    """What a piece of code in the kernel gives, as plain values."""
    run(page, f"import json, pathlib; pathlib.Path('told.json').write_text(json.dumps({code}))")
    return json.loads((Path(folder) / "told.json").read_text())


ENDS = """() => new Promise((ended) => {   // without looking again and again, which would cost the page more than the panel does
  const status = document.querySelector(".hackbook-desk .status"), check = () => status.textContent === "finished" && ended();
  new MutationObserver(check).observe(status, { childList: true, characterData: true, subtree: true }); check(); })"""
NOW = "(performance.timeOrigin + performance.now()) / 1000"  # in the page: what time.time() is here


# live.latency


def watched(kind):
    """A Live that notes when a change reached it, and when a step used it."""
    import hackbook as hb

    if kind == "digits":
        splits, options, epochs = hb.split(hb.data.digits()), {"filters": (16, 32)}, 500
    else:
        (splits, options, _), epochs = big_enough(), 200
    live = hb.Live(network(splits, **options), splits, epochs=epochs, start=False, show=False)
    thread, live.log = live._thread, {"reached": [], "used": [], "steps": live._thread.batches.steps}
    move, put = live.set, thread.hyperparameters.update

    def set_(name, value):
        live.log["reached"].append((time.time(), value))
        return move(name, value)

    def update(values):
        put(values)
        live.log["used"] += [(time.time(), value, thread.progress.step) for value in values.values()]  # the step begins now

    live.set, thread.hyperparameters.update = set_, update
    return live


def latency_page(mnist, changes=40):
    """A slider moved by keyboard while it trains: the moments of each change in page and kernel, in seconds."""
    from browser import notebook_page

    cell = f"{SETUP}\nit = live.watched('{'mnist' if mnist else 'digits'}')\nit"
    with TemporaryDirectory() as folder, notebook_page(folder, [cell], width=1280, height=1100) as page:
        page.wait_for_function("document.querySelector('.hackbook-desk .status')?.textContent === 'ready'", timeout=120_000)
        page.evaluate(f"""() => {{ window.seen = {{ pressed: [], heard: [], marked: [] }};
            const slider = document.querySelector('input[type=range][data-hyperparameter=dropout]'), marks = document.querySelector('.hackbook-chart .marks');
            const heard = document.querySelector('.hackbook-desk .heard');
            slider.addEventListener('keydown', (e) => seen.pressed.push((performance.timeOrigin + e.timeStamp) / 1000), true);
            const watch = (node, what, text) => new MutationObserver(() => seen[what].push([{NOW}, text()])).observe(node, {{ childList: true, subtree: true, characterData: true }});
            watch(heard, 'heard', () => heard.textContent);
            watch(marks, 'marked', () => marks.lastChild?.getAttribute('aria-label')); }}""")
        page.locator(".hackbook-desk").get_by_role("button", name="Start").click()
        page.wait_for_function("parseFloat(document.querySelector('.hackbook-desk .where').textContent.split(' ')[1]) > 1.2", timeout=120_000)
        page.locator("input[type=range][data-hyperparameter=dropout]").focus()
        rng = random.Random(0)
        for _ in range(changes):
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(rng.uniform(300, 900))
        page.wait_for_timeout(1000)
        seen, log = page.evaluate("seen"), asked(page, folder, "it.log")
        drift = page.evaluate(f"Date.now() / 1000 - {NOW}")
        assert abs(drift) < 0.005, f"the page's clock is {drift:.3f} s away"
    at = {"reached": log["reached"], "used": log["used"]}
    for what in "heard", "marked":
        at[what] = [(t, float(m[1])) for t, text in seen[what] if (m := re.match(r"dropout ([\d.]+)[: ]", text or ""))]
    found = []
    for i, pressed in enumerate(seen["pressed"]):
        value = 0.3 + 0.01 * (i + 1) - 1e-6  # or a later one, where that overtook it
        move = {what: next((t - pressed for t, v, *_ in times if v >= value), None) for what, times in at.items()}
        found.append(move | {"change": next(step for _, v, step in log["used"] if v >= value) % log["steps"] == 0})
    return {"changes": found, "errors": page.errors}


# live.traces


def traces(steps_per_execution, bfloat16, changes=50):
    """How many graphs are traced during so many changes of every slider there is."""
    import hackbook as hb

    splits = hb.split(hb.data.digits())
    options = {"steps_per_execution": steps_per_execution, **({"precision": "mixed_bfloat16"} if bfloat16 else {})}
    live = hb.Live(network(splits, (4, 8)), splits, epochs=1000, start=False, show=False, **options)
    traced, rng = [], random.Random(0)
    for name in "train_step", "test_step":
        def step(data, inner=getattr(live.model, name)):
            traced.append(inner)
            return inner(data)
        setattr(live.model, name, step)
    live.start()
    until(lambda: live.timeline.rows() and live.state()["epoch"] > 1)  # full and last batches and the validation have been traced
    before = len(traced)
    for _ in range(changes):
        slider = rng.choice(list(live.sliders.values()))
        live.set(slider.name, rng.uniform(slider.low, slider.high if slider.whole else min(slider.high, 0.5)))
        unit = {"batch": "step", "epoch": "epoch"}[slider.acts]
        at = live.state()[unit]
        until(lambda: live.state()[unit] > at + (unit == "epoch"))
    at = live.state()["epoch"]
    until(lambda: live.state()["epoch"] > at + 1)
    live.stop()
    live.wait()
    assert before and len(live.timeline.changes()) >= changes - 5
    return {"traced": len(traced) - before, "changes": len(live.timeline.changes()), "hyperparameters": len(live.sliders)}


def traces_keras(changes=50):
    """Plain Keras: a new rate of Dropout is not seen by the graph until the model is compiled anew."""
    import keras

    import hackbook as hb

    splits = hb.split(hb.data.digits())
    model, traced = network(splits, (4, 8)), []
    dropout = next(layer for layer in model.layers if isinstance(layer, keras.layers.Dropout))
    inner = model.train_step
    model.train_step = lambda data: traced.append(1) or inner(data)
    for move in range(changes + 1):
        dropout.rate = 0.2 + move / 100
        model.compile(keras.optimizers.AdamW(0.01), "sparse_categorical_crossentropy")
        model.train_on_batch(splits.train.x[:64], splits.train.y[:64])
        if not move:
            before = len(traced)
    return {"traced": len(traced) - before}


def until(condition, seconds=120):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.002)


# live.snapshot


def snapshots(large, times=20):
    """ms and MB of a point to go back to, and of the file that Keras writes for the same purpose; the median of so many."""
    import hackbook as hb
    from hackbook.training.checkpoints import restore, snapshot
    from hackbook.live.snapshots import Snapshots

    splits = hb.split(hb.data.digits())
    model = network(splits, (64, 128, 256, 64) if large else (16, 32, 64))
    hb.fit(model, splits, epochs=1, to=None)
    ours, back, keras_, held = [], [], [], Snapshots("500 MB")
    with TemporaryDirectory() as folder:
        for turn in range(times):
            began = time.perf_counter()
            held[1, turn % 5] = snapshot(model), {}
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            restore(model, held[1, turn % 5][0])
            back.append(time.perf_counter() - began)
            began = time.perf_counter()
            model.save(Path(folder) / "epoch.keras")
            keras_.append(time.perf_counter() - began)
        written = (Path(folder) / "epoch.keras").stat().st_size
    return {"parameters": model.count_params(), "ours": 1e3 * median(ours), "keras": 1e3 * median(keras_), "back": 1e3 * median(back),
            "worst": 1e3 * max(ours), "bytes": held.bytes / len(held) / 1e6, "written": written / 1e6}


# How it is compared.


def p95(values):
    return quantiles(values, n=20, method="inclusive")[-1]


def load():
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def bench(measure, figure):
    """All of it; `measure` calls a function in a fresh process, `figure` makes an entry of results.json."""
    there = browser()
    print(f"  training in turn with bare fit, {'panel open in Chromium' if there else 'no Chromium or no Playwright here'}; {load()}", flush=True)
    found = overhead(measure(overhead_page if there else overhead_list), figure)
    if there:
        for mnist in (False, True) if MNIST.is_file() else (False,):
            found |= latency(measure(latency_page, int(mnist)), figure, "mnist" if mnist else "digits")
    else:
        print("  live.latency is left out", flush=True)
    return found | all_traces(measure, figure) | all_snapshots(measure, figure)


def overhead(told, figure):
    def of(seconds):
        return [[seconds(*turn) for turn in told[name]] for name in ("live", "bare")]

    live, bare = of(lambda first, all_, *_: all_)
    ratios, later, spent = ([a / b for a, b in zip(*pair)] for pair in ((live, bare), of(lambda first, all_, *_: all_ - first), of(lambda first, all_, cpu, *_: cpu)))
    begin = [median(times) for times in of(lambda first, *_: first)]
    note = f"{told['epochs']} epochs on {told['examples']:,} of {told['name']}; live/bare {median(ratios):.3f}, the median of {PAIRS} pairs after one to warm up, the two of a pair by turns, a tenth of the epochs at a time: "
    note += ", ".join(f"{r:.3f}" for r in ratios) + f"; the first epoch, which builds the graphs, {begin[0]:.2f} s and {begin[1]:.2f} s, those after it {median(later):.3f}"
    note += f" ({min(later):.3f} to {max(later):.3f}); the processor's time in the kernel {median(spent):.3f} ({min(spent):.3f} to {max(spent):.3f}); the weights of each pair are equal bit for bit; "
    if "drawn" in told:
        drawn = sum(began < t < ended for t in told["drawn"] for *_, began, ended in told["live"]) / sum(live)
        note += f"panel open in JupyterLab in Chromium on the same cores, chart drawn {drawn:.1f} times a second at 4 refreshes"
    else:
        note += "no Chromium here: the panel's messages went to a list"
    note += "; from Start to the end of the last epoch, tracing included; peer: model.fit, same data in the same order, model, seed and validation; " + load()
    return {"live.overhead": figure(median(live), median(bare), "s", note) | {"ratio": float(f"{1 / median(ratios):.4g}")}}


def latency(told, figure, name):
    changes, found = told["changes"], {}
    for what, words, aim in (("used", "slider moved by keyboard → a training step begins with the value", 100), ("marked", "→ mark on the chart", 200),
                             ("heard", "→ acknowledged by the label", 100)):
        ms = [1e3 * m[what] for m in changes if m[what] is not None]
        waiting, others = ([1e3 * m[what] for m in changes if m[what] is not None and m["change"] is c] for c in (True, False))
        note = f"p95 of {len(ms)} changes {words}; median {median(ms):.0f}, worst {max(ms):.0f} ms; on {name}; "
        note += f"{len(waiting)} changes were used at the start of an epoch (validation included): {', '.join(f'{v:.0f}' for v in sorted(waiting)) or 'none'} ms; p95 of the others {p95(others):.0f} ms; "
        note += f"{len(changes) - len(ms)} not seen; peer: what is aimed at; {load()}"
        found[f"live.latency.{what}.{name}"] = figure(p95(ms), aim, "ms", note)
    return found


def all_traces(measure, figure):
    ways = {"alone": (1, 0), "steps_per_execution=4": (4, 0), "mixed_bfloat16": (1, 1), "both": (4, 1)}
    counts = {name: measure(traces, *arguments) for name, arguments in ways.items()}
    note = "new graphs during 50 changes of all sliders; " + ", ".join(f"{name} {c['traced']}" for name, c in counts.items())
    note += "; peer: plain Keras, 50 changes of Dropout.rate, each with the compile that it needs"
    return {"live.traces": figure(max(c["traced"] for c in counts.values()), measure(traces_keras)["traced"], "", note)}


def all_snapshots(measure, figure):
    found = {}
    for name, large in (("30k", 0), ("500k", 1)):
        s = measure(snapshots, large)
        note = f"an epoch's point to go back to, in memory, at {s['parameters']:,} parameters; worst {s['worst']:.1f} ms; to restore {s['back']:.1f} ms; peer: model.save; medians of 20; {load()}"
        found[f"live.snapshot.{name}"] = figure(s["ours"], s["keras"], "ms", note)
        note = "what it holds: weights, optimizer and random states; peer: the file"
        found[f"live.snapshot.{name}.size"] = figure(s["bytes"], s["written"], "MB", note)
    return found
