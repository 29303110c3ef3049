"""Plots of studies of every size, direction and kind of space; predictions of untried settings; sliders in a real browser."""

import json
import sys

import numpy as np
import optuna
import pandas as pd
import pytest
from browser import KERNEL, notebook_page
from conftest import ROOT, call
from hypothesis import given, settings
from hypothesis import strategies as st

from hackbook.core import Figure, HackbookError, InvalidValue
from hackbook.search import explorer, plots
from hackbook.search.surrogate import as_numbers, best_trial, complete, defaults, distances, number_row, predict, surrogate_of
from hackbook.testing import made_up_score as quality, made_up_study as study_of, until

PLOTS = [plots.plot, plots.plot_history, plots.plot_curves, plots.plot_parallel, plots.plot_slices]
MEDIAN, HYPERBAND = optuna.pruners.MedianPruner(n_startup_trials=8), optuna.pruners.HyperbandPruner(1, 8)


@pytest.fixture(scope="module")
def study():
    return study_of(40, pruner=MEDIAN)


def titles(figure):
    return [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]


# ---- plots


@pytest.mark.parametrize("n, pruner, direction", [(1, None, "maximize"), (5, None, "minimize"), (40, MEDIAN, "minimize"), (120, HYPERBAND, "maximize")])
def test_all_plots_of_studies_of_all_sizes(n, pruner, direction):
    study = study_of(n, pruner=pruner, direction=direction, failing=0 if n == 1 else 0.05)
    done = study.frame[study.frame.status == "finished"]
    best = done.loc[done.score.idxmax() if direction == "maximize" else done.score.idxmin()]
    for draw in PLOTS:
        figure = draw(study)
        assert isinstance(figure, Figure) and titles(figure) and len(figure.png(dpi=50)) > 1000
        for ax in figure.axes:
            assert ax.get_xlabel() or draw is plots.plot_parallel
    assert titles(plots.plot_history(study))[0].startswith(f"Trial {best.trial} is best: {best.score:.3f}")
    study.best = dict.fromkeys(study.space.names)          # none of the trials: then the best score decides
    assert best_trial(study).trial == best.trial
    study.best = study.space.from_optuna(study.optuna.best_params)
    if n >= 40:
        assert "pruned" in titles(plots.plot_curves(study))[0]
        assert "agree most on" in titles(plots.plot_parallel(study))[0]
        assert "matters most" in titles(plots.plot_importance(study))[0]
    if len(done) >= 5:
        assert titles(explorer.plot_contour(study, "learning_rate", "momentum"))[0].startswith("Interpolated: best near learning_rate")


def test_the_history_shows_every_trial(study):
    ax = plots.plot_history(study).axes[0]
    shown = {line.get_label(): line for line in ax.lines}
    assert {"finished", "pruned", "failed", "best", "best so far"} <= set(shown)
    failed = study.frame[study.frame.status == "failed"].trial.tolist()
    assert failed and shown["failed"].get_xdata().tolist() == failed
    line = shown["best so far"].get_ydata()
    assert (np.diff(line) >= 0).all() and line[-1] == study.frame[study.frame.status == "finished"].score.max()
    drawn = sum(len(line.get_xdata()) for line in ax.lines if line.get_label() not in ("best so far", "best"))
    assert drawn == len(study.frame)          # those beyond the axis are on its edge
    low, high = ax.get_ylim()
    assert all(low <= y <= high for line in ax.lines if line.get_label() != "failed" for y in line.get_ydata())


def test_fresh_seeds_are_what_the_title_says():
    study = study_of(20)
    row = best_trial(study).trial
    study.frame.loc[study.frame.trial == row, ["mean", "spread", "seeds"]] = [0.951, 0.004, 3]
    assert titles(plots.plot_history(study))[0].startswith(f"Trial {row} is best: 0.951 ± 0.004 over 3 seeds")
    study.frame.loc[study.frame.trial == row, "diverged"] = 2
    assert "0.951 ± 0.004 over 3 seeds, and 2 diverged" in titles(plots.plot_history(study))[0]


def test_curves_pruned_early_stay_faint_and_short(study):
    ax = plots.plot_curves(study).axes[0]
    long = {t: len(c) for t, c in study.curves.items()}
    pruned = study.frame[study.frame.status == "pruned"].trial
    lines = [line for line in ax.lines if len(line.get_xdata()) in set(long[t] for t in pruned) and line.get_color() == "0.6" and line.get_linestyle() == "-"]
    assert len(lines) == len(pruned) > 3
    saved = 1 - sum(long[t] for t in long if study.frame.status[t] != "failed") / (8 * (study.frame.status != "failed").sum())
    assert f"{saved:.0%} of the epochs saved" in titles(ax.figure)[0]


def test_importance_follows_the_formula_and_knows_conditions():
    study = study_of(80)
    share = plots.importance(study)
    assert set(share.index) == set(study.space.varying) and abs(share.sum() - 1) < 1e-9 and share.index[0] == "learning_rate"
    with pytest.raises(HackbookError, match="needs 10 finished trials, and there are 4"):
        plots.plot_importance(study_of(4, failing=0))
    with pytest.raises(HackbookError, match="all 12 finished trials score 1"):
        flat = study_of(12, failing=0)
        flat.optuna = optuna.create_study(direction="maximize")
        flat.optuna.optimize(lambda trial: flat.space.ask(trial) and 1.0, 12)
        plots.plot_importance(flat)


@pytest.mark.parametrize("names, panels", [(1, 1), (4, 4), (8, 8), (11, 8)])
def test_spaces_of_one_to_many_names(names, panels):
    space = {f"x{i}": (0.0, 1.0) if i % 2 else ["a", "b<i>", "c" * 40] for i in range(1, names + 1)}
    study = study_of(15, space, score=lambda p: 0.5 + p["x1"] / 4, failing=0)
    assert len(plots.plot_slices(study).axes) == panels
    assert len(plots.plot_parallel(study).axes[0].get_xticklabels()) == panels + 1
    if names > 1:
        assert explorer.plot_contour(study, "x1", "x2").png(dpi=40)
    assert "nearest" in str(explorer.explore(study)).lower()


def test_one_hopeless_score_does_not_hide_the_others():
    study = study_of(30, failing=0)
    worst = study.frame.score.idxmin()
    for value in 1e-6, -1e9:
        study.frame.loc[worst, "score"] = value
        for draw in plots.plot_history, plots.plot_slices:
            low, high = draw(study).axes[0].get_ylim()
            assert 0 < high - low < 1


@pytest.mark.parametrize("draw", [*PLOTS, lambda s: explorer.plot_contour(s, "dropout", "layers"), explorer.explore, predict])
def test_no_finished_trial_raises(draw):
    failed = study_of(6, failing=1)
    for study in study_of(0), failed:
        with pytest.raises(HackbookError, match="give the search more time"):
            draw(study)


def test_names_that_cannot_be_drawn(study):
    for x, y, words in ("drop", "dropout", "one of learning_rate"), ("dropout", "batch_size", "got 'batch_size'"), ("dropout", "dropout", "another name"):
        with pytest.raises(InvalidValue, match=words):
            explorer.plot_contour(study, x, y)


def test_running_trials_and_values_as_text_are_drawn(study):
    study = study_of(20)
    study.frame["filters"] = study.frame["filters"].map(str)     # as a file may hold them
    study.frame["filters"] = study.frame["filters"].replace("None", None)
    table = as_numbers(study)
    assert table.filters.notna().all() and table.filters.nunique() > 1
    study.curves = {}
    more = {"trial": 20, "status": "running", "score": np.nan, "epochs": 0, "seeds": 0}
    study.frame = pd.concat([study.frame, pd.DataFrame([more])], ignore_index=True)
    for draw in PLOTS:
        assert draw(study).png(dpi=40)


# ---- interpolation


def test_a_setting_goes_to_numbers_and_conditions_are_kept(study):
    table = as_numbers(study)
    assert (table.momentum.isna() == (study.frame.optimizer == "adam")).all()
    assert table.filters[study.frame.filters.isna()].eq(2).all()          # None is a choice here, and not a gap
    for row, trial in zip(table.itertuples(), study.optuna.trials):
        assert {n: v for n, v in number_row(study.space, trial.params).items() if v == v} == {
            n: getattr(row, n) for n in study.space.varying if getattr(row, n) == getattr(row, n)}


def test_distances_are_distances(study):
    table = as_numbers(study)
    d = distances(study.space, table, table)
    assert np.allclose(d, d.T) and (d.diagonal() == 0).all() and (0 <= d).all() and (d <= 1).all()


def test_what_is_not_given_stands_as_in_the_best_trial(study):
    assert complete(study, {}) == study.best and complete(study, {"layers": 3}) == study.best | {"layers": 3}
    assert set(defaults(study)) == set(study.space.names)
    both = [complete(study, {"optimizer": o}) for o in ("sgd", "adam")]
    assert ["momentum" in s for s in both] == [True, False]
    for params, words in (({"dropout": 0.7}, "0 to 0.6, got 0.7"), ({"optimizer": "adam", "momentum": 0.5}, "only where optimizer is sgd"),
                          ({"drop": 1}, "a name in params"), ({"layers": 1.5}, "whole"), ({"filters": "x"}, "among"), ({"batch_size": 32}, "among")):
        with pytest.raises(InvalidValue, match=words):
            predict(study, **params)


def asked_of(space, values):
    """A value for every name → the setting of those that are asked."""
    setting = {}
    for name, p in space.parameters.items():
        if p.asked(setting):
            setting[name] = values[name]
    return setting


def along_the_best(study):
    """Nine settings along each range, the rest as in the best trial: as sliders are moved."""
    for name, p in study.space.parameters.items():
        for place in np.linspace(0, 1, 9) if p.kind == "range" else ():
            low, high = p.values
            value = low * (high / low) ** place if p.log else low + place * (high - low)
            yield asked_of(study.space, defaults(study) | {name: round(value) if p.whole else min(value, high)})


@pytest.mark.parametrize("n, pruner", [(12, None), (30, None), (60, None), (60, MEDIAN)])
def test_the_range_holds_the_truth_and_the_value_is_near_it(n, pruner):
    held, off = {"anywhere": [], "along": []}, []
    for seed in range(3):
        study = study_of(n, pruner=pruner, failing=0, seed=seed)
        surrogate = surrogate_of(study)
        sampler = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
        for where, settings_ in ("anywhere", [study.space.ask(sampler.ask()) for _ in range(150)]), ("along", list(along_the_best(study))):
            truth = np.array([quality(p) * (1 - 0.5 * np.exp(-7)) for p in settings_])
            value, low, high = surrogate(pd.DataFrame([number_row(study.space, p) for p in settings_]))
            assert (low <= value).all() and (value <= high).all() and (0 <= low).all() and (high <= 1).all()
            held[where].append(((low <= truth) & (truth <= high)).mean())
            off.append((np.median(np.abs(value - truth)), np.median(np.abs(surrogate.trials.score.median() - truth))))
    assert np.mean(held["anywhere"]) > 0.75 and np.mean(held["along"]) > 0.6
    ours, blind = np.mean(off, axis=0)
    assert ours < (blind if n < 30 else 0.75 * blind)


def test_pruned_regions_are_not_predicted_to_be_good():
    study = study_of(100, pruner=HYPERBAND, failing=0)
    known = surrogate_of(study)
    assert known.pruned > 15 and "pruned trials" in str(predict(study))
    best = study.best | {"learning_rate": 1e-4 if quality(study.best | {"learning_rate": 1e-4}) < 0.9 else 1.0}
    assert predict(study, learning_rate=best["learning_rate"]).value < study.frame.score[study.frame.status == "finished"].median()


def test_far_from_all_trials_it_warns(study):
    sampler = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    near, fresh = predict(study), [study.space.ask(sampler.ask()) for _ in range(100)]
    far = max((surrogate_of(study).predict(p) for p in fresh), key=lambda guess: guess.distance)
    assert not near.far and near.distance == 0 and near.nearest == best_trial(study).trial and "the same setting" in str(near)
    assert far.far and "Far from every trial" in str(far) and "Far from every trial" in far._repr_html_()
    assert "nothing was trained" in str(near) and near.low <= near.value <= near.high


def test_the_answer_changes_when_more_trials_have_finished():
    study = study_of(20)
    first = surrogate_of(study)
    assert surrogate_of(study) is first
    study.frame, study.optuna, study.curves = (getattr(study_of(30), k) for k in ("frame", "optuna", "curves"))
    assert surrogate_of(study) is not first


def test_equal_scores_and_many_trials_do_no_harm():
    flat = study_of(8, score=lambda p: 0.5, failing=0)
    flat.frame["score"] = 0.5
    guess = predict(flat, dropout=0.3)
    assert (guess.low, guess.value, guess.high) == (0.5, 0.5, 0.5)
    for draw in PLOTS:
        assert draw(flat).png(dpi=40)
    many = study_of(205, failing=0)
    assert len(surrogate_of(many).trials) == 200


@settings(max_examples=30, deadline=None)
@given(dropout=st.floats(0, 0.6), rate=st.floats(1e-4, 1), layers=st.integers(1, 4), adam=st.booleans())
def test_every_setting_of_the_space_has_an_answer(dropout, rate, layers, adam):
    guess = predict(STUDY, dropout=dropout, learning_rate=rate, layers=layers, optimizer="adam" if adam else "sgd")
    assert guess.low <= guess.value <= guess.high and 0 <= guess.distance <= 1 and ("momentum" in guess.params) != adam


STUDY = study_of(25)


# ---- sliders


def test_sliders_of_every_kind_follow():
    sliders = explorer.explore(STUDY)
    assert sliders.params == STUDY.best
    view, sent = sliders.widget, []
    view.send = sent.append
    kinds = {c["name"]: (c.get("scale", "choices"), c.get("step"), "values" in c) for c in view.controls}
    assert kinds == {"learning_rate": ("log", 0.04, False), "dropout": ("linear", 0.006, False), "filters": ("choices", None, False), "optimizer": ("choices", None, False),
                     "momentum": ("linear", 0.0099, False), "layers": ("linear", 1, False), "units": ("log", 0.012, True)}
    moves = (("layers", 4, 4), ("filters", 1, (16, 32)), ("units", 16, 16), ("units", 17.4, 17), ("dropout", 0.6, 0.6), ("dropout", 7, 0.6), ("learning_rate", 1.0, 1.0))
    for seq, (name, value, params) in enumerate(moves):
        sliders._told({"do": "set", "name": name, "value": value, "seq": seq})
        assert sliders.params[name] == params and sliders.name == name
        assert view.page["answer"] == sliders.prediction.answer and "Interpolated from" in view.page["basis"]
        assert sent[-1] == {"kind": "ack", "name": name, "value": view.page["values"][name], "seq": seq}
    for nonsense in ({}, {"name": "x", "value": 1}, {"name": "dropout", "value": None}, {"name": "dropout", "value": float("nan")}):
        sliders._told(nonsense)
    assert len(sent) == len(moves)
    for optimizer, asked in ("adam", False), ("sgd", True):
        sliders.move("optimizer", optimizer)
        assert ("momentum" in view.page["asked"]) == asked == ("momentum" in sliders.params)
    surrogate = surrogate_of(STUDY)
    assert sliders.prediction == surrogate.predict(sliders.params)


@pytest.mark.parametrize("n", [25, 260])
def test_at_the_place_of_a_finished_trial_the_answer_is_its_score(n):
    """Of every one, also where the model has learned from some of them only."""
    study = study_of(n)
    surrogate, finished = surrogate_of(study), study.frame[study.frame.status == "finished"]
    for row in finished.iloc[:: max(len(finished) // 12, 1)].to_dict("records"):
        guess = surrogate.predict(row)
        assert guess.distance == 0 and guess.value == guess.nearest_score == pytest.approx(row["score"]) and guess.low <= guess.value <= guess.high
        assert guess.answer.startswith(f"{guess.metric} was ") and f"in trial {guess.nearest}" in guess.answer


def test_hostile_choices_stay_text():
    study = study_of(12, {"x": (0.0, 1.0), "y": ["<img src=x onerror=alert(1)>", "b"]}, score=lambda p: p["x"], failing=0)
    sliders = explorer.explore(study)
    assert "<img src=x" not in predict(study)._repr_html_() and sliders.widget.controls[1]["choices"][0].startswith("<img src=x")  # the page gets it as text


def test_without_a_page_there_is_a_picture():
    shown, size = explorer.explore(STUDY)._repr_mimebundle_()
    assert set(shown) == {"text/plain", "image/png"} and size["image/png"]["width"] > 300 and "Interpolated" in shown["text/plain"]


def test_plots_and_explorer_need_no_pyplot_and_no_tensorflow():
    code = ("import sys; from hackbook.testing import made_up_study as study_of; from hackbook.search import plots as p, explorer as w; s = study_of(12, failing=0);"
            "[d(s) for d in (p.plot, p.plot_slices, p.plot_parallel, p.plot_importance)]; w.plot_contour(s, 'dropout', 'layers'); w.explore(s).widget;"
            "print('matplotlib.pyplot' in sys.modules, 'tensorflow' in sys.modules)")
    done = call(sys.executable, "-c", code, cwd=ROOT)
    assert done.stdout.split() == ["False", "False"], done.stderr


def test_optunas_own_pictures_are_not_used_since_they_change_all_later_ones():
    """As long as this holds, ours are drawn by ourselves."""
    code = ("import matplotlib as m, warnings; warnings.simplefilter('ignore'); m.use('agg'); from hackbook.testing import made_up_study as study_of;"
            "from hackbook.search import plots as p; s = study_of(12, failing=0); before = m.rcParams['axes.facecolor'];"
            "[d(s) for d in (p.plot, p.plot_slices, p.plot_parallel, p.plot_importance)]; ours = m.rcParams['axes.facecolor'];"
            "from optuna.visualization import matplotlib as v; v.plot_slice(s.optuna); print(before == ours, before == m.rcParams['axes.facecolor'])")
    done = call(sys.executable, "-c", code, cwd=ROOT)
    assert done.stdout.split() == ["True", "False"], done.stderr


def test_in_jupyterlab_by_keyboard(tmp_path):
    cells = [f"from hackbook.testing import made_up_study as study_of\nfrom hackbook.search.explorer import explore\nexplorer = explore(study_of(25))\nexplorer"]
    with notebook_page(tmp_path, cells, height=1200) as page:
        panel = page.locator(".hackbook-explore")
        panel.locator(".told[role=status]").wait_for(timeout=120_000)
        status, picture = panel.locator(".told[role=status]"), panel.locator("img")
        before, drawn = status.inner_text(), picture.get_attribute("src")
        assert "Interpolated from" in before and "nothing was trained" in before
        assert page.locator(".jp-OutputArea-output .jp-RenderedImage:visible").count() == 0     # the sliders stand in its place
        assert panel.get_by_role("slider").count() == 5 and panel.locator("select").count() == 2
        assert " was " in before  # the best trial's own score
        dropout = panel.get_by_role("slider", name="dropout")
        dropout.focus()
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        page.wait_for_function("before => document.querySelector('.hackbook-explore .told').innerText !== before", arg=before)
        page.wait_for_function("() => document.querySelector('.hackbook-explore img').alt.startsWith('Along dropout')")
        assert picture.get_attribute("src") != drawn
        page.evaluate(f"code => {KERNEL}.requestExecute({{code}}).done", "import json; open('answer.json', 'w').write(json.dumps([explorer.params['dropout'], explorer.prediction.answer]))")
        value, answer = json.loads((tmp_path / "answer.json").read_text())
        assert value > defaults(STUDY)["dropout"]
        page.wait_for_function("answer => document.querySelector('.hackbook-explore .told').innerText.includes(answer)", arg=answer)
        panel.locator("select").nth(1).select_option("sgd")
        page.wait_for_function("() => document.querySelector('.hackbook-explore img').alt.startsWith('Along optimizer')")
        assert panel.get_by_role("slider", name="momentum").is_enabled()
        box = panel.get_by_role("textbox", name="dropout, exact")
        box.fill("abc")
        box.press("Enter")
        assert box.get_attribute("aria-invalid") == "true" and "“abc” is not a number" in panel.locator(".said").inner_text()
        box.fill("7")
        box.press("Enter")
        page.wait_for_function("() => document.querySelector('.hackbook-explore input[type=text][data-hyperparameter=dropout]').value.startsWith('0.6')")
        assert page.locator(".jp-Cell").count() == 1  # no key has reached the notebook
        page.wait_for_timeout(300)
        (ROOT / "_run").mkdir(exist_ok=True)
        panel.screenshot(path=ROOT / "_run/explore.png")
        page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", "JupyterLab Dark")
        page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
        page.wait_for_function("getComputedStyle(document.querySelector('.hackbook-explore img')).filter.startsWith('invert')")
        page.wait_for_timeout(500)  # JupyterLab fades
        panel.screenshot(path=ROOT / "_run/explore-dark.png")

        # a figure that is drawn from now on is dark too
        def pixel():
            code = ("import json, io; from PIL import Image; from hackbook.core import subplots; shown = subplots()[0]._repr_png_()[0];"
                    "open('pixel.json', 'w').write(json.dumps(Image.open(io.BytesIO(shown)).convert('RGB').getpixel((1, 1))))")
            page.evaluate(f"code => {KERNEL}.requestExecute({{code}}).done", code)
            return json.loads((tmp_path / "pixel.json").read_text())

        until(lambda: pixel() == [17, 17, 17], seconds=20, pause=0.3)
        assert page.errors == []
