"""What a deck and a demo in one file cost: seconds, megabytes, and milliseconds per prediction in a browser."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

MEDIAN = """async ([x, turns]) => {
  const times = [];
  for (let i = 0; i < turns + 20; i++) {
    const since = performance.now();
    await hackbookDemo.predict(x);
    times.push(performance.now() - since);
  }
  return times.slice(20).sort((a, b) => a - b)[turns / 2];
}"""


def browser_demo(turns=500):
    """Milliseconds per prediction of a digit in Chromium, the median, and the size of the page."""
    from browser import find_browser
    from playwright.sync_api import sync_playwright

    import hackbook as hb

    hb.set_seed(0)
    splits = hb.split(hb.data.digits())
    run = hb.fit(hb.models.cnn(splits), splits, epochs=3, to=None)
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        demo = hb.deployment.write_demo(run, Path(folder) / "demo.html")
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(demo.path.resolve().as_uri())
        page.wait_for_selector("body[data-state=ready]", timeout=120_000)
        median = page.evaluate(MEDIAN, [splits.validation.x[0].ravel().tolist(), turns])
        browser.close()
        return {"ms": median, "megabytes": demo.megabytes}


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
    """The figures of the packages presentation and deployment."""
    demo, told = measure(browser_demo), measure(deck)
    one_file = f"median of 500 predictions of a digit in Chromium, one thread; the page is one file of {demo['megabytes']:.1f} MB; peer: what is aimed at, 50 ms"
    slides = f"`hb.present` of the digits, {told['slides']} slides for ten minutes; peer: what is aimed at"
    return {
        "present.browser_demo": figure(demo["ms"], 50, "ms", one_file),
        "present.deck_seconds": figure(told["seconds"], 20, "s", slides),
        "present.deck_mb": figure(told["mb"], 5, "MB", "the HTML file of that deck, with everything inside; peer: what is aimed at")}
