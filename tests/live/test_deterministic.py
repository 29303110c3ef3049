"""Live repeats itself bit for bit where it is asked to: `deterministic=True`, in the session and in its recipe."""

import sys

import numpy as np
import pytest
from conftest import call

import hackbook as hb

SCRIPT = '''
import hackbook as hb, numpy as np
splits = hb.split(hb.data.digits().take(np.arange(300)))
def net():
    hb.set_seed(3)
    return hb.models.cnn(splits, filters=(4,), dropout=.2)
session = hb.live.Session(net(), splits, 2, seed=3, deterministic=True)
session.set('dropout', .4)
session.start()
session.wait()
model, session_weights = session.model, [w.copy() for w in session.model.get_weights()]
session.rewind(1)
session.start()
session.wait()
again, recipe = session.model.get_weights(), session.timeline.recipe
session.close()
assert 'deterministic=True' in recipe, recipe
model = net()
exec(recipe.replace('changes=', 'to=None, changes='))
equal = lambda a, b: all((x == y).all() for x, y in zip(a, b))
assert equal(session_weights, again), 'an untouched rewind'
assert equal(session_weights, run.model.get_weights()), 'the recipe'
import tensorflow as tf
from tensorflow.python.framework import config
assert config.is_op_determinism_enabled() and run.record['parameters']['deterministic']
'''


def test_a_deterministic_session_its_rewind_and_its_recipe(tmp_path):
    """In a process of its own, since the switch stays on."""
    shown = call(sys.executable, "-c", SCRIPT, cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr[-1500:]


def test_an_option_that_live_has_not():
    splits = hb.split(hb.data.digits().take(np.arange(100)))
    with pytest.raises(hb.InvalidValue, match="deterministic"):
        hb.live.Session(hb.models.cnn(splits, filters=(4,)), splits, patience=3)
