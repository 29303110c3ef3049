"""The docs site: rendered once with smalldocs, and walked in Chromium."""

import os
import re
import sys
import threading
from pathlib import Path

import pytest
import yaml
from conftest import NOTEBOOKS, ROOT, TUTORIALS, call

pytest.importorskip("smalldocs")
import docs  # noqa: E402, where smalldocs is
import pages  # noqa: E402
from browser import find_browser  # noqa: E402

# What `smalldocs check` says of our pages that is as it should be, with the reason.
KNOWN = {}
THEME = "https://fonts.googleapis.com/"  # the theme's own fonts; the page looks for them once, and does without
PEOPLE_LOOK_AT = ["index.html", "tutorials/01_digits_cnn.html", "tutorials/04_train_and_regularize.html", "tutorials/06_live.html", "glossary.html", "names.html",
                  "benchmarks.html", "library/training/12_fitting.html", "library/live/12_replays.html", "library/data/03_dataset.html"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of pages, and what was rendered."""
    folder = tmp_path_factory.mktemp("site")
    docs.preprocess(folder / "proc")
    checked = call(sys.executable, "-m", "smalldocs.cli", "check", folder / "proc")
    command, docs.shutil.which = docs.shutil.which, lambda name: None if name == "quarto" else command(name)
    try:
        assert docs.render(folder / "proc", folder / "docs") == "smalldocs"
    finally:
        docs.shutil.which = command
    return folder, checked.stdout.splitlines()


@pytest.fixture(scope="module")
def browser(site):
    """A page in Chromium that reaches nothing but the site; requests to elsewhere, and errors, are noted."""
    path = find_browser()
    from playwright.sync_api import sync_playwright

    server = docs.server(site[0] / "docs")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.home, page.elsewhere, page.missing, page.errors = f"http://127.0.0.1:{server.server_port}", [], [], []
        page.route(lambda address: not address.startswith(page.home) and address.startswith("http"),
                   lambda route: (page.elsewhere.append(route.request.url), route.abort()))
        page.on("response", lambda r: page.missing.append(r.url) if r.status >= 400 else None)
        page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" and "ERR_FAILED" not in m.text else None)
        page.on("pageerror", lambda e: page.errors.append(str(e)))
        yield page
        chromium.close()
    server.shutdown()


def all_pages(site):
    return sorted(p.relative_to(site[0] / "docs").as_posix() for p in (site[0] / "docs").rglob("*.html") if p.name != "404.html")


def test_smalldocs_has_nothing_to_say_that_is_not_known(site):
    assert [line for line in site[1] if not any(re.search(known, line) for known in KNOWN)] == []


def test_each_notebook_is_a_page_with_a_markdown_twin(site):
    listed = (site[0] / "docs/llms.txt").read_text()
    for path in NOTEBOOKS:
        page = (site[0] / "docs" / path.relative_to(ROOT / "nbs")).with_suffix(".html")
        twin = page.with_name(page.name + ".md")
        assert page.is_file() and twin.is_file(), page
        assert f"({twin.relative_to(site[0] / 'docs').as_posix()})" in listed
        text = twin.read_text()
        assert "nbdev_export()" not in text and "#| default_exp" not in text


def test_goal_time_and_ways_of_a_tutorial_are_on_its_page(site):
    for path in TUTORIALS:
        text = (site[0] / f"docs/tutorials/{path.stem}.html").read_text()
        assert "<strong>Goal:</strong>" in text and "<strong>Time:</strong>" in text, path.name
        assert "colab.research.google.com/github/" in text and f'href="../notebooks/{path.name}" download' in text
        assert (site[0] / f"docs/notebooks/{path.name}").is_file()


def test_every_parameter_of_fit_is_told_with_its_whole_meaning(site):
    page = (site[0] / "docs/library/training/12_fitting.html").read_text()
    rows = list(pages.parameters(pages.look_up("hb.fit")))
    assert len(rows) > 20 and all(meaning for name, *_, meaning in rows if not name.startswith("*"))
    text = re.sub(r"<[^>]+>|\s+", " ", page).replace("&quot;", '"').replace("&#x27;", "'").replace("&amp;", "&").replace("&gt;", ">").replace("&lt;", "<")
    flat = re.sub(r"[\s`’'‘]+", "", text)
    for name, *_, meaning in rows:
        assert re.sub(r"[\s`’'‘]+", "", meaning.replace("…", "…")) in flat, name


def test_no_signature_names_a_machine_or_a_place_in_memory(site):
    for name in all_pages(site):
        text = (site[0] / "docs" / name).read_text()
        calls = re.findall(r'<div[^>]*class="[^"]*\bapi\b[\s\S]*?</pre>', text)
        assert not [c for c in calls if re.search(r" at 0x|__main__|&lt;factory|&lt;lambda|NoneType", c)], name


@pytest.mark.parametrize("name, page, leads", [
    ("hb.fit", "tutorials/01_digits_cnn.ipynb", "../library/training/12_fitting.ipynb#fit"),
    ("fit", "tutorials/01_digits_cnn.ipynb", None),                       # Keras' or hackbook's? Only hb.fit is ours
    ("fit", "library/training/12_fitting.ipynb", "#fit"),
    ("HackbookError", "library/data/01_tasks.ipynb", "../core/00_errors.ipynb#HackbookError"),
    ("Run", "library/training/12_fitting.ipynb", "07_runs.ipynb#Run"),
    ("nothing", "library/training/12_fitting.ipynb", None)])
def test_a_name_leads_to_what_it_means_on_its_page(name, page, leads):
    module = {p: m for m, p in pages.rooms().items()}.get(page)
    full = pages.full_name(pages.look_up(name, module))
    assert (full and pages.address(full, page)) == leads


def test_each_link_of_a_name_has_its_target(site):
    found = 0
    for path in (site[0] / "proc").rglob("*.ipynb"):
        page = (site[0] / "docs" / path.relative_to(site[0] / "proc")).with_suffix(".html")
        for href in re.findall(r'<a href="([^"#:]*)#([A-Za-z_][\w.]*)"[^>]*>\s*<code', page.read_text()):
            target = page if not href[0] else (page.parent / href[0]).resolve()
            assert f'id="{href[1]}"' in target.read_text(), (page.name, href)
            found += 1
    assert found > 300


@pytest.mark.parametrize("name, asked", [("hb.Dataset.frame", "property"), ("hb.Dataset.take", "method"), ("hb.fit", "function"), ("hb.Dataset", "class")])
def test_properties_are_no_calls(name, asked):
    thing = pages.full_name(pages.look_up(name))
    short, module = pages.anchor(thing), pages.symbols()[thing]
    text = pages.documented(short, module, False)
    assert f"[{asked} · source](" in text and ("(" in text.split("```")[1]) == (asked != "property")


SEEN = """() => {
  const wide = document.documentElement.scrollWidth > window.innerWidth + 1;
  const pictures = [...document.querySelectorAll('main img')];
  const squeezed = pictures.filter((i) => !i.src.startsWith('data:image/svg') && i.complete && i.naturalWidth && i.clientWidth && i.clientHeight && getComputedStyle(i).objectFit === 'fill'
    && Math.abs(i.clientWidth / i.clientHeight / (i.naturalWidth / i.naturalHeight) - 1) > 0.03).map((i) => i.src);
  const silent = pictures.filter((i) => !i.alt && !i.closest('[aria-hidden]')).map((i) => i.src);
  return { wide, squeezed, silent, title: document.title, description: document.querySelector('meta[name=description]')?.content ?? '' };
}"""


def test_no_page_is_broken_at_any_width(site, browser):
    titles = {}
    for name in all_pages(site):
        browser.goto(f"{browser.home}/{name}")
        for width in (1440, 768, 390):
            browser.set_viewport_size({"width": width, "height": 900})
            seen = browser.evaluate(SEEN)
            assert not seen["wide"], (name, width)
            assert seen["squeezed"] == [] and seen["silent"] == [], (name, width, seen)
        assert seen["title"] and seen["description"], name
        assert titles.setdefault(seen["title"], name) == name, f"{name} and {titles[seen['title']]} have one title"
    assert len(titles) >= len(NOTEBOOKS)
    assert browser.missing == [] and browser.errors == []
    assert [url for url in browser.elsewhere if not url.startswith(THEME)] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_barrier(site, browser, scheme):
    from axe_playwright_python.sync_playwright import Axe

    axe, keep = Axe(), os.environ.get("HACKBOOK_SHOTS")
    browser.set_viewport_size({"width": 1280, "height": 900})
    browser.emulate_media(color_scheme=scheme)
    found = {}
    for name in PEOPLE_LOOK_AT:
        browser.goto(f"{browser.home}/{name}")
        if (browser.locator(":is(html, body).quarto-dark").count() > 0) != (scheme == "dark"):
            browser.locator(".quarto-color-scheme-toggle").first.click()
        for violation in axe.run(browser).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                found[f"{name} {violation['id']}"] = [node["html"][:150] for node in violation["nodes"][:3]]
        if keep:
            Path(keep).mkdir(parents=True, exist_ok=True)
            browser.screenshot(path=f"{keep}/{name.replace('/', '_')}-{scheme}.png", full_page=True)
    assert found == {}


def test_sidebar_and_search_work_on_a_phone(browser):
    browser.emulate_media(color_scheme="light")
    browser.set_viewport_size({"width": 390, "height": 844})
    browser.goto(f"{browser.home}/tutorials/01_digits_cnn.html")
    browser.locator(".quarto-btn-toggle:visible").first.click()
    browser.locator("#quarto-sidebar a:visible", has_text="Glossary").first.wait_for()
    browser.goto(f"{browser.home}/index.html")
    browser.locator(".navbar-toggler").click()
    box = browser.locator("input[type=search]:visible, .aa-Input:visible, #quarto-search input:visible").first
    box.fill("dropout")
    browser.locator("a:visible", has_text=re.compile("dropout|Live|regular", re.I)).first.wait_for()


def test_what_is_missing_has_a_page_of_its_own(browser):
    answer = browser.goto(f"{browser.home}/nowhere.html")
    assert answer.status == 404 and "There is no such page" in browser.content()
    browser.missing.clear()
    browser.errors.clear()


REPLAYED = ["library/live/12_replays.html", "tutorials/01_digits_cnn.html", "tutorials/04_train_and_regularize.html", "tutorials/07_tune.html"]


@pytest.mark.parametrize("name", REPLAYED)
def test_a_replay_answers_without_a_kernel(browser, name):
    browser.set_viewport_size({"width": 1280, "height": 900})
    browser.emulate_media(reduced_motion="reduce")
    browser.goto(f"{browser.home}/{name}")
    panel = browser.locator(".hackbook-replay").first
    panel.scroll_into_view_if_needed()
    rows = panel.locator("tbody tr")
    assert rows.count() == 0 and panel.locator(".status").inner_text() == "ready"   # the reader predicts first
    panel.locator("button.start").press("Enter")
    panel.locator("tbody tr td").first.wait_for(state="attached")
    slider = panel.locator("input[type=range][data-hyperparameter]").first
    before = slider.get_attribute("aria-valuetext")
    slider.press("ArrowRight" if slider.input_value() == "0" else "ArrowLeft")
    assert slider.get_attribute("aria-valuetext") != before
    panel.locator("button.start").click()
    rows.nth(1).wait_for(state="attached")
    drawn = [row.inner_text().split()[-1] for row in rows.all()]
    assert len(set(drawn)) >= 1 and all(re.fullmatch(r"[01]\.\d{4}", score) for score in drawn)
    assert len(panel.locator(".curves .validation").all()) >= 4
    assert not browser.locator(".hackbook-replay img").count()
    browser.emulate_media(reduced_motion="no-preference")


def test_a_walk_through_a_code_answers_without_a_kernel(browser, site):
    text = (site[0] / "docs/library/autoencoders/01_walk_panel.html").read_text()
    assert 'src="../../walks.js"' in text and "function walk(" not in text   # one script for all pages
    browser.goto(f"{browser.home}/library/autoencoders/01_walk_panel.html")
    walk = browser.locator(".hackbook-walk[data-on]")
    walk.locator("input[type=range]").first.press("End")
    assert walk.locator("output").all_inner_texts() == ["2.50", "0.00"]


def test_a_session_repeats_itself_and_pauses(browser):
    browser.goto(f"{browser.home}/tutorials/06_live.html")
    panel = browser.locator(".hackbook-replay").nth(1)
    panel.scroll_into_view_if_needed()
    panel.locator("button.start").click()
    panel.locator("button.pause").click()
    panel.locator(".status", has_text="paused").wait_for()
    where = panel.locator(".where").inner_text()
    browser.wait_for_timeout(200)
    assert panel.locator(".where").inner_text() == where
    panel.locator("button.start").click()
    panel.locator(".status", has_text="ready").wait_for()
    assert panel.locator("tbody tr").count() >= 1


def test_a_replay_fits_a_phone(browser):
    browser.set_viewport_size({"width": 390, "height": 844})
    browser.goto(f"{browser.home}/tutorials/04_train_and_regularize.html")
    panel = browser.locator(".hackbook-replay").first
    panel.locator("button.start").click()
    panel.locator(".status", has_text="ready").wait_for()
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
    assert panel.evaluate("node => node.getBoundingClientRect().right <= innerWidth")


def test_one_progress_line_per_cell(site):
    stored = {p.stem: p.read_text().count("━ epoch ") for p in TUTORIALS}
    shown = {p.stem: (site[0] / f"docs/tutorials/{p.stem}.html").read_text() for p in TUTORIALS}
    assert stored["04_train_and_regularize"] > 15
    for name, text in shown.items():
        for cell in text.split('class="cell"'):
            assert len(re.findall(r"[━┈] epoch \d", cell)) <= 1, name


def test_what_replays_weigh(site):
    for name in all_pages(site):
        records = re.findall(r'<script type="application/json">(\{"sweep[\s\S]*?)</script>', (site[0] / "docs" / name).read_text())
        shared = sum((site[0] / f"docs/replays.{kind}").stat().st_size for kind in ("js", "css")) if records else 0
        assert sum(map(len, records)) + shared < 200_000, name


def test_one_configuration_for_both():
    told = yaml.safe_load(docs.settings())
    own = yaml.safe_load((ROOT / "_quarto.yml").read_text())
    assert not set(told["website"]) & set(own["website"]) and "output-file" not in (ROOT / "_quarto.yml").read_text()


def test_make_docs_says_which_renders_and_serves_on_this_machine_alone(site, monkeypatch, capsys):
    addresses = []

    def serve(server):
        addresses.append(server.server_address)
        raise KeyboardInterrupt

    monkeypatch.setattr(docs, "preprocess", lambda proc: None)
    monkeypatch.setattr(docs, "render", lambda proc, to: "smalldocs")
    monkeypatch.setattr(docs.http.server.ThreadingHTTPServer, "serve_forever", serve)
    monkeypatch.setattr(sys, "argv", ["docs.py", "--to", str(site[0] / "docs"), "--port", "0"])
    docs.main()
    said = capsys.readouterr().out
    ((host, port),) = addresses
    assert host == "127.0.0.1" and "rendered with smalldocs" in said and f"http://127.0.0.1:{port}" in said


def test_the_benchmarks_name_their_machine(site):
    text = (site[0] / "docs/benchmarks.html").read_text()
    assert "Measured on: processor" in text and "live.overhead" in text


def test_pictures_of_the_front_page(site):
    text = (site[0] / "docs/index.html").read_text()
    assert (site[0] / "docs/images/live.gif").stat().st_size < 1_000_000 and 'src="images/live.gif"' in text
    assert text.count('src="images/tutorial_') == len(TUTORIALS) and "make run" in text
