"""`import hackbook` is light, and every name it offers is there."""

import importlib
import sys

import hackbook
from conftest import call


def test_import_loads_nothing_heavy():
    heavy = "tensorflow keras numpy pandas matplotlib seaborn sklearn scipy IPython papermill fastcore".split()
    shown = call(sys.executable, "-c", f"import sys, hackbook; print([m for m in {heavy} if m in sys.modules])")
    assert (shown.stdout.strip(), shown.stderr) == ("[]", "")


def test_data_and_splits_need_no_tensorflow():
    code = "import sys, hackbook as hb; hb.split(hb.data.digits()).frame; print('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert call(sys.executable, "-c", code).stdout.strip() == "False"


def test_no_module_imports_tensorflow():
    code = "import sys, importlib, pkgutil, hackbook\nfor m in pkgutil.walk_packages(hackbook.__path__, 'hackbook.'): importlib.import_module(m.name)\nprint('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert call(sys.executable, "-c", code).stdout.strip() == "False"


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
