"""A deck in a real browser: offline, by keys, printed, on a phone; its texts, its numbers, and what it refuses."""

import errno
import html
import json
import re
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from browser import find_browser

import hackbook as hb
from hackbook.presentation import Answers
from hackbook.presentation.presenting import material_of
from hackbook.presentation.storyline import story

HOSTILE = "<script>hacked=1</script>\"'&<b> \u202eabc 🙂 שלום"
SIZES = ((1280, 720), (1920, 1080))


@pytest.fixture(scope="module")
def made():
    """Digits, a tiny run, its result, and evidence."""
    hb.set_seed(0)
    problem = hb.Problem("Which digit is this?", "image-classification", who="Teachers", worth="An evening", risks=["A wrong mark"])
    splits = problem.split(hb.data.digits())
    problem = problem.adopt(problem.baselines(splits))
    run = hb.fit(hb.models.cnn(splits, filters=(8,)), splits, epochs=3, to=None)
    result = hb.evaluate(run, splits.test, reason="final score")
    seen = hb.explain(run, splits.validation.take(np.arange(4)))
    evidence = [seen.check(draws=2), result.slices()]
    answers = Answers("Answer sheets, read in a minute", "Team 7", "Teachers of evening classes.", "Marks are copied by hand.", "One convolution; we minimize $-\\log p(y)$.",
                      "Rotation made it worse.", "Ask two teachers.", limits="Only ink.", contact="team@example.org")
    return problem, splits, run, result, evidence, answers


@pytest.fixture(scope="module")
def deck(made, tmp_path_factory):
    problem, _, run, result, evidence, answers = made
    return hb.present(problem, run, result, to=tmp_path_factory.mktemp("jury") / "deck", minutes=10, answers=answers, evidence=evidence)


@pytest.fixture(scope="module")
def chromium():
    path = find_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium):
    """Opens a deck from disk, without a network; what it asks for elsewhere and the console's errors are kept."""
    pages = []

    def open_deck(path, query="", size=(1280, 720), theme="light", **options):
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=theme, offline=True, **options)
        page = context.new_page()
        page.errors, page.asked = [], []
        page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: page.errors.append(str(e)))
        page.on("request", lambda r: page.asked.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
        page.goto(path.as_uri() + query)
        page.wait_for_selector("html.ready")
        pages.append((page, context))
        return page

    yield open_deck
    for page, context in pages:
        assert page.errors == [] and page.asked == []
        context.close()


def place(page):
    return page.evaluate("Reveal.getIndices().h")


def test_small_self_contained_and_complete(deck):
    text = deck.path.read_text(encoding="utf-8")
    assert len(text.encode()) < 5e6 and not re.search(r"<(link|script|img|iframe)[^>]+(src|href)=[\"'](?!data:)", text[: text.index("</main>")])
    assert json.loads((deck.path.parent / "numbers.json").read_text(encoding="utf-8"))["accuracy"] == deck.summary["accuracy"]
    assert [s.anchor for s in deck.slides] == ["title", "problem", "data", "baseline", "way", "approach", "training", "learning", "result", "calibration", "errors",
                                               "confusion", "explanation", "slices", "failed", "limits", "next", "check"]


def test_what_is_unknown_is_null_in_the_numbers(made, tmp_path):
    problem, _, run, result, _, _ = made
    unknown = copy(result)
    unknown.scores = result.scores.assign(low=np.nan, high=np.nan)
    deck = hb.present(problem, run, unknown, to=tmp_path / "deck", minutes=3)

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    numbers = json.loads((deck.path.parent / "numbers.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert numbers["interval"] == [None, None] and numbers["accuracy"] == result.accuracy


def test_no_path_of_this_machine_is_published(made, tmp_path):
    problem, _, run, result, _, _ = made
    saved = replace(run, folder=tmp_path / "private" / "digits-cnn")
    deck = hb.present(problem, saved, result, to=tmp_path / "deck", minutes=10)
    files = {p.name: p.read_text(encoding="utf-8") for p in deck.path.parent.iterdir()}
    assert json.loads(files["numbers.json"])["run"] == "digits-cnn" and "digits-cnn" in files["index.html"]
    hb.report(saved, result, tmp_path / "report.html")
    files |= {p.name: p.read_text(encoding="utf-8") for p in tmp_path.glob("report.*")}
    assert len(files) == 5 and not any(str(tmp_path) in text for text in files.values())


def test_a_report_refuses_what_it_does_not_show(made, tmp_path):
    problem, _, run, result, evidence, answers = made
    for more in ({"evidence": evidence}, {"answers": answers}, {"minutes": 10}):
        with pytest.raises(hb.InvalidValue, match=f"to show {next(iter(more))}.*try to='deck/'"):
            hb.present(problem, run, result, to=tmp_path / "R.html", **more)
    assert not any(tmp_path.iterdir())
    hb.present(problem, run, result, to=tmp_path / "R.HTML", title="Read me")
    assert {p.name for p in tmp_path.iterdir()} == {"R.HTML", "R.json"} and "Read me" in (tmp_path / "R.HTML").read_text(encoding="utf-8")


def test_keys_and_a_clicker_move(deck, opened):
    page = opened(deck.path)
    assert page.evaluate("Reveal.getTotalSlides()") == len(deck.slides)
    for key, where in (("ArrowRight", 1), ("PageDown", 2), ("PageUp", 1), ("ArrowLeft", 0), ("Space", 1), ("End", len(deck.slides) - 1)):
        page.keyboard.press(key)
        assert place(page) == where, key
    page.keyboard.press("d")
    assert page.evaluate("document.documentElement.style.colorScheme") == "dark"


SPILLS = """() => [...document.querySelectorAll('.sheet, .body, .column')].filter((box) => {
  const large = (a, b) => a > b + 1;
  return large(box.scrollHeight, box.clientHeight) || large(box.scrollWidth, box.clientWidth);
}).map((box) => `${box.closest('section').id} ${box.className} ${box.scrollHeight} of ${box.clientHeight}, ${box.scrollWidth} of ${box.clientWidth}`)"""


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_nothing_spills(deck, opened, size):
    page = opened(deck.path, size=size)
    for _ in deck.slides:
        assert page.evaluate(SPILLS) == []
        page.keyboard.press("PageDown")
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]


def test_a_page_to_read_on_a_phone(deck, opened):
    page = opened(deck.path, size=(390, 844), theme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") == 390 and page.evaluate("document.documentElement.classList.contains('flat')")
    assert page.evaluate("Math.min(...[...document.querySelectorAll('.body p, .body li')].map((e) => parseFloat(getComputedStyle(e).fontSize)))") >= 12


@pytest.mark.parametrize("query", ["", "?print-pdf", "?view=print"])
def test_printed_slides_are_whole(deck, opened, query):
    page = opened(deck.path, query, theme="dark")
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == len(deck.slides)
    page.emulate_media(media="print")
    assert page.evaluate(SPILLS) == []
    hidden = "() => [...document.querySelectorAll('.slides > section')].filter((s) => !s.innerText.trim() || s.getBoundingClientRect().height < 700).map((s) => s.id)"
    assert page.evaluate(hidden) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_speaker_sees_notes_and_moves_the_deck(deck, opened):
    page = opened(deck.path)
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    desk = popup.value
    desk.wait_for_selector("html.ready")
    page.keyboard.press("ArrowRight")
    desk.wait_for_selector(f"text=slide 2 of {len(deck.slides)}")
    assert deck.slides[1].notes in desk.inner_text(".say")
    desk.keyboard.press("PageDown")
    page.wait_for_selector("#data.present")
    below = opened(deck.path, "?notes")
    assert all(slide.notes in below.inner_text(f"#{slide.anchor}") for slide in deck.slides)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_for_a_screen_reader(deck, opened, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(deck.path, theme=theme, bypass_csp=True, reduced_motion="reduce")
    assert page.evaluate("[...document.images].filter((i) => !i.alt).length") == 0
    for place_ in (0, 2, 7, len(deck.slides) - 1):
        page.evaluate("(i) => Reveal.slide(i)", place_)
        found = axe.Axe().run(page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")] == []


def test_every_number_comes_from_the_record(made, deck):
    problem, _, run, result, evidence, answers = made
    allowed = " ".join(map(str, [run.record, problem, vars(problem), vars(answers), result.scores.to_dict(), result.confused().to_dict(), run.history.to_dict(),
                                 evidence[0].sentences, evidence[1].sentences, evidence[1].frame.to_dict(), len(evidence[1]), result.class_names if hasattr(result, "class_names") else ""]))
    known = [float(v) for v in re.findall(r"\d+\.?\d*(?:e-?\d+)?", allowed)]
    known += [result.confidence, int((~result.right).sum()), len(run.history), len(run.record["openings"])]
    spelled = {f(v) for v in known for f in ("{:.1%}".format, "{:.0%}".format, "{:g}".format, "{:,.0f}".format, "{:.1f}".format, "{:.3f}".format, "{:.4f}".format, str)}
    spelled = {n for text in spelled for n in re.findall(r"\d[\d,]*\.?\d*", text)} | set(re.findall(r"\d[\d,]*\.?\d*", allowed))
    for slide in deck.slides:
        texts = [slide.title, slide.notes]
        for element in slide.content:
            texts += [v for k, v in vars(element).items() if isinstance(v, str) and k != "html"] + list(getattr(element, "texts", [])) + list(map(str, getattr(element, "facts", {}).values()))
        text = re.sub(r"\$[^$]+\$|[0-9a-f]{16,}|\d{4}-\d\d-\d\dT[\d:]+", " ", " ".join(texts))
        for number in re.findall(r"\d[\d,]*\.?\d*", text):
            assert number.rstrip(".,") in spelled or number in spelled, (slide.anchor, number)


def test_three_lengths_of_one_story(made, tmp_path):
    problem, _, run, result, evidence, answers = made
    decks = {n: hb.present(problem, run, result, to=tmp_path / str(n), minutes=n, answers=answers, evidence=evidence) for n in (3, 5, 10)}
    assert [sum(d.frame.seconds) for d in decks.values()] == [180, 300, 600]
    assert len(decks[3].slides) < len(decks[5].slides) < len(decks[10].slides)
    for short, long in ((3, 5), (5, 10)):
        assert set(decks[short].frame.slide) <= set(decks[long].frame.slide)


def test_nothing_is_told_where_there_is_nothing(made):
    _, _, run, result, _, _ = made
    slides = story(material_of(hb.Problem("Which digit?", "image-classification"), run, result))
    assert not {"problem", "baseline", "failed", "next", "limits", "search", "fixes"} & {s.anchor for s in slides}
    assert all(text.strip() for s in slides for text in (s.title, s.notes))


def test_hostile_texts_are_texts(made, opened, tmp_path):
    _, _, _, _, evidence, _ = made
    rng = np.random.default_rng(0)
    names = [HOSTILE, "x" * 10_000]
    y = np.arange(120) % 2
    data = hb.Dataset(rng.integers(0, 9, (120, 8, 8, 1)).astype("uint8") + y[:, None, None, None].astype("uint8"), y, names, name=HOSTILE, origin=HOSTILE * 50)
    problem = hb.Problem(HOSTILE * 100, "image-classification", who=HOSTILE * 30, worth="y" * 5000, risks=[HOSTILE * 20] * 9)
    splits = problem.split(data)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, to=None)
    result = hb.evaluate(run, splits.validation)
    answers = Answers(*[(HOSTILE * 300)[:9000]] * 7, limits="w" * 9000)
    deck = hb.present(problem, run, result, to=tmp_path / "deck", minutes=10, answers=answers, title=HOSTILE)
    page = opened(deck.path)
    assert page.evaluate("window.hacked") is None and page.locator(".sheet script, .sheet b").count() == 0
    assert "<script>hacked=1</script>" in page.inner_text("h1")
    for _ in deck.slides:
        assert page.evaluate(SPILLS) == []
        page.keyboard.press("PageDown")
    phone = opened(deck.path, size=(390, 844))
    assert phone.evaluate("document.documentElement.scrollWidth") == 390


def test_a_full_disk_leaves_the_old_deck(made, tmp_path, monkeypatch):
    problem, _, run, result, _, answers = made
    deck = hb.present(problem, run, result, to=tmp_path / "deck", minutes=3, answers=answers)
    before = {p.name: p.read_bytes() for p in deck.path.parent.iterdir()}
    from pathlib import Path
    write, written = Path.write_text, []

    def full(self, *arguments, **options):
        written.append(self)
        if len(written) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(hb.HackbookError, match="free some space"):
        hb.present(problem, run, result, to=tmp_path / "deck", minutes=10, answers=answers)
    assert {p.name: p.read_bytes() for p in deck.path.parent.iterdir()} == before


def test_what_does_not_belong_together(made, tmp_path):
    problem, splits, run, result, _, answers = made
    hb.set_seed(5)
    other = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, to=None)
    numbers = hb.Problem("How much?", "regression")
    for arguments, options, words in (
            ((problem, other, result), {}, "this run's own"),
            ((numbers, run, result), {}, "problem.task"),
            ((problem, run, .97), {}, "an Evaluation"),
            ((problem, run, hb.evaluate(run, splits.validation.take(np.arange(50)))), {}, "part of this run's data"),
            ((problem, run, result, "study.db"), {}, "a Study"),
            ((problem, run, result), {"minutes": 4}, "one of 3, 5, 10"),
            ((problem, run, result), {"minutes": True}, "one of 3, 5, 10"),
            ((problem, run, result), {"to": "deck.pptx"}, "a folder"),
            ((problem, run, result), {"to": 3}, "a folder"),
            ((problem, run, result), {"evidence": [result]}, "results: "),
            ((problem, run, result), {"evidence": {"a": 1}}, "a list of results"),
            ((problem, run, result), {"replay": run}, "Live session"),
            ((problem, run, result), {"answers": {"team": "7"}}, "answers must be Answers")):
        with pytest.raises(hb.HackbookError, match=words):
            hb.present(*arguments, **{"to": tmp_path / "deck"} | options)
    assert not (tmp_path / "deck").exists()


def test_a_story_of_numbers(tmp_path, opened):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)).astype("float32")
    data = hb.Dataset(x, x.sum(axis=1), name="rent", task="regression", features=["rooms", "floor", "<b>"])
    problem = hb.Problem("What does a flat cost?", "regression", unit="€")
    splits = problem.split(data)
    import keras

    hb.set_seed(0)
    run = hb.fit(keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]), splits, epochs=2, to=None)
    result = hb.evaluate(run, splits.validation)
    deck = hb.present(problem.adopt(problem.baselines(splits)), run, result, to=tmp_path / "deck", minutes=10)
    assert {"result", "errors", "residuals", "worst", "baseline"} <= set(deck.frame.slide)
    page = opened(deck.path)
    assert page.evaluate(SPILLS) == [] and f"{result.score:.4g} €" in page.locator("#result .value").text_content()


def test_a_search_and_a_session_are_told(made, opened, tmp_path):
    problem, splits, run, result, _, _ = made
    search = {"space": {"learning_rate": (1e-3, 0.05, "log")}, "budget": 1, "epochs": 1, "finalists": 0, "runs": None}
    study = hb.tune(hb.models.cnn, splits, to=tmp_path / "study.db", **search)
    other = hb.tune(hb.models.cnn, hb.split(hb.data.digits().take(np.arange(300))), to=tmp_path / "other.db", **search)
    with pytest.raises(hb.InvalidValue, match="study must be on this run's data"):
        hb.present(problem, run, result, other, to=tmp_path / "deck")
    live = hb.live.Session(hb.models.cnn(splits, filters=(4,)), splits, epochs=1)
    with pytest.raises(hb.InvalidValue, match="a session that has trained"):
        hb.present(problem, run, result, to=tmp_path / "deck", replay=live)
    live.start()
    live.wait()
    deck = hb.present(problem, run, result, study, to=tmp_path / "deck", replay=live)
    live.close()
    assert deck.summary["study"]["trials"] == 1 and "search" in set(deck.frame.slide)
    page = opened(deck.path, "#/learning")
    page.click(".present button:has-text('Start')")
    page.wait_for_selector(".present .curves path[d]", state="attached")
    assert page.evaluate(SPILLS) == []
    page.emulate_media(media="print")
    assert page.locator("#learning .still img").is_visible() and not page.locator("#learning .moving").is_visible()


def test_the_metric_of_the_problem_is_told_everywhere(tmp_path):
    """Few positives: the accuracy is high, and the macro F1 score worse than the baseline's."""
    import keras

    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3)).astype("float32")
    splits = hb.split(hb.Dataset(x, (x[:, 0] > 1.5).astype(int), ["no", "yes"], name="rare"))
    hb.set_seed(0)
    run = hb.fit(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "softmax", bias_initializer=keras.initializers.Constant([5.0, 0.0]))]), splits, epochs=1,
                 learning_rate=1e-6, to=None)
    result = hb.evaluate(run, splits.validation)
    problem = hb.Problem("Which are rare?", "classification", metric="f1_macro")
    problem = problem.adopt(problem.baselines(splits))
    f1 = result.scores.loc["f1_macro"]
    assert f1.score < problem.baseline < result.accuracy
    deck = hb.present(problem, run, result, to=tmp_path / "deck", minutes=10)
    slides = {slide.anchor: slide for slide in deck.slides}
    assert slides["baseline"].title == f"To beat: {problem.baseline:.4g}" and slides["result"].title.startswith(f"F1 macro {f1.score:.4g} on")
    told = " ".join(getattr(element, "text", "") for element in slides["result"].content)
    assert f"worse than {problem.baseline_by}, which reached {problem.baseline:.4g}" in told and f"between {f1.low:.4g} and {f1.high:.4g}" in told
    assert f"f1_macro {f1.score:.4g}" in slides["title"].notes
    numbers = json.loads((tmp_path / "deck/numbers.json").read_text(encoding="utf-8"))
    assert numbers["metric"] == numbers["baseline"]["metric"] == "f1_macro" and numbers["interval"] == pytest.approx([f1.low, f1.high])
    card = html.unescape((tmp_path / "deck/card.md").read_text(encoding="utf-8")).replace("\\", "")
    assert f"**{f1.score:.4g}** f1_macro" in card and f"to beat: f1_macro {problem.baseline:.4g}" in card
    page = hb.present(problem, run, result, to=tmp_path / "page.html").path.read_text(encoding="utf-8")
    assert f'class="score">{f1.score:.4g}</p>' in page
    alone = hb.evaluate(run, splits.validation.take(splits.validation.y == 0))
    by_area = hb.Problem("Which are rare?", "classification", metric="roc_auc", baseline=0.9)
    words = hb.model_card(by_area, run, alone).body
    assert "cannot be computed for these examples" in words and f"**{alone.accuracy:.1%}**" in html.unescape(words)


def test_a_wide_table_with_gaps_is_told(opened, chromium, tmp_path):
    """Many columns scroll in their own box of the report; slides show the columns of the errors, and a dash for a gap."""
    import keras
    import pandas as pd

    rng = np.random.default_rng(0)
    table = pd.DataFrame({f"measured column {i}": rng.integers(0, 2, 200).astype(float) for i in range(12)})
    y = np.where(rng.random(200) < 0.2, 1, 0)
    splits = hb.split(hb.Dataset(table.to_numpy("float32"), y, ["no", "yes"], name="wide", features=list(table)))
    hb.set_seed(0)
    run = hb.fit(keras.Sequential([keras.Input((12,)), keras.layers.Dense(2, "softmax")]), splits, epochs=1, to=None)
    result = hb.evaluate(run, splits.validation)
    assert not result.worst(6).unusual.any()
    ranking = hb.features.rank(splits)
    deck = hb.present(hb.Problem("Which?", "classification"), run, result, to=tmp_path / "deck", minutes=10, evidence=[ranking])
    shown = next(s for s in deck.slides if s.anchor == "errors").content[0].frame
    assert list(shown)[:6] == ["true", "predicted", "probability", *ranking.top(3)] and "unusual" not in shown
    page = hb.report(run, result, tmp_path / "report.html").path
    context = chromium.new_context(viewport={"width": 1200, "height": 900}, offline=True)
    tab = context.new_page()
    tab.goto(page.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") == 1200
    assert tab.evaluate("[...document.querySelectorAll('.wide')].some((box) => box.scrollWidth > box.clientWidth + 100)")
    context.close()


def test_a_gap_is_a_dash():
    import pandas as pd
    from fastcore.xml import to_xml

    from hackbook.presentation.slides import Rows

    cells = to_xml(Rows(pd.DataFrame({"a": [1.0, None], "b": ["x", None], "c": [pd.Timestamp("2024-01-01"), None]})))
    assert cells.count("—") == 3 and not re.search("nan|NaT|None", cells)


def test_what_was_left_out_is_counted_by_reason(made, tmp_path):
    from dataclasses import replace

    from PIL import Image

    from hackbook.presentation.work_slides import Material, the_fixes

    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(4):
            Image.fromarray(rng.integers(0, 255, (8, 8), "uint8")).save(tmp_path / name / f"{i}.png")
        (tmp_path / name / "broken.png").write_bytes(b"x")
    (tmp_path / "README.md").write_text("Pictures")
    (tmp_path / "empty").mkdir()
    rejected = hb.data.images(tmp_path, size=(8, 8)).rejected
    problem, _, run, result, _, _ = made
    lost = replace(result, data=replace(result.data, rejected=rejected))
    said = the_fixes(Material(problem, run, lost)).content[0].texts
    assert said == ["4 left out: 2 × not an image of a known format; 1 × in no sub-folder, so without a label; 1 × an empty folder, so a class without examples."]
