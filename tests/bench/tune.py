"""The figures of `hb.tune`: its cost beside a grid, its scaling, its overhead beside training, and whether it ends in time.

`run.py` calls each function in a process of its own.
"""

import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

GRID = {"learning_rate": [0.001, 0.01, 0.1], "dropout": [0.0, 0.25, 0.5], "l2": [1e-5, 1e-4, 1e-3]}
RANGES = {"learning_rate": (0.001, 0.1, "log"), "dropout": (0.0, 0.5), "l2": (1e-5, 1e-3, "log")}
EPOCHS = 10
SAME = {"epochs": EPOCHS, "runs": None}


def build(splits, dropout=0.25, l2=1e-4):
    import hackbook as hb

    return hb.models.cnn(splits, filters=(8, 16), dropout=dropout, l2=l2)


def search(folder, name, splits, space, budget, **options):
    from hackbook.search.tuning import tune

    return tune(build, splits, space, budget, to=Path(folder) / f"{name}.db", **{**SAME, "finalists": 0, **options})


# tune.vs_grid


def spent(frame, best):
    """Epochs that were trained in all until a trial reached `best`, trials in the order in which they began; None: never."""
    there = (frame.status == "finished") & (frame.score >= best)
    return int(frame.epochs.cumsum()[there].min()) if there.any() else None


def vs_grid(seed, trials=120):
    """Epochs until the score of the full grid is matched: ours, and KerasTuner's Hyperband."""
    import hackbook as hb

    splits = hb.split(hb.data.digits(), seed=seed)
    with TemporaryDirectory() as folder:
        grid = search(folder, "grid", splits, GRID, "1 h", method="grid", pruner=None, workers=2, seed=seed)
        best, epochs = float(grid.frame.score.max()), int(grid.frame.epochs.sum())
        found = {"best": best, "grid": epochs, "scores": sorted(grid.frame.score, reverse=True)[:5]}
        for step in range(10, trials + 1, 10):  # until it is matched
            ours = search(folder, "ours", splits, RANGES, step, workers=2, seed=seed)
            if (matched := spent(ours.frame, best)) is not None:
                break
        found |= {"ours": matched or int(ours.frame.epochs.sum()), "reached": matched is not None, "trials": len(ours.frame)}
        return found | keras_tuner(folder, splits, seed, best)


def keras_tuner(folder, splits, seed, best):
    """KerasTuner's Hyperband on the same network, ranges and epochs."""
    import keras_tuner

    import hackbook as hb
    from hackbook.training import TrainingOptions, compile_model

    trained, reached = [0], []

    class Count(hb.core.load_keras().callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            trained[0] += 1
            if logs["val_accuracy"] >= best and not reached:
                reached.append(trained[0])
                raise KeyboardInterrupt

    def make(hp):
        hb.set_seed(seed)
        (l0, l1, _), (d0, d1), (r0, r1, _) = (RANGES[k] for k in ("learning_rate", "dropout", "l2"))
        model = build(splits, hp.Float("dropout", d0, d1), hp.Float("l2", r0, r1, sampling="log"))
        rate = hp.Float("learning_rate", l0, l1, sampling="log")
        compile_model(model, splits.train, 1, TrainingOptions(learning_rate=rate, schedule="constant"))
        return model

    tuner = keras_tuner.Hyperband(make, objective="val_accuracy", max_epochs=EPOCHS, factor=3, seed=seed, directory=folder, project_name="peer")
    t, v = splits.train, splits.validation
    try:
        tuner.search(t.x, t.y, batch_size=64, validation_data=(v.x, v.y), verbose=0, callbacks=[Count()])
    except KeyboardInterrupt:
        pass
    return {"peer": reached[0] if reached else trained[0], "peer_reached": bool(reached)}


# tune.workers, tune.overhead


def cluster(workers):
    """Dask on this machine, a client of it."""
    import logging

    from distributed import Client, LocalCluster

    here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
    return Client(LocalCluster(n_workers=workers, threads_per_worker=1, memory_limit=0, **here), set_as_default=False)


def throughput(workers, on_dask=0, trials=16):
    """Trials per minute, from the start of the first to the end of the last, one thread each; and the coordinator's seconds per trial."""
    import cloudpickle

    import hackbook as hb

    splits, spent = hb.split(hb.data.digits()), []
    coordinator = import_module("hackbook.search.coordinator")  # its own processor time, while trials run
    inner = coordinator.Search.run

    def timed(self):
        began = time.process_time()
        inner(self)
        spent.append(time.process_time() - began)

    coordinator.Search.run = timed
    with TemporaryDirectory() as folder:
        where = {"client": cluster(workers)} if on_dask else {"workers": workers}
        study = search(folder, "study", splits, RANGES, trials, pruner=None, threads=1, method="random", **where)
        if on_dask:
            where["client"].shutdown()
        all_ = study.optuna.trials
    seconds = (max(t.datetime_complete for t in all_) - min(t.datetime_start for t in all_)).total_seconds()
    return {"rate": 60 * trials / seconds, "seconds": seconds, "coordinator": sum(spent) / trials, "trial": float(study.frame.seconds.mean()),
            "bytes": len(cloudpickle.dumps(splits))}


def transfer(megabytes=200):
    """MB per second from the notebook to two workers of Dask on this machine."""
    import numpy as np

    client = cluster(2)
    data = np.random.default_rng(0).integers(0, 255, int(megabytes * 1e6), dtype=np.uint8)
    began = time.perf_counter()
    client.scatter(data, broadcast=True)
    rate = 2 * megabytes / (time.perf_counter() - began)
    client.shutdown()
    return {"rate": rate}


def beyond(trials=12, seconds=10):
    """Wall time of a search with whole trials of about ten seconds, and the seconds of training in it."""
    import hackbook as hb

    splits = hb.split(hb.data.digits())
    with TemporaryDirectory() as folder:
        probe = search(folder, "probe", splits, RANGES, 1, epochs=20, pruner=None)
        epochs = round(20 * seconds / float(probe.optuna.trials[0].user_attrs["training"]))
        began = time.perf_counter()
        study = search(folder, "study", splits, RANGES, trials, epochs=epochs, pruner=None)
        wall = time.perf_counter() - began - study.run.seconds
        all_ = study.optuna.trials
    training = sum(t.user_attrs["training"] for t in all_)
    steady = (max(t.datetime_complete for t in all_) - min(t.datetime_start for t in all_)).total_seconds()
    return {"wall": wall, "training": training, "steady": steady, "epochs": epochs}


# tune.deadline


def in_time(budget):
    """How long a search takes that was given so many seconds, the last training included."""
    from hackbook.search.tuning import tune

    import hackbook as hb

    splits = hb.split(hb.data.digits())
    began = time.perf_counter()
    with TemporaryDirectory() as folder:
        study = tune(hb.models.cnn, splits, budget=f"{budget} s", to=Path(folder) / "study.db", runs=None)
    seconds = time.perf_counter() - began
    run = study.run
    return {"seconds": seconds, "trials": len(study.frame), "repeats": int(study.frame.seeds.sum()), "epochs": len(run.history) if run else 0,
            "score": float(run.history.val_accuracy.iloc[-1]) if run else 0}


BUDGETS = range(15, 45, 3)


def bench(measure, figure, seeds=5):
    """All of it; `measure` calls a function in a fresh process, `figure` makes an entry of results.json."""
    found = {}
    counts = [measure(vs_grid, seed) for seed in range(seeds)]
    ratios = [c["ours"] / c["grid"] for c in counts]
    tell = lambda reached, n: f"{n}" if reached else f"not within {n}"
    note = f"epochs until the validation accuracy of the full grid of 27 is matched; ours/grid {median(ratios):.3f}, the median of {seeds} seeds: "
    note += ", ".join(tell(c["reached"], c["ours"]) + f" of {c['grid']}" for c in counts)
    note += "; KerasTuner's Hyperband on the same network, ranges and epochs: " + ", ".join(tell(c["peer_reached"], c["peer"]) for c in counts)
    found["tune.vs_grid"] = figure(median(c["ours"] for c in counts), median(c["grid"] for c in counts), "epochs", note)
    found["tune.vs_keras_tuner"] = figure(median(c["ours"] for c in counts), median(c["peer"] for c in counts), "epochs", "the same, beside Hyperband of KerasTuner")

    one, two, dask = measure(throughput, 1), measure(throughput, 2), measure(throughput, 2, 1)
    speed = measure(transfer)["rate"]
    cost, trial = dask["coordinator"], one["trial"]
    lines = []
    for n in (10, 100, 1000):
        rate, sent = min(n / trial, 1 / cost), n * two["bytes"] / 1e6 / speed
        lines.append(f"{n} workers: {60 * rate:.0f} per minute ({'the workers' if n / trial < 1 / cost else 'the coordinator'} the bottleneck), {sent:.1f} s to send the data")
    note = f"trials per minute, two workers against one, one thread each, and {dask['rate']:.1f} with two workers of Dask on this machine; a trial takes {trial:.1f} s, "
    note += f"the coordinator of a cluster spends {1e3 * cost:.0f} ms on it; projection: " + "; ".join(lines)
    found["tune.workers"] = figure(two["rate"], one["rate"], "trials/min", note, more=True)

    o = measure(beyond)
    note = f"12 trials of {o['training'] / 12:.1f} s ({o['epochs']} epochs): {o['wall'] / o['training'] - 1:.1%} beyond the training itself, with the start of worker and Keras; from the first trial on {o['steady'] / o['training'] - 1:.1%}"
    found["tune.overhead"] = figure(o["wall"], o["training"], "s", note)

    turns = {budget: measure(in_time, budget) for budget in BUDGETS}
    over = {b: t["seconds"] / b - 1 for b, t in turns.items()}
    note = "time taken of budgets, the winner's training included: " + ", ".join(f"{b} s: {t['seconds']:.1f} s ({t['trials']} trials, {t['repeats']} repeats, last run {t['epochs']} epochs)" for b, t in turns.items())
    found["tune.deadline"] = figure(max(over.values()), 0.05, "overrun", note)
    return found


def install_peer(folder):
    """KerasTuner, for the benchmark alone."""
    try:
        import keras_tuner  # noqa: F401
    except ImportError:
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), "--no-deps", "keras-tuner", "kt-legacy"], check=True)
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(folder)]))
