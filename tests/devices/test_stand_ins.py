"""What only a card does, tried without one: logical devices stand in for cards, a stand-in raises what a full memory raises."""

import re
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT, call

import hackbook as hb
from hackbook.core import backend, load_keras
from hackbook.devices import has_card, limit_memory

CARD_ONLY = "# card only: tests/gpu"


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits().take(np.arange(300)))


def net(splits):
    hb.set_seed(0)
    return hb.models.cnn(splits, filters=(4,))


def full(*_, **__):
    """What TensorFlow raises on a card without memory."""
    import tensorflow as tf

    raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[64,9] " + "and more of it " * 150)


class RunsOut:
    """A layer that needs too much memory for more than so many examples."""

    def __new__(cls, most):
        import tensorflow as tf

        keras = load_keras()

        class Hungry(keras.layers.Layer):
            def call(self, x):
                def check(x):
                    return full() if len(x) > most else x

                return tf.ensure_shape(tf.numpy_function(check, [x], tf.float32), x.shape)

            def compute_output_shape(self, shape):
                return shape

        return Hungry()


# ---- memory that runs out


def test_evaluate_and_predict_halve_the_batch(splits, monkeypatch):
    model, asked = net(splits), []
    plain = type(model).predict
    expected = hb.evaluate(model, splits.train).probabilities

    def predict(self, batches, **more):
        first = next(iter(batches))
        size = len(first[0] if isinstance(first, tuple) else first)
        asked.append(size)
        return full() if size > 50 else plain(self, batches, **more)

    monkeypatch.setattr(type(model), "predict", predict)
    assert np.allclose(hb.evaluate(model, splits.train).probabilities, expected, atol=1e-6)
    assert asked == [len(splits.train), 128, 64, 32]
    run = hb.fit(model, splits, epochs=1, to=None)
    monkeypatch.setattr(type(model), "predict", plain)
    expected = run.predict(splits.train.x).probabilities
    monkeypatch.setattr(type(model), "predict", predict)
    assert np.allclose(run.predict(splits.train.x).probabilities, expected, atol=1e-6) and asked[-1] == 32
    monkeypatch.setattr(type(model), "predict", full)
    with pytest.raises(hb.models.OutOfMemory, match="batches of 1; try precision='mixed_bfloat16', or a smaller model") as caught:
        hb.evaluate(model, splits.validation)
    assert len(str(caught.value)) < 200


def test_live_says_what_to_try(splits, monkeypatch):
    session = hb.live.Session(net(splits), splits, 2, batch_size=48)
    monkeypatch.setattr(type(session.model), "fit", full)
    session.start()
    with pytest.raises(hb.models.OutOfMemory, match="batches of 48; try batch_size=24, precision='mixed_bfloat16', or a smaller model"):
        session.wait()
    assert session.status == "failed" and "batch_size=24" in session.state()["error"]
    session.close()


def test_preflight_says_what_to_try(splits, monkeypatch):
    from hackbook.checks import training

    monkeypatch.setattr(training, "run", full)
    with pytest.raises(hb.models.OutOfMemory, match="batches of 64; try batch_size=32, precision='mixed_bfloat16'"):
        hb.preflight(net(splits), splits, steps=20)


def test_a_run_is_marked_failed_and_the_next_one_works(splits, tmp_path):
    keras = load_keras()

    def built(most):
        hb.set_seed(0)
        inner = [keras.layers.Reshape((64,)), keras.layers.Rescaling(1 / 16), RunsOut(most)]
        return keras.Sequential([keras.Input((8, 8)), *inner, keras.layers.Dense(10, "softmax")])

    with pytest.raises(hb.models.OutOfMemory, match="batches of 64; try batch_size=32"):
        hb.fit(built(32), splits, epochs=1, batch_size=64, to=tmp_path)
    assert hb.list_runs(tmp_path).status.tolist() == ["failed in epoch 1"]
    assert hb.training.find_batch_size(built(64), splits) == 32  # 72 examples are tried first, for a margin


# ---- devices


def test_logical_devices_train_together(tmp_path):
    script = """
import tensorflow as tf, logging
cpu, = tf.config.list_physical_devices('CPU')
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
said, handler = [], logging.Handler()
handler.emit = lambda record: said.append(record.getMessage())
logging.getLogger('hackbook').addHandler(handler)
logging.getLogger('hackbook').setLevel('INFO')
import numpy as np, hackbook as hb
from hackbook.devices import can_compile
splits = hb.split(hb.data.digits().take(np.arange(400)))
assert len(splits.validation) % 2 == 0  # Keras fails where two devices get unequal parts of the first batch
with tf.distribute.MirroredStrategy(['CPU:0', 'CPU:1']).scope():
    hb.set_seed(0)
    model = hb.models.cnn(splits, filters=(4,))
assert not can_compile(model)
run = hb.fit(model, splits, epochs=2, to=None)
assert run.record['status'] == 'finished' and model.jit_compile is False
assert 'trains on 2 devices at once, as its strategy says' in said, said
"""
    shown = call(sys.executable, "-c", script, cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr[-1500:]


def test_memory_growth_comes_before_the_first_operation(tmp_path):
    """In a fresh process, `load_keras` asks for growth while TensorFlow has no context yet."""
    script = """
import tensorflow as tf
from tensorflow.python.eager import context
seen, ask = [], tf.config.list_physical_devices
def asked(kind=None):
    if kind == 'GPU': seen.append(context.context()._initialized)
    return ask(kind)
tf.config.list_physical_devices = asked
import hackbook as hb
hb.core.load_keras()
assert seen == [False], seen
hb.set_seed(0)
assert seen == [False], 'asked once'
"""
    shown = call(sys.executable, "-c", script, cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr[-1500:]


def test_a_fork_after_loading_is_told_once(monkeypatch):
    load_keras()
    config = SimpleNamespace(list_physical_devices=lambda kind: ["a card"])
    monkeypatch.setattr(backend, "_LOADED", [0])  # another process has loaded Keras
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(config=config))
    with pytest.warns(UserWarning, match="get_context\\('spawn'\\)"):
        load_keras()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_keras()


def test_a_card_is_found_without_tensorflow(tmp_path):
    assert not has_card({}, tmp_path)
    (tmp_path / "nvidiactl").touch()
    assert not has_card({}, tmp_path)
    (tmp_path / "nvidia0").touch()
    assert has_card({}, tmp_path) and not has_card({"CUDA_VISIBLE_DEVICES": "-1"}, tmp_path) and not has_card({"CUDA_VISIBLE_DEVICES": ""}, tmp_path)


def test_a_limit_is_set_on_each_card(monkeypatch):
    import tensorflow as tf

    limits = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["GPU:0", "GPU:1"])
    monkeypatch.setattr(tf.config, "set_logical_device_configuration", lambda gpu, of: limits.append((gpu, of[0].memory_limit)))
    limit_memory(2 * 2**30)
    assert limits == [("GPU:0", 2048), ("GPU:1", 2048)]
    limit_memory(0)
    assert len(limits) == 2


# ---- the list of what only a card does


def test_the_readme_lists_every_branch_that_only_a_card_takes():
    marked = {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8").count(CARD_ONLY) for p in (ROOT / "hackbook").rglob("*.py") if CARD_ONLY in p.read_text(encoding="utf-8")}
    listed = re.findall(r"^\| `(hackbook/[\w/]+\.py)` \| (\d+) \|", (ROOT / "tests/gpu/README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {path: int(n) for path, n in listed} == marked


def test_a_card_is_asked_for_by_name(tmp_path):
    """Without a card the tests in tests/gpu are skipped, and say why."""
    shown = call(sys.executable, "-m", "pytest", "tests/gpu", "-q", "-rs", "-p", "no:cacheprovider")
    assert shown.returncode == 0 and " skipped" in shown.stdout and "no GPU that TensorFlow can use" in shown.stdout, shown.stdout[-800:]
