"""The figures of `hb.Live`: what the panel costs, how soon a slider acts, and what going back costs.

`run.py` calls each function in a process of its own; `turns` and `watched` run in the kernel of a notebook that such a process opens
in real JupyterLab. The clock of the page and that of the kernel are the same machine's.
"""

import json
import os
import random
import re
import sys
import threading
import time
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
    """Splits on which an epoch takes a second or so, the options of a network, and epochs for a training of several seconds."""
    import numpy as np

    import hackbook as hb

    if MNIST.is_file():
        return hb.split(hb.data.mnist().take(np.arange(12_000)), test=0.1), {"filters": (8, 16)}, 3
    return hb.split(hb.data.digits()), {"filters": (32, 64, 128)}, 20


def network(splits, filters, dropout=0.3, l2=1e-4, seed=0):
    import hackbook as hb

    hb.set_seed(seed)
    return hb.models.cnn(splits, filters=filters, dropout=dropout, l2=l2)


# live.overhead


def train_bare(splits, options, epochs):
    """Keras' own fit on the same data in the same order: seconds, and the weights."""
    import hackbook as hb
    from hackbook.batches import Batches, in_order
    from hackbook.compile import compile_model
    from hackbook.core import load_keras

    model = network(splits, **options)
    hb.set_seed(0)
    served = Batches(splits.train, 64, 0)
    compile_model(model, splits.train, served.steps * epochs, schedule="constant")
    order = load_keras().callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: served.epoch.assign(epoch))
    began, spent = time.time(), time.process_time()
    model.fit(served.dataset, epochs=epochs, verbose=0, shuffle=False, validation_data=in_order(splits.validation), callbacks=[order])
    return began, time.time(), time.process_time() - spent, model.get_weights()


def train_live(splits, options, epochs, show):
    """The same under Live, from the click on Start to the last epoch's end; the panel is on the page before, or its messages go to a list."""
    import hackbook as hb
    from hackbook.pilot import Pilot

    live = hb.Live(network(splits, **options), splits, epochs=epochs, start=False, show=False)
    if show:
        from IPython.display import clear_output, display

        clear_output()
        opened = threading.Event()
        live.panel.desk.on_msg(lambda widget, message, buffers: opened.set())  # the page says hello
        display(live)
        assert opened.wait(60), "no panel on the page"
        time.sleep(0.5)
    else:
        sent = []
        live.panel.desk.send = live.panel.chart.send = sent.append
    began, spent = time.time(), time.process_time()
    live.start()
    assert Pilot.wait(live) == "finished"
    ended, spent, weights = time.time(), time.process_time() - spent, live.model.get_weights()
    assert not live.timeline.moves()
    live.wait()
    live.close()
    live.panel.close()
    return began, ended, spent, weights


def turns(to, show=True):
    """Pairs of trainings, Live first in every second one, after a pair to warm up: when each began and ended, and the processor's seconds."""
    import numpy as np

    splits, options, epochs = big_enough()
    found = {"live": [], "bare": []}
    for pair in range(PAIRS + 1):
        calls = {"live": lambda: train_live(splits, options, epochs, show), "bare": lambda: train_bare(splits, options, epochs)}
        weights = {}
        for name in list(calls)[:: 1 if pair % 2 else -1]:
            *times, weights[name] = calls[name]()
            found[name].append(times)
        assert all(np.array_equal(a, b) for a, b in zip(*weights.values(), strict=True)), "the weights differ"
    told = {name: pairs[1:] for name, pairs in found.items()} | {"name": splits.name, "examples": len(splits.train), "epochs": epochs}
    Path(to).write_text(json.dumps(told))


def overhead_list():
    """Where no browser is."""
    with TemporaryDirectory() as folder:
        turns(Path(folder) / "turns.json", show=False)
        return json.loads((Path(folder) / "turns.json").read_text())


def overhead_page():
    """In JupyterLab; with the moments at which the chart's curves were drawn anew."""
    from browser import notebook_page

    with TemporaryDirectory() as folder, notebook_page(folder, [f"{SETUP}\nlive.turns('part.json')\nimport os; os.rename('part.json', 'turns.json')"], width=1280, height=1100) as page:
        page.evaluate(f"""() => {{ window.drawn = [];
            new MutationObserver((all) => {{ if (all.some((m) => m.target.closest?.('.hackbook-chart .curves'))) drawn.push({NOW}); }})
              .observe(document.body, {{ subtree: true, childList: true, attributes: true, attributeFilter: ['d'] }}); }}""")
        told = json.loads(waited(page, Path(folder) / "turns.json", 500).read_text())
        return told | {"drawn": page.evaluate("drawn"), "errors": page.errors}


NOW = "(performance.timeOrigin + performance.now()) / 1000"  # in the page: what time.time() is here


def waited(page, path, seconds):
    """A file that the kernel writes; the message of a cell that failed, where it does not."""
    ends = time.monotonic() + seconds
    while not path.is_file():
        page.wait_for_timeout(200)
        wrong = page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr'], .jp-RenderedText[data-mime-type*=error]")
        if time.monotonic() > ends or wrong.count() and "Error" in (text := wrong.last.inner_text()):
            raise RuntimeError(text.strip().splitlines()[-1] if wrong.count() else f"{path.name} did not come")
    return path


# live.latency


def watched(kind):
    """A Live that notes when a move reached it, and when a step took it."""
    import hackbook as hb

    if kind == "digits":
        splits, options, epochs = hb.split(hb.data.digits()), {"filters": (16, 32)}, 500
    else:
        (splits, options, _), epochs = big_enough(), 200
    live = hb.Live(network(splits, **options), splits, epochs=epochs, start=False, show=False)
    loop, live.log = live._loop, {"reached": [], "used": [], "steps": live._loop.served.steps}
    move, put = live.set, loop.knobs.update

    def set_(name, value):
        live.log["reached"].append((time.time(), value))
        return move(name, value)

    def update(values):
        put(values)
        live.log["used"] += [(time.time(), value, loop.step) for value in values.values()]  # the step begins now

    live.set, loop.knobs.update = set_, update
    return live


def latency_page(mnist, moves=40):
    """A slider moved by keyboard while it trains: the moments of each move in page and kernel, in seconds."""
    from browser import KERNEL, notebook_page

    cell = f"{SETUP}\nit = live.watched('{'mnist' if mnist else 'digits'}')\nit"
    with TemporaryDirectory() as folder, notebook_page(folder, [cell], width=1280, height=1100) as page:
        page.wait_for_function("document.querySelector('.hackbook-desk .status')?.textContent === 'ready'", timeout=120_000)
        page.evaluate(f"""() => {{ window.seen = {{ pressed: [], heard: [], marked: [] }};
            const slider = document.querySelector('input[type=range][data-knob=dropout]'), marks = document.querySelector('.hackbook-chart .marks');
            const heard = document.querySelector('.hackbook-desk .heard');
            slider.addEventListener('keydown', (e) => seen.pressed.push((performance.timeOrigin + e.timeStamp) / 1000), true);
            const watch = (node, what, text) => new MutationObserver(() => seen[what].push([{NOW}, text()])).observe(node, {{ childList: true, subtree: true, characterData: true }});
            watch(heard, 'heard', () => heard.textContent);
            watch(marks, 'marked', () => marks.lastChild?.getAttribute('aria-label')); }}""")
        page.locator(".hackbook-desk").get_by_role("button", name="Start").click()
        page.wait_for_function("parseFloat(document.querySelector('.hackbook-desk .where').textContent.split(' ')[1]) > 1.2", timeout=120_000)
        page.locator("input[type=range][data-knob=dropout]").focus()
        rng = random.Random(0)
        for _ in range(moves):
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(rng.uniform(300, 900))
        page.wait_for_timeout(1000)
        page.evaluate(f"code => {KERNEL}.requestExecute({{code}}).done", "import json; open('log.json', 'w').write(json.dumps(it.log)); it.stop()")
        seen, log = page.evaluate("seen"), json.loads((Path(folder) / "log.json").read_text())
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
    return {"moves": found, "errors": page.errors}


# live.traces


def traces(steps_per_execution, bfloat16, moves=50):
    """How many graphs are traced during so many moves of every slider there is."""
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
    for _ in range(moves):
        control = rng.choice(list(live.controls.values()))
        live.set(control.name, rng.uniform(control.low, min(control.high, 0.5)))
        at = live.state()["step"]
        until(lambda: live.state()["step"] > at)
    at = live.state()["epoch"]
    until(lambda: live.state()["epoch"] > at + 1)
    live.stop()
    live.wait()
    assert before and len(live.timeline.moves()) >= moves - 5
    return {"traced": len(traced) - before, "moves": len(live.timeline.moves()), "knobs": len(live.controls)}


def traces_keras(moves=50):
    """Plain Keras: a new rate of Dropout is not seen by the graph until the model is compiled anew."""
    import keras

    import hackbook as hb

    splits = hb.split(hb.data.digits())
    model, traced = network(splits, (4, 8)), []
    dropout = next(layer for layer in model.layers if isinstance(layer, keras.layers.Dropout))
    inner = model.train_step
    model.train_step = lambda data: traced.append(1) or inner(data)
    for move in range(moves + 1):
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
    from hackbook.checkpoint import restore, snapshot
    from hackbook.snapshots import Snapshots

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
    found = overhead(measure(overhead_page if there else overhead_list), figure)
    if there:
        for mnist in (False, True) if MNIST.is_file() else (False,):
            found |= latency(measure(latency_page, int(mnist)), figure, "mnist" if mnist else "digits")
    else:
        print("  live.latency: left out, no Chromium or no Playwright here", flush=True)
    return found | all_traces(measure, figure) | all_snapshots(measure, figure)


def overhead(told, figure):
    seconds = {name: [ended - began for began, ended, _ in told[name]] for name in ("live", "bare")}
    ratios, spent = ([a / b for a, b in zip(*pairs)] for pairs in (seconds.values(), [[t[2] for t in told[name]] for name in seconds]))
    note = f"{told['epochs']} epochs on {told['examples']:,} of {told['name']}; live/bare {median(ratios):.3f}, the median of {PAIRS} pairs in turn after one to warm up: "
    note += ", ".join(f"{r:.3f}" for r in ratios) + f"; the processor's time in the kernel {median(spent):.3f} ({min(spent):.3f} to {max(spent):.3f}); the weights of each pair are equal bit for bit; "
    if "drawn" in told:
        drawn = sum(began < t < ended for t in told["drawn"] for began, ended, _ in told["live"]) / sum(seconds["live"])
        note += f"panel open in JupyterLab in Chromium on the same cores, chart drawn {drawn:.1f} times a second"
    else:
        note += "no Chromium here: the panel's messages went to a list"
    note += "; from Start to the end of the last epoch, tracing included; peer: model.fit, same data in the same order, model, seed and validation; " + load()
    return {"live.overhead": figure(median(seconds["live"]), median(seconds["bare"]), "s", note) | {"ratio": float(f"{1 / median(ratios):.4g}")}}


def latency(told, figure, name):
    moves, found = told["moves"], {}
    for what, words, aim in (("used", "slider moved by keyboard → a training step begins with the value", 100), ("marked", "→ mark on the chart", 200),
                             ("heard", "→ acknowledged by the label", 100)):
        ms = [1e3 * m[what] for m in moves if m[what] is not None]
        waiting, others = ([1e3 * m[what] for m in moves if m[what] is not None and m["change"] is c] for c in (True, False))
        note = f"p95 of {len(ms)} moves {words}; median {median(ms):.0f}, worst {max(ms):.0f} ms; on {name}; "
        note += f"{len(waiting)} moves were taken at a change of epoch (validation included): {', '.join(f'{v:.0f}' for v in sorted(waiting)) or 'none'} ms; p95 of the others {p95(others):.0f} ms; "
        note += f"{len(moves) - len(ms)} not seen; peer: what is aimed at; {load()}"
        found[f"live.latency.{what}.{name}"] = figure(p95(ms), aim, "ms", note)
    return found


def all_traces(measure, figure):
    ways = {"alone": (1, 0), "steps_per_execution=4": (4, 0), "mixed_bfloat16": (1, 1), "both": (4, 1)}
    counts = {name: measure(traces, *arguments) for name, arguments in ways.items()}
    note = "new graphs during 50 moves of all sliders; " + ", ".join(f"{name} {c['traced']}" for name, c in counts.items())
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
