"""`import hackbook` is light, and every name it offers is there."""

import importlib
import json
import re
import sys
from operator import attrgetter

import pytest

import hackbook
from conftest import call


def test_import_loads_nothing_heavy():
    heavy = "tensorflow keras numpy pandas matplotlib seaborn sklearn scipy IPython papermill fastcore".split()
    shown = call(sys.executable, "-c", f"import sys, hackbook; print([m for m in {heavy} if m in sys.modules])")
    assert (shown.stdout.strip(), shown.stderr) == ("[]", "")


def test_data_and_splits_need_no_tensorflow():
    code = "import sys, hackbook as hb; hb.split(hb.data.digits()).frame; print('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert call(sys.executable, "-c", code).stdout.strip() == "False"


def test_no_module_imports_what_takes_seconds():
    """`hb.` and TAB loads modules to see what a name is, and JupyterLab waits one second for it: nbformat alone takes one or two."""
    slow = "tensorflow keras nbformat papermill statsmodels optuna cleanlab gradio plotly sympy torch".split()
    code = f"import sys, importlib, pkgutil, hackbook\nfor m in pkgutil.walk_packages(hackbook.__path__, 'hackbook.'): importlib.import_module(m.name)\nprint([m for m in {slow} if m in sys.modules])"
    assert call(sys.executable, "-c", code).stdout.strip() == "[]"


def test_every_name_resolves():
    assert {"fit", "split", "evaluate", "report", "data", "models"} <= set(hackbook.__all__)
    for name in hackbook.__all__:
        assert getattr(hackbook, name) is not None


def test_a_function_is_not_shadowed_by_the_room_of_its_name():
    module = importlib.import_module("hackbook.evaluation.evaluation")
    assert hackbook.evaluate is module.evaluate


def test_keras_loads_quietly():
    shown = call(sys.executable, "-c", "import hackbook as hb; hb.set_seed(0); print('done')", TF_CPP_MIN_LOG_LEVEL="0")
    assert (shown.stdout, shown.stderr) == ("done\n", "")


ASK = """
import json, hackbook
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
shell.user_ns["hb"] = hackbook
with provisionalcompleter():
    offered = [c.text for c in shell.Completer.completions("hb.", 3)]
asked = {name: shell.object_inspect(name)["docstring"] for name in ("hb.fit", "hb.data.table", "hb.Run.predict", "hb.Live")}
hackbook.fit                # a second look adds nothing
print(json.dumps([offered, asked, hackbook.fit.__doc__]))
"""


@pytest.fixture(scope="module")
def typed():
    """What IPython offers after `hb.`, and shows for `hb.fit?` and the like."""
    shown = call(sys.executable, "-c", ASK)
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


def test_typing_shows_the_way(typed):
    """What <TAB> offers: fewer than 40 names, all of them there; the others can be used all the same."""
    offered = typed[0]
    assert len(offered) < 40 and set(offered) == set(dir(hackbook)) == set(hackbook.WAY)
    assert {"Problem", "data", "split", "models", "fit", "Live", "tune", "evaluate", "report", "present"} <= set(offered)
    assert not {"cli", "core", "testing", "checks", "label_axes", "subplots", "InvalidValue"} & set(offered)
    places = [hackbook.WAY.index(n) for n in "Problem data inspect clean split models preflight fit tune evaluate report present".split()]
    assert places == sorted(places)


def test_help_tells_the_parameters(typed):
    """`hb.fit?`: a line per parameter with its comment, also for methods of what a function returns."""
    _, asked, doc = typed
    assert "\n    epochs=10: how often each example is seen" in asked["hb.fit"] and "\n    patience=None: epochs without" in doc
    assert "Raises `InvalidValue`" in doc and doc.count("Parameters:") == 1  # what stood there before is there still
    assert asked["hb.data.table"].count("\n    target: the column to predict\n") == 1
    assert "\n    threshold=None: " in asked["hb.Run.predict"] and "\n    epochs=10: planned" in asked["hb.Live"]


@pytest.mark.parametrize("name, answer", [
    ("predict", "run.predict(x)"), ("load", "hb.load_run(folder)"), ("save", "run.save()"), ("read_csv", "hb.data.table("), ("images", "hb.data.images("),
    ("mlp", "hb.models.mlp"), ("cross_validate", "hb.compare_features(splits, features)"), ("train", "hb.fit(model, splits)"), ("scale", "hb.features.scale"),
    ("evalute", "hb.evaluate"), ("tabel", "hb.data.table")])
def test_a_name_that_people_try_is_answered(name, answer):
    with pytest.raises(AttributeError, match=re.escape(f"hb has no '{name}'; did you mean")) as raised:
        getattr(hackbook, name)
    assert answer in str(raised.value)


def test_what_is_suggested_is_there():
    for name in re.findall(r"hb\.([\w.]+)", " ".join(hackbook.INSTEAD.values())):
        assert attrgetter(name)(hackbook)
    assert callable(hackbook.explain) and callable(hackbook.export)
    assert not hasattr(hackbook, "xyzzy") and not hasattr(hackbook.models, "xyzzy")


@pytest.mark.parametrize("code", ["import keras; keras.ops.zeros(3)", "import tensorflow as tf; tf.constant(1); import keras"])
def test_keras_after_hackbook_is_quiet(code):
    shown = call(sys.executable, "-c", f"import hackbook\n{code}\nprint(keras.__spec__.loader.__class__.__name__)", TF_CPP_MIN_LOG_LEVEL="0")
    assert (shown.stdout, shown.stderr) == ("SourceFileLoader\n", "")
