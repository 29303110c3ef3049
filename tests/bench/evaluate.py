"""How much a result with intervals costs, and how often its intervals hold."""

from time import perf_counter

import numpy as np


def scored(examples=10_000):
    """Seconds of `model.predict`, and of `hb.evaluate` with all scores and intervals, the two by turns."""
    import keras

    import hackbook as hb

    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (examples, 28, 28), dtype="uint8")
    data = hb.Dataset(x, rng.integers(10, size=examples), [str(c) for c in range(10)])
    keras.utils.set_random_seed(0)
    model = hb.models.cnn(hb.split(data.take(np.arange(1000))))
    ours, bare = [], []
    for turn in range(6):
        start = perf_counter()
        model.predict(data.x, verbose=0)
        bare.append(perf_counter() - start)
        start = perf_counter()
        result = hb.evaluate(model, data)
        metrics = len(result.scores)
        ours.append(perf_counter() - start)
    return {"ours": float(np.median(ours[1:])), "bare": float(np.median(bare[1:])), "metrics": metrics}  # the first builds the graph


def confusion(classes=1000, examples=10_000):
    """Seconds of `plot_confusion` as a PNG."""
    import hackbook as hb

    rng = np.random.default_rng(0)
    y = np.concatenate([np.arange(classes), rng.integers(classes, size=examples - classes)])
    told = np.where(rng.random(examples) < 0.8, y, rng.integers(classes, size=examples))
    result = hb.Evaluation(hb.Dataset(np.zeros((examples, 1)), y), np.eye(classes, dtype="float32")[told])
    result.plot_confusion().png()
    start = perf_counter()
    result.plot_confusion().png()
    return {"seconds": perf_counter() - start}


def gradcam(examples=16):
    """Seconds of `hb.explain(method='grad-cam')` of 16 digits, of its first call and of those after it."""
    import hackbook as hb

    hb.set_seed(0)
    splits = hb.split(hb.data.digits())
    model = hb.models.cnn(splits)
    seconds = []
    for turn in range(6):
        start = perf_counter()
        hb.explain(model, splits.validation, np.arange(examples), method="grad-cam")
        seconds.append(perf_counter() - start)
    return {"first": seconds[0], "seconds": float(np.median(seconds[1:]))}


def world(rng, n, groups):
    """True classes and probabilities, and true numbers and predictions; members of a group are alike."""
    from scipy.special import softmax

    y = rng.choice(3, size=n, p=[0.5, 0.3, 0.2])
    logits, error = 1.5 * rng.normal(size=(n, 3)), rng.normal(size=n)
    if groups is not None:
        logits += rng.normal(size=(groups.max() + 1, 3))[groups]
        error += rng.normal(size=groups.max() + 1)[groups]
    numbers = rng.normal(10, 3, size=n)
    return {"classification": (y, softmax(2.5 * np.eye(3)[y] + logits, axis=1)), "regression": (numbers, numbers + error)}


def coverage(simulations=1000):
    """In how many test sets of 30 examples, of 100, and of 30 groups of ten a 95 % interval contains the true score."""
    from hackbook.data import METRICS
    from hackbook.evaluation import score_intervals

    found = {}
    for what, n, groups in (("30 examples", 30, None), ("100 examples", 100, None), ("30 groups", 300, 30)):
        number = None if groups is None else np.arange(n) % groups
        whole = world(np.random.default_rng(1), 200_000, None if groups is None else np.arange(200_000) // 10)
        truth = {m.name: m(*whole[m.family]) for m in METRICS.values() if m.name != "mape" and m.family in whole}  # heavy tails: no interval holds
        rng, held = np.random.default_rng(2), {name: [] for name in truth}
        for _ in range(simulations):
            drawn = world(rng, n, number)
            for family in drawn:
                y, told = drawn[family]
                metrics = [METRICS[name] for name in truth if METRICS[name].family == family]
                if family == "classification" and len(set(y)) < 3:
                    continue
                for metric, (_, low, high) in zip(metrics, score_intervals(metrics, y, told, groups=number)):
                    held[metric.name].append(low <= truth[metric.name] <= high)
        found[what] = {name: float(np.mean(h)) for name, h in held.items()}
    return found


def bench(measure, figure):
    """The figures of evaluation."""
    cost, picture, maps, held = measure(scored), measure(confusion), measure(gradcam), measure(coverage)
    allowed = 1.3 * cost["bare"] + 2
    note = f"`hb.evaluate` of 10,000 pictures and {cost['metrics']} scores with intervals; `model.predict` alone {cost['bare']:.2f} s; peer: what is aimed at, 1.3 times that and 2 s; medians of 5 turns"
    worst = min(((c, name, what) for what, scores in held.items() for name, c in scores.items()))
    each = "; ".join(f"{what}: " + ", ".join(f"{name} {c:.1%}" for name, c in scores.items()) for what, scores in held.items())
    return {"evaluate.overhead": figure(cost["ours"], allowed, "s", note),
            "evaluate.confusion_1000": figure(picture["seconds"], 2, "s", "`plot_confusion` of 1,000 classes as a PNG; peer: what is aimed at"),
            "evaluate.gradcam": figure(maps["seconds"], 1, "s", f"`hb.explain` of 16 digits by Grad-CAM, the whole call, after the first ({maps['first']:.1f} s); peer: what is aimed at"),
            "evaluate.coverage": figure(worst[0], 0.95, "", f"fraction of 1,000 test sets in which a 95 % interval contains the true score, for the worst case ({worst[1]}, {worst[2]}); peer: 0.95; {each}", more=True)}
