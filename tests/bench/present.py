"""How long the deck of the digits takes, and how large it is."""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter


def deck():
    """Seconds of `hb.present`, and megabytes of the file: the story of the digits in ten minutes."""
    import hackbook as hb

    hb.set_seed(0)
    problem = hb.Problem("Which digit is this?", "image-classification", who="Teachers")
    splits = problem.split(hb.data.digits())
    problem = problem.adopt(problem.baselines(splits))
    run = hb.fit(hb.models.cnn(splits), splits, epochs=3, to=None)
    result = hb.evaluate(run, splits.test, reason="benchmark")
    with TemporaryDirectory() as folder:
        start = perf_counter()
        made = hb.present(problem, run, result, to=Path(folder) / "deck", minutes=10, evidence=[result.slices()])
        return {"seconds": perf_counter() - start, "mb": made.path.stat().st_size / 1e6, "slides": len(made.slides)}


def bench(measure, figure):
    """The figures of presentation."""
    found = measure(deck)
    note = f"`hb.present` of the digits, {found['slides']} slides for ten minutes; peer: what is aimed at"
    return {"present.deck_seconds": figure(found["seconds"], 20, "s", note),
            "present.deck_mb": figure(found["mb"], 5, "MB", "the HTML file of that deck, with everything inside; peer: what is aimed at")}
