"""Hyperparameters: no retrace, an effect on the very next step, nothing of them in what is saved, and clear refusals."""

import sys
import threading
import zipfile

import numpy as np
import pytest
from conftest import call
from hypothesis import given, settings
from hypothesis import strategies as st

from hackbook.data import augment
from hackbook.core import HackbookError, load_keras, set_seed
from hackbook.testing import flat_weights as weights
from hackbook.training.hyperparameters import RANGES, attach
from hackbook.training.schedules import one_cycle

keras = load_keras()
L, R = keras.layers, keras.regularizers
rng = np.random.default_rng(0)
X, Y = rng.integers(0, 17, (64, 8, 8), "uint8"), rng.integers(0, 10, 64)
LOSS = "sparse_categorical_crossentropy"


@pytest.fixture(autouse=True)
def policy():
    """Each test starts and leaves with Keras' own precision."""
    yield
    keras.config.set_dtype_policy("float32")


def network(images=False, dropout=0.3, penalty=(1e-4, 1e-3)):
    """A small network with every kind of site; with `images` also random changes, which Keras cannot compile with XLA."""
    set_seed(0)
    changes = [augment(rotation=20, shift=0.1, zoom=0.2, shear=0.2, flip="horizontal", brightness=0.1)] if images else []
    shared = {"kernel_regularizer": R.L1L2(*penalty)}
    return keras.Sequential([
        keras.Input((8, 8), dtype="uint8"), L.Rescaling(1 / 16), L.Reshape((8, 8, 1)), *changes,
        L.Conv2D(4, 3, **shared), L.ReLU(), L.SpatialDropout2D(dropout), L.Flatten(),
        L.Dense(16, **shared), L.BatchNormalization(), L.Dropout(dropout),
        L.Dense(10, activation="softmax", dtype="float32")], name="net")


def compiled(optimizer=None, loss=LOSS, images=False, dropout=0.3, penalty=(1e-4, 1e-3), **options):
    model = network(images, dropout, penalty)
    model.compile(optimizer or keras.optimizers.AdamW(0.01), loss, metrics=["accuracy"], **options)
    return model


def counted(model):
    """The list to which every tracing of a training or validation step adds."""
    traces = []
    for name in "train_step", "test_step":
        def step(data, inner=getattr(model, name)):
            traces.append(inner)
            return inner(data)
        setattr(model, name, step)
    return traces


def vector(model):
    return np.concatenate([np.ravel(w.numpy()) for w in model.trainable_variables])


def endless(batch=16):
    import tensorflow as tf
    return tf.data.Dataset.from_tensor_slices((X, Y)).repeat().batch(batch)


# Tracing


@pytest.mark.parametrize("dtype, images, options", [
    ("float32", True, {}), ("mixed_float16", True, {"steps_per_execution": 2}), ("float32", False, {"jit_compile": True}),
    ("mixed_bfloat16", False, {"jit_compile": True, "steps_per_execution": 2})])
def test_changing_every_hyperparameter_traces_nothing(dtype, images, options):
    keras.config.set_dtype_policy(dtype)
    model = compiled(images=images, **options)
    hyperparameters = attach(model)
    assert set(hyperparameters) == set(RANGES) - (set() if images else {"augment"})
    assert model.jit_compile == options.get("jit_compile", False)
    traces, turned, names = counted(model), [], list(hyperparameters)

    def turn(step, logs=None):
        if step >= 4:
            name = names[len(turned) % len(names)]
            low, high = RANGES[name]
            hyperparameters[name] = rng.uniform(low, min(high, 0.5))
            turned.append((name, len(traces)))

    steps = 55 * len(names) * options.get("steps_per_execution", 1)
    model.fit(endless(8), steps_per_epoch=steps, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_begin=turn)])
    assert all(sum(n == name for n, _ in turned) >= 50 for name in names)
    assert turned[0][1] > 0 and {count for _, count in turned} == {len(traces)}, "a change was traced"
    assert len(traces) <= 2
    model.evaluate(X, Y, verbose=0, batch_size=32)
    before = len(traces)
    hyperparameters.update(dict.fromkeys(names, 0.1))
    model.evaluate(X, Y, verbose=0, batch_size=32)
    assert len(traces) == before


@pytest.mark.parametrize("rate, dtype", [(0.01, "float32"), ("one_cycle", "mixed_bfloat16"), ("one_cycle", "mixed_float16")])
def test_untouched_hyperparameters_change_no_bit(rate, dtype):
    def train(hyperparameters):
        keras.config.set_dtype_policy(dtype)
        optimizer = keras.optimizers.AdamW(one_cycle(0.01, 12) if rate == "one_cycle" else rate, global_clipnorm=0.7)
        model = compiled(optimizer, loss=keras.losses.SparseCategoricalCrossentropy())
        if hyperparameters:
            attach(model)
        history = model.fit(X, Y, epochs=3, batch_size=16, verbose=0, validation_data=(X, Y)).history
        return weights(model), history
    (plain, before), (live, after) = train(False), train(True)
    assert (plain == live).all() and before == after


@pytest.mark.parametrize("penalty", [R.L1(1e-3), R.L2(1e-3), R.L1L2(1e-3, 1e-3)])
def test_each_penalty_alone_is_keras_own(penalty):
    def train(hyperparameters):
        set_seed(0)
        model = keras.Sequential([keras.Input((8,)), L.Dense(1, kernel_regularizer=penalty, bias_regularizer=penalty)])
        model.compile("sgd", "mse")
        if hyperparameters:
            assert set(attach(model)) & {"l1", "l2"} == {k for k in ("l1", "l2") if hasattr(penalty, k)}
        model.fit(X[:, 0], Y, epochs=2, verbose=0)
        return weights(model)
    assert (train(False) == train(True)).all()


def test_a_changed_hyperparameter_equals_a_model_built_that_way():
    def train(turn, **built):
        model = compiled(keras.optimizers.SGD(0.1, clipvalue=built.pop("clip_norm", None)), **built)
        hyperparameters = attach(model)
        hyperparameters.update(turn)
        model.fit(X, Y, epochs=2, batch_size=16, verbose=0)
        return weights(model)
    turned = train({"dropout": 0.57, "spatial_dropout": 0.57, "l1": 3e-3, "l2": 0.02, "clip_value": 0.01})
    assert (turned == train({}, dropout=0.57, penalty=(3e-3, 0.02), clip_norm=0.01)).all()


# The very next step


def step_of(model):
    """What one step adds to the trainable weights."""
    before = vector(model)
    model.train_on_batch(X, Y)
    return vector(model) - before


def sgd(rate=1.0, **options):
    model = compiled(keras.optimizers.SGD(rate, **options.pop("optimizer", {})), **options)
    hyperparameters = attach(model)
    model.train_on_batch(X, Y)     # traced
    return model, hyperparameters


def test_learning_rate_0_stands_still_at_once():
    model, hyperparameters = sgd()
    assert np.abs(step_of(model)).max() > 0
    hyperparameters["learning_rate"] = 0
    assert (step_of(model) == 0).all()
    assert float(model.optimizer.learning_rate) == hyperparameters["learning_rate"] == 0


def test_learning_rate_scales_a_schedule_and_keeps_its_form():
    model, hyperparameters = sgd(one_cycle(0.01, 100))
    assert hyperparameters["learning_rate"] == 0.01
    plain = one_cycle(0.01, 100)
    for peak in 0.01, 0.02, 0.0:
        hyperparameters["learning_rate"] = peak
        model.train_on_batch(X, Y)
        step = int(model.optimizer.iterations)
        assert np.isclose(float(model.optimizer.learning_rate), float(plain(step)) * peak / 0.01)
    assert (step_of(model) == 0).all()


def test_callbacks_that_set_the_rate_change_the_hyperparameter():
    model, hyperparameters = sgd(0.1)
    model.optimizer.learning_rate = 0.05
    assert hyperparameters["learning_rate"] == 0.05


def test_weight_decay_shrinks_by_its_fraction():
    model = compiled(keras.optimizers.SGD(0.1, weight_decay=0.0))
    hyperparameters = attach(model)
    model.train_on_batch(X, Y)
    hyperparameters["clip_norm"] = 1e-12     # no gradient: decay alone
    before = vector(model)
    hyperparameters["weight_decay"] = 0.5
    model.train_on_batch(X, Y)
    assert np.allclose(vector(model), before * (1 - 0.1 * 0.5), atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_clipping_bounds_the_next_update(dtype):
    keras.config.set_dtype_policy(dtype)
    model, hyperparameters = sgd()
    free = np.linalg.norm(step_of(model))
    hyperparameters["clip_norm"] = free / 10
    assert np.isclose(np.linalg.norm(step_of(model)), free / 10, rtol=1e-3)
    hyperparameters.update({"clip_norm": 0, "clip_value": 1e-4})
    assert np.isclose(np.abs(step_of(model)).max(), 1e-4, rtol=1e-2)
    hyperparameters["clip_value"] = 0
    assert np.linalg.norm(step_of(model)) > free / 5


@pytest.mark.parametrize("kind", ["l1", "l2"])
def test_penalties_enter_the_loss_by_their_closed_form(kind):
    model = compiled(penalty=(0.0, 0.0))
    hyperparameters = attach(model)
    kernels = [w.numpy() for w in model.trainable_variables if w.regularizer is not None]
    size = sum((np.abs(w) if kind == "l1" else w**2).sum() for w in kernels)
    plain = model.evaluate(X, Y, verbose=0)[0]
    hyperparameters[kind] = 10
    assert np.isclose(model.evaluate(X, Y, verbose=0)[0] - plain, 10 * size, rtol=1e-4)


def test_dropout_rate_is_the_fraction_of_zeros():
    for layer, x in (L.Dropout(0.0), np.ones((64, 999))), (L.SpatialDropout1D(0.2), np.ones((64, 3, 999))):
        model = keras.Sequential([keras.Input(x.shape[1:]), layer])
        hyperparameters = attach(model)
        for rate in 0.0, 0.25, 0.9:
            hyperparameters[list(hyperparameters)[0]] = rate
            out = np.asarray(model(x, training=True))
            assert abs((out == 0).mean() - rate) < 0.02 and abs(out.mean() - 1) < 0.05
            assert set(np.round(np.unique(out), 4)) <= {0.0, np.float32(round(1 / (1 - rate), 4))}
        assert (np.asarray(model(x, training=False)) == 1).all()


def test_a_layer_built_with_no_dropout_gets_a_state_that_snapshots_see():
    model = keras.Sequential([keras.Input((4,)), L.Dropout(0.0)])
    attach(model)
    assert len(model.variables) == 1 and len(model.weights) == 0


@pytest.mark.parametrize("loss, y", [
    (LOSS, Y), (keras.losses.SparseCategoricalCrossentropy(), Y), (keras.losses.sparse_categorical_crossentropy, Y),
    ("categorical_crossentropy", np.eye(10)[Y]), (keras.losses.CategoricalCrossentropy(label_smoothing=0.2), np.eye(10)[Y])])
def test_label_smoothing_equals_keras_closed_form(loss, y):
    model = compiled(loss=loss, penalty=(0.0, 0.0))
    hyperparameters = attach(model)
    weight = np.linspace(0.1, 2, len(y))
    for share in 0.0, 0.1, 0.6:
        hyperparameters["label_smoothing"] = share
        wanted = keras.losses.CategoricalCrossentropy(label_smoothing=share)(np.eye(10)[Y], model.predict(X, verbose=0), weight)
        assert np.isclose(float(model.compute_loss(X, y, model(X), weight, training=True)), float(wanted), rtol=1e-4)
        if not hasattr(loss, "label_smoothing") or not loss.label_smoothing:     # else Keras smooths in validation too
            wanted = keras.losses.CategoricalCrossentropy()(np.eye(10)[Y], model.predict(X, verbose=0), weight)
        assert np.isclose(model.evaluate(X, y, sample_weight=weight, batch_size=64, verbose=0)[0], float(wanted), rtol=1e-4)


@pytest.mark.parametrize("end", ["softmax", "linear", "unknown"])
@pytest.mark.parametrize("column", [False, True])
def test_a_step_with_label_smoothing_is_the_one_of_keras(end, column):
    """Whether the scores are asked for, found behind the softmax, or to be had from the probabilities alone."""
    def step(smooth):
        set_seed(0)
        layers = [keras.Input((8, 8)), L.Flatten(), L.Dense(10, activation=None if end == "linear" else "softmax")]
        model = keras.Sequential([*layers, *([L.Rescaling(1.0)] if end == "unknown" else [])])
        options = {"from_logits": end == "linear"}
        if smooth:
            loss = keras.losses.SparseCategoricalCrossentropy(**options)
            model.compile(keras.optimizers.SGD(1.0), loss)
            attach(model)["label_smoothing"] = 0.3
            model.train_on_batch(X, Y[:, None] if column else Y, sample_weight=weight)
        else:
            model.compile(keras.optimizers.SGD(1.0), keras.losses.CategoricalCrossentropy(label_smoothing=0.3, **options))
            model.train_on_batch(X, np.eye(10)[Y], sample_weight=weight)
        return vector(model)
    weight = np.linspace(0.1, 2, len(Y))
    assert np.allclose(step(True), step(False), atol=1e-5)


def test_label_smoothing_of_two_classes():
    model = keras.Sequential([keras.Input((8,)), L.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    hyperparameters, y = attach(model), (Y > 4).astype("float32")[:, None]
    hyperparameters["label_smoothing"] = 0.3
    wanted = keras.losses.BinaryCrossentropy(label_smoothing=0.3)(y, model.predict(X[:, 0] / 16, verbose=0))
    told = model(X[:, 0] / 16)
    assert np.isclose(float(model.compute_loss(X[:, 0] / 16, y, told, training=True)), float(wanted), rtol=1e-4)


def test_augmentation_is_off_at_0_and_drawn_anew_above():
    model = compiled(images=True)
    hyperparameters, layers = attach(model), model.get_layer("augment")
    images = X[..., None] / 16
    change = lambda: float(np.abs(np.asarray(layers(images, training=True)) - images).mean())
    built = change()
    hyperparameters["augment"] = 0
    assert change() < 1e-6
    hyperparameters["augment"] = 0.2
    assert 0 < change() < built


def test_values_written_by_another_thread_reach_the_graph():
    model, hyperparameters = sgd()
    thread = threading.Thread(target=hyperparameters.update, args=({"learning_rate": 0.0},))
    thread.start()
    thread.join()
    assert (step_of(model) == 0).all()


def test_training_in_a_worker_while_the_main_thread_changes_values():
    model = compiled(keras.optimizers.SGD(0.1))
    hyperparameters, failed = attach(model), []

    def work():
        try:
            model.fit(endless(), steps_per_epoch=400, verbose=0)
        except Exception as e:     # shown by the assertion below
            failed.append(e)
    worker = threading.Thread(target=work)
    worker.start()
    while worker.is_alive():
        hyperparameters.update({name: rng.uniform(0, 0.5) for name in hyperparameters})
        float(np.asarray(model(X, training=True)).sum())     # reads the hyperparameters outside of the worker's step
    worker.join()
    assert failed == [] and np.isfinite(vector(model)).all()


def test_a_loop_of_ones_own_and_eager_steps_obey_too():
    import tensorflow as tf
    model = keras.Sequential([keras.Input((999,)), L.Dropout(0.1)])
    hyperparameters, share = attach(model), lambda out: float(np.mean(np.asarray(out) == 0))
    graph = tf.function(lambda x: model(x, training=True))
    for rate in 0.1, 0.5, 0.0:
        hyperparameters["dropout"] = rate
        for call_model in graph, lambda x: model(x, training=True):
            assert abs(share(call_model(tf.ones((64, 999)))) - rate) < 0.02
    assert graph.experimental_get_tracing_count() == 1


def test_a_step_reads_each_hyperparameter_once():
    """Two layers that read at different moments would differ where another thread changes the hyperparameter in between."""
    hyperparameters = None

    class Turn(L.Layer):
        def call(self, x):
            import tensorflow as tf
            if hyperparameters is None:
                return x
            with tf.control_dependencies([x]):
                assign = hyperparameters.variables["dropout"].value.assign(0.9)
            with tf.control_dependencies([assign]):
                return tf.identity(x)
    model = keras.Sequential([keras.Input((999,)), L.Dropout(0.1), Turn(), L.Dropout(0.1)])
    model.compile("sgd", lambda y, p: keras.ops.mean(keras.ops.cast(p == 0, "float32")))
    hyperparameters = attach(model)
    loss = model.train_on_batch(np.ones((64, 999)), np.ones((64, 999)))
    assert abs(loss - (1 - 0.9**2)) < 0.03 and hyperparameters["dropout"] == 0.9


def test_a_clip_that_is_no_hyperparameter_stays_as_built():
    model, hyperparameters = sgd()
    free = np.linalg.norm(step_of(model))
    model.compile(keras.optimizers.SGD(1.0, clipvalue=1e-4), LOSS)
    hyperparameters = attach(model, iter(["clip_norm"]))
    assert list(hyperparameters) == ["clip_norm"]
    assert np.isclose(np.abs(step_of(model)).max(), 1e-4, rtol=1e-2) and free > 1e-2
    hyperparameters["clip_norm"] = 1e-5
    assert np.isclose(np.linalg.norm(step_of(model)), 1e-5, rtol=1e-2)


def test_gradients_of_an_embedding_can_be_clipped():
    words = X[:, 0, :5].astype("int32")

    def trained(hyperparameters):
        set_seed(0)
        model = keras.Sequential([keras.Input((5,), dtype="int32"), L.Embedding(20, 4), L.Flatten(), L.Dense(10, activation="softmax")])
        model.compile(keras.optimizers.SGD(1.0), LOSS)
        attached = attach(model) if hyperparameters else None
        model.train_on_batch(words, Y)
        return model, attached
    (plain, _), (model, hyperparameters) = trained(False), trained(True)
    assert np.allclose(vector(plain), vector(model), atol=1e-7)
    for name, length in ("clip_norm", np.linalg.norm), ("clip_value", lambda step: np.abs(step).max()):
        hyperparameters.update({"clip_norm": 0, "clip_value": 0, name: 1e-3})
        before = vector(model)
        model.train_on_batch(words, Y)
        assert np.isclose(length(vector(model) - before), 1e-3, rtol=1e-2)


# What is saved


def test_hyperparameters_are_in_no_weights_and_a_plain_model_takes_them():
    plain, live = compiled(images=True), compiled(images=True)
    hyperparameters = attach(live)
    for model in plain, live:
        model.train_on_batch(X, Y)
    assert [w.shape for w in plain.weights] == [w.shape for w in live.weights]
    assert [v.shape for v in plain.variables] == [v.shape for v in live.variables]
    assert len(plain.optimizer.variables) == len(live.optimizer.variables)
    own = {id(v) for v in hyperparameters.variables.values()} - {id(v) for v in live.optimizer.variables}
    assert len(own) == len(hyperparameters) - 1 and not own & {id(v) for v in live.variables}
    plain.set_weights(live.get_weights())


BLOCKED = """
import sys
sys.modules['hackbook'] = None
import keras, numpy as np
for file in sys.argv[1:]:
    model = keras.saving.load_model(file)
    x, y, told = (np.load(file.replace('.keras', '.npz'))[k] for k in ('x', 'y', 'told'))
    assert np.allclose(model.predict(x, verbose=0), told, atol=1e-5), file
    rates = [layer.rate for layer in model.layers if hasattr(layer, 'rate')]
    kernels = [layer.kernel_regularizer.get_config() for layer in model.layers if getattr(layer, 'kernel_regularizer', None)]
    print(rates, kernels, model.optimizer.__class__.__name__, model.optimizer.global_clipnorm, model.optimizer.weight_decay)
    assert model.loss.endswith('crossentropy'), file
    model.fit(x, y, verbose=0)
"""


def test_a_saved_model_needs_no_hackbook(tmp_path):
    """Images with random changes at a constant rate, and without them on a schedule; one process without hackbook loads both."""
    files = []
    values = {"dropout": 0.5, "spatial_dropout": 0, "l1": 0, "l2": 0.25, "clip_norm": 2, "clip_value": 1,
              "weight_decay": 0.1, "learning_rate": 0.02, "label_smoothing": 0.1}
    for name, rate, more in ("constant", 0.01, {"augment": 2}), ("one_cycle", one_cycle(0.01, 12), {}):
        model = compiled(keras.optimizers.AdamW(rate), images="augment" in more)
        hyperparameters = attach(model)
        model.fit(X, Y, verbose=0)
        hyperparameters.update(values | more)
        files.append(tmp_path / f"{name}.keras")
        model.save(files[-1])
        with zipfile.ZipFile(files[-1]) as archive:
            assert b"hackbook" not in archive.read("config.json")
        np.savez(files[-1].with_suffix(".npz"), x=X, y=Y, told=model.predict(X, verbose=0))
    done = call(sys.executable, "-c", BLOCKED, *files)
    assert done.returncode == 0, done.stderr
    same = "{'l1': 0.0, 'l2': 0.25}"
    assert done.stdout.splitlines() == [f"[0.0, 0.5] [{same}, {same}] AdamW 2.0 0.1"] * 2


def test_a_loaded_model_and_a_clone_are_plain_and_can_be_attached(tmp_path):
    model = compiled()
    hyperparameters = attach(model)
    hyperparameters.update({"dropout": 0.5, "l2": 0.01})
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    clone = keras.models.clone_model(model)
    clone.compile(keras.optimizers.AdamW(0.01), LOSS)
    for copy in loaded, clone:
        assert "train_step" not in vars(copy) and not any("call" in vars(layer) for layer in copy.layers)
        other = attach(copy)
        assert other["dropout"] == 0.5 and other["l2"] == 0.01 and set(other) == set(hyperparameters)
        other["dropout"] = 0.1
        assert hyperparameters["dropout"] == 0.5
        copy.train_on_batch(X, Y)
        other["learning_rate"] = 0
        before = vector(copy)
        copy.train_on_batch(X, Y)
        assert (vector(copy) == before).all()


def test_detach_gives_back_plain_keras():
    model = compiled(images=True)
    before = {id(o): set(vars(o)) for o in (model, model.optimizer, *model._flatten_layers())}
    hyperparameters = attach(model)
    hyperparameters["dropout"] = 0.5
    hyperparameters.detach()
    for o in (model, model.optimizer, *model._flatten_layers()):
        assert set(vars(o)) == before[id(o)]
    assert isinstance(model.trainable_variables[0].regularizer, R.L1L2) and model.layers[-2].rate == 0.5
    model.train_on_batch(X, Y)


def test_attach_after_fit_and_attach_twice_act():
    model = compiled(keras.optimizers.SGD(1.0))
    model.fit(X, Y, verbose=0)
    for _ in range(2):
        hyperparameters = attach(model)
        hyperparameters["clip_norm"] = 1e-9     # the graph of the first fit knows of no clip
        before = vector(model)
        model.fit(X, Y, verbose=0)
        assert np.linalg.norm(vector(model) - before) < 1e-6
        hyperparameters["clip_norm"] = 0
        model.fit(X, Y, verbose=0)
        assert np.linalg.norm(vector(model) - before) > 1e-3


# Refusals


@pytest.mark.parametrize("name, value", [
    ("dropout", 1), ("dropout", -0.1), ("dropout", float("nan")), ("dropout", "0.5"), ("dropout", True), ("dropout", None),
    ("l2", -1e-9), ("l1", float("inf")), ("learning_rate", 11), ("clip_norm", -1), ("label_smoothing", 1), ("weight_decay", 11)])
def test_what_cannot_be_meant_is_refused_and_nothing_changes(name, value):
    hyperparameters = attach(compiled())
    before = dict(hyperparameters)
    with pytest.raises(HackbookError, match=f"{name} must be"):
        hyperparameters.update({"l1": 0.5, name: value} if name != "l1" else {name: value})
    assert dict(hyperparameters) == before


def test_unknown_names_show_the_list():
    hyperparameters = attach(compiled())
    for use in (lambda: hyperparameters["drop_out"], lambda: hyperparameters.__setitem__("drop_out", 0.1)):
        with pytest.raises(HackbookError, match="one of learning_rate, weight_decay.*got 'drop_out'"):
            use()
    assert hyperparameters.get("drop_out") is None and "drop_out" not in hyperparameters
    with pytest.raises(HackbookError, match="compile the model"):
        attach(network())["clip_norm"]


def test_compiling_again_without_attaching_again_is_said():
    model = compiled()
    attach(model)
    model.compile("sgd", LOSS)
    with pytest.raises(HackbookError, match="call attach"):
        model.fit(X, Y, verbose=0)
    attach(model)
    model.fit(X, Y, verbose=0)


def test_models_that_cannot_have_hyperparameters():
    with pytest.raises(HackbookError, match="keras.Model"):
        attach("model")
    with pytest.raises(HackbookError, match="keras.Input"):
        attach(keras.Sequential([L.Dense(3)]))
    assert len(attach(keras.Sequential([keras.Input((3,)), L.Dense(3)]))) == 0


def test_values_that_start_apart_have_a_hyperparameter_each():
    model = keras.Sequential([keras.Input((8,)), L.Dropout(0.1, name="first"), L.Dense(4), L.Dropout(0.5, name="<b>second")])
    hyperparameters = attach(model)
    assert dict(hyperparameters) == {"dropout/first": 0.1, "dropout/<b>second": 0.5}
    hyperparameters["dropout/first"] = 0.9
    assert [layer.rate for layer in model.layers if hasattr(layer, "rate")] == [0.9, 0.5]
    assert "<b>" not in hyperparameters._repr_html_()


@settings(max_examples=40, deadline=None)
@given(rate=st.floats(0, 0.99), factor=st.floats(0, 1e6))
def test_what_is_set_is_what_is_read(rate, factor):
    hyperparameters = SHARED
    hyperparameters.update({"dropout": rate, "l2": factor})
    assert hyperparameters["dropout"] == rate and hyperparameters["l2"] == factor and {**hyperparameters}["l2"] == factor


SHARED = attach(network())
