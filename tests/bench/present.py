"""What a demo in one file costs: milliseconds per prediction in a browser, and megabytes."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

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


def bench(measure, figure):
    """The figures of the package presentation and deployment."""
    demo = measure(browser_demo)
    note = f"median of 500 predictions of a digit in Chromium, one thread; the page is one file of {demo['megabytes']:.1f} MB; peer: what is aimed at, 50 ms"
    return {"present.browser_demo": figure(demo["ms"], 50, "ms", note)}
