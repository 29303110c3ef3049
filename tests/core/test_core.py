"""Files are written whole or not at all, overrides come off again, intervals hold what they promise, a kernel is seen between its cells."""

import errno
import json
import os
import time
from io import BytesIO
from types import SimpleNamespace

import IPython
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from hackbook.core import (
    HackbookError, InvalidValue, Overridden, atomic, check_confidence, drawn_as_one, fold_interval, load_record, make_folder, optimism, override, page_is_dark, save_record, subplots, wilson,
)


@pytest.fixture
def note(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("before")
    return path


def test_a_failed_write_keeps_the_file_and_leaves_nothing(note):
    with pytest.raises(KeyError), atomic(note) as temporary:
        temporary.write_text("half")
        raise KeyError("the power went")
    assert note.read_text() == "before" and list(note.parent.iterdir()) == [note]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_full_disk_is_explained(note, code):
    with pytest.raises(HackbookError, match="note.txt could not be written .*what was there before is intact"), atomic(note) as temporary:
        temporary.write_text("half")
        raise OSError(code, os.strerror(code))
    assert note.read_text() == "before" and list(note.parent.iterdir()) == [note]


def test_other_errors_of_the_system_are_raised_as_they_are(note):
    with pytest.raises(OSError, match="pipe") as caught, atomic(note):
        raise OSError(errno.EPIPE, "Broken pipe")
    assert not isinstance(caught.value, HackbookError) and note.read_text() == "before"


def test_a_folder_is_written_whole_too(tmp_path):
    with atomic(tmp_path / "new/run") as temporary:
        temporary.mkdir()
        (temporary / "one.txt").write_text("1")
        assert not (tmp_path / "new/run").exists()
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["run"] and (tmp_path / "new/run/one.txt").read_text() == "1"
    with pytest.raises(RuntimeError), atomic(tmp_path / "new/other") as temporary:
        temporary.mkdir()
        raise RuntimeError
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["run"]


def test_a_record_that_json_cannot_hold_keeps_the_old_one(tmp_path):
    path = save_record({"scores": np.array([1, np.nan, -np.inf]), 3: (True, np.float32(0.5))}, tmp_path / "run.json")
    assert load_record(path) == {"scores": [1, None, None], "3": [True, 0.5]}
    endless = {}
    endless["self"] = endless
    with pytest.raises(RecursionError):
        save_record(endless, path)
    assert load_record(path)["3"] == [True, 0.5] and list(tmp_path.iterdir()) == [path]
    path.write_text(json.dumps([1, 2]))
    with pytest.raises(InvalidValue, match="a JSON object"):
        load_record(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InvalidValue, match="can be written to .Permission denied"):
        make_folder(tmp_path)


class Adder:
    by = 1

    def add(self, x):
        return x + self.by


def test_an_override_touches_one_object_and_comes_off():
    one, other = Adder(), Adder()
    undo = override(one, add=lambda x: x + 10)
    assert (one.add(1), other.add(1)) == (11, 2)
    undo()
    assert one.add(1) == 2 and vars(one) == {}
    undo()  # twice is harmless
    assert one.add(1) == 2


def test_overrides_nest_and_an_inner_undo_leaves_the_outer_one():
    one = Adder()
    inner = override(one, add=lambda x: x + 10)
    outer = override(one, add=lambda x: x + 100)
    inner()  # replaced again since: nothing to undo
    assert one.add(1) == 101
    outer()
    assert one.add(1) == 11
    inner()
    assert one.add(1) == 2


def test_a_view_changes_no_object():
    one = Adder()
    view = Overridden(one, by=5)
    assert (Adder.add(view, 1), one.add(1), view.by, one.by) == (6, 2, 5, 1)
    one.note = "new"
    assert view.note == "new"
    with pytest.raises(AttributeError):
        view.missing


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("low, high", [(0.01, 0.1), (0.3, 0.7), (0.9, 0.99)])
def test_wilson_holds_the_truth_as_often_as_it_says(low, high, confidence):
    """On average over a range of truths: for a single one the fraction jumps, since counts are whole numbers."""
    rng = np.random.default_rng(1)
    truth = rng.uniform(low, high, 3000)
    held = [a <= p <= b for p, (a, b) in zip(truth, (wilson(k, 200, confidence) for k in rng.binomial(200, truth)))]
    assert abs(np.mean(held) - confidence) < 0.02


def test_wilson_stays_within_0_and_1_and_grows_with_confidence():
    for right in 0, 1, 19, 20:
        low, high = wilson(right, 20)
        wide = wilson(right, 20, 0.99)
        assert 0 <= wide[0] <= low <= right / 20 <= high <= wide[1] <= 1 and low < high
    for right, total in (-1, 3), (4, 3), (0, 0):
        with pytest.raises(InvalidValue, match="right of total must be whole numbers from 0 to total"):
            wilson(right, total)


@pytest.mark.parametrize("wrong", [0, 1, 95, -0.5, "95%", None, float("nan")])
def test_what_no_interval_can_have(wrong):
    for call in (lambda: check_confidence(wrong), lambda: wilson(1, 2, wrong), lambda: fold_interval([0.8, 0.9], 0.25, wrong)):
        with pytest.raises(InvalidValue, match="confidence must be between 0 and 1.*try .95"):
            call()


def test_times_that_are_objects_are_in_their_own_order():
    """As text, 10 comes before 7; kinds that cannot be compared are in the order of their texts."""
    for times in range(7, 15), [1, "2", 3, "4", 5, "6", 7, "8"]:
        assert drawn_as_one(8, times=np.array(times, object)).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_fold_interval_of_independent_scores_holds_the_truth():
    scores = np.random.default_rng(2).normal(0.8, 0.05, (5, 4000))
    mean, low, high = fold_interval(scores, 1e-12)  # nothing shared: Student's t interval
    assert mean.shape == low.shape == high.shape == (4000,)
    assert abs(np.mean((low <= 0.8) & (0.8 <= high)) - 0.95) < 0.015
    _, wider, _ = fold_interval(scores, 0.25)
    assert np.allclose((mean - wider) / (mean - low), (1 + 5 * 0.25) ** 0.5)  # 1/J + test/train instead of 1/J


@pytest.mark.parametrize("evaluations", [2, 5, 20])
def test_optimism_is_what_the_best_of_equals_gains(evaluations):
    scores = np.random.default_rng(3).binomial(400, 0.8, (4000, evaluations)) / 400
    assert optimism(evaluations, 400, 0.8) == pytest.approx(scores.max(axis=1).mean() - 0.8, abs=0.002)
    assert optimism(1, 400) == 0 < optimism(evaluations, 400) < optimism(evaluations, 100)


ASKS = """import threading
from fastcore.imports import ipython_shell
from hackbook.core import in_notebook, running_shell
between, seen = threading.Event(), []
def ask():
    between.wait()
    seen.append((in_notebook(), running_shell() is not None, bool(ipython_shell())))
thread = threading.Thread(target=ask)
thread.start()
threading.Timer(0.5, between.set).start()"""


def test_a_thread_knows_its_notebook_between_two_cells():
    """`get_ipython` is a builtin only while a cell runs; widgets and training threads ask at other times."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(ASKS), nbformat.v4.new_code_cell("thread.join()\nseen")])
    client = NotebookClient(notebook, kernel_name="python3")
    with client.setup_kernel():
        client.execute_cell(notebook.cells[0], 0)
        time.sleep(1.5)
        client.execute_cell(notebook.cells[1], 1)
    assert notebook.cells[1].outputs[0]["data"]["text/plain"] == "[(True, True, False)]"


@pytest.mark.parametrize("text, allow, served, dark", [
    ('{"theme": "JupyterLab Dark"}', True, True, True), ('{"theme": "JupyterLab Light"}', True, True, False), (None, True, True, False), ('{"theme": 3, ', True, True, False),
    ('// "theme": "JupyterLab Dark"\n{}', True, True, False), ('{"theme": "JupyterLab Dark", "adaptive-theme": true}', True, True, False),
    ('{"theme": "JupyterLab Dark"}', False, True, False), ('{"theme": "JupyterLab Dark"}', True, False, False)])
def test_a_figure_is_dark_only_where_a_person_looks_at_a_dark_page(tmp_path, monkeypatch, text, allow, served, dark):
    file = tmp_path / "@jupyterlab/apputils-extension/themes.jupyterlab-settings"
    if text:
        file.parent.mkdir(parents=True)
        file.write_text(text)
    kernel = SimpleNamespace(get_parent=lambda channel: {"content": {"allow_stdin": allow}})
    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=kernel))
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path))
    monkeypatch.setenv("JPY_SESSION_NAME", "x.ipynb") if served else monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert page_is_dark() is dark
    fig, (left, right) = subplots(1, 2)
    left.plot([0, 1], [0, 0], linewidth=20)
    right.grid(False)
    right.imshow([[0.0, 1.0]], cmap="gray")
    pixels = np.asarray(Image.open(BytesIO(fig._repr_png_()[0])).convert("RGB"))
    assert pixels[0, 0].tolist() == ([17] * 3 if dark else [255] * 3)
    x0, y0, x1, y1 = right.get_position().extents
    row, columns = round((1 - (y0 + y1) / 2) * len(pixels)), [round((x0 + part * (x1 - x0)) * pixels.shape[1]) for part in (0.25, 0.75)]
    assert pixels[row, columns].tolist() == [[0] * 3, [255] * 3]  # a picture in it stays
