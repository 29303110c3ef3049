"""The detector: mAP on scenes by writers it has never seen after three minutes of training, and scenes per second."""

from statistics import median
from time import perf_counter, process_time

GOALS = {"map50": 0.90, "map": 0.60}
SECONDS = 180
RATE = 100


def detect_ours(seed):
    """Train on composed scenes, score 500 scenes of the test part once, then time predictions with their decoding."""
    import numpy as np

    import hackbook as hb

    splits = hb.detection.scene_splits(5000, seed=seed)
    hb.set_seed(seed)
    start, work = perf_counter(), process_time()
    run = hb.fit(hb.models.detector(splits), splits, epochs=13, batch_size=32, learning_rate=0.005, seed=seed, to=None)
    spent = {"seconds": perf_counter() - start, "cpu": process_time() - work}
    unseen = splits.test.open("benchmark").take(np.arange(500))
    scores = hb.evaluate(run, unseen).scores.score
    start = perf_counter()
    run.predict(unseen.x)
    return spent | {"rate": len(unseen) / (perf_counter() - start), **scores[list(GOALS)].to_dict()}


def bench(measure, figure, seeds):
    """Both scores beside their goals, and the throughput."""
    runs = []
    for seed in range(min(seeds, 3)):
        runs.append(measure(detect_ours, seed))
        print(f"  seed {seed}: " + ", ".join(f"{name} {value:.4g}" for name, value in runs[-1].items()), flush=True)
    middle = {name: median(r[name] for r in runs) for name in runs[0]}
    spent = f"trained for {middle['seconds']:.0f} s ({SECONDS} are asked), {middle['cpu']:.0f} s of the processor"
    found = {}
    for name, goal in GOALS.items():
        each = ", ".join(f"{r[name]:.4f}" for r in runs)
        note = f"hb.models.detector on 500 scenes of one to five digits by unseen writers, median of {len(runs)} seeds: {each}; {spent}; peer: the goal"
        found[f"detect.{name}"] = figure(middle[name], goal, "", note, more=True)
    note = "run.predict with decoding and non-maximum suppression, 500 scenes of 64×64 at once; peer: the goal"
    return found | {"detect.throughput": figure(middle["rate"], RATE, "scenes/s", note, more=True)}
