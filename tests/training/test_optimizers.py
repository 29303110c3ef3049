"""Any optimizer, loss and metrics of Keras; what `model.compile` said; weights of examples; and more epochs."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest

import hackbook as hb
from hackbook.core import load_keras
from hackbook.training import TrainingOptions, attach, compile_model

keras = load_keras()


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits().take(np.arange(500)))


def cnn(splits):
    hb.set_seed(0)
    return hb.models.cnn(splits, filters=(4, 8), dropout=0.0)


def train(splits, epochs=2, to=None, **options):
    return hb.fit(cnn(splits), splits, epochs=epochs, to=to, **options)


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


# Optimizers


def bare(splits, optimizer, epochs=2, loss="sparse_categorical_crossentropy"):
    """What Keras itself makes of the same batches."""
    from hackbook.training import Batches

    model = cnn(splits)
    model.compile(optimizer, loss)
    hb.set_seed(0)
    batches = Batches(splits.train, 64, 0)
    for epoch in range(epochs):
        batches.epoch.assign(epoch)
        model.fit(batches.dataset, verbose=0, shuffle=False)
    return model


@pytest.mark.parametrize(
    "make, named",
    [
        (lambda: keras.optimizers.SGD(0.1, momentum=0.9), None),
        (lambda: keras.optimizers.Lion(0.001, weight_decay=0.01, global_clipnorm=1.0), None),
        (lambda: keras.optimizers.Lion(0.001, weight_decay=0.004), {"optimizer": "lion", "learning_rate": 0.001}),
        (lambda: keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 12)), None),
    ],
)
def test_an_optimizer_by_name_or_as_built_trains_as_in_keras(splits, make, named):
    options = named or {"optimizer": make()}
    own_schedule = not named and not isinstance(make().get_config()["learning_rate"], float)
    if not own_schedule:
        options["schedule"] = "constant"
    run = train(splits, **options)
    assert same(run.model, bare(splits, make()))


def test_the_schedule_has_the_peak_of_an_optimizer_as_built(splits):
    given = keras.optimizers.SGD(0.2, momentum=0.9)
    first, again = train(splits, optimizer=given), train(splits, optimizer=given)
    assert same(first.model, again.model) and not given.built
    assert first.history.learning_rate.iloc[0] > 0.1 and first.history.learning_rate.iloc[-1] == 0
    hyperparameters = attach(first.model)
    assert hyperparameters["learning_rate"] == 0.2
    hyperparameters.detach()


def test_what_an_optimizer_brings_stands_in_the_record(splits, tmp_path):
    given = keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.01, global_clipnorm=2.0)
    run = train(splits, to=tmp_path, optimizer=given)
    parameters = json.loads((run.folder / "run.json").read_text())["parameters"]
    assert [parameters[k] for k in ("learning_rate", "weight_decay", "clip_norm")] == [0.1, 0.01, 2]
    assert parameters["optimizer"]["class_name"] == "SGD" and parameters["optimizer"]["config"]["momentum"] == 0.9
    again = TrainingOptions(**hb.load_run(run.folder).record["parameters"])
    assert again.record == run.record["parameters"]


@pytest.mark.parametrize(
    "wrong, says",
    [
        ({"optimizer": "sdg"}, "optimizer must be a name or optimizer of Keras, got 'sdg'"),
        ({"optimizer": keras.optimizers.SGD(0.1), "learning_rate": 0.2}, "learning_rate must be left to the optimizer, which has 0.1, got 0.2"),
        ({"optimizer": keras.optimizers.SGD(0.1), "ema": 0.9}, "ema must be left to the optimizer, which has None, got 0.9"),
        ({"optimizer": keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 9)), "schedule": "cosine"}, "schedule must be left to the optimizer"),
        ({"optimizer": keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))}, "the inner optimizer"),
        ({"schedule": None}, "schedule must be one of one-cycle"),
        ({"loss": "crossentropie"}, "loss must be a name or loss of Keras, got 'crossentropie'"),
        ({"loss": "categorical_crossentropy"}, "loss and metrics must take class numbers of shape (n,)"),
        ({"metrics": "mse"}, "metrics must be a list, got 'mse'"),
        ({"metrics": ["mse"]}, "loss and metrics must take class numbers of shape (n,)"),
        ({"loss": "mse", "label_smoothing": 0.1}, "must"),
        ({"optimizer": "lion", "learning_rate": "find"}, "learning_rate must be a number with optimizer="),
    ],
)
def test_what_cannot_be_trained_is_refused_by_name(splits, tmp_path, wrong, says):
    with pytest.raises(hb.HackbookError) as caught:
        train(splits, to=tmp_path, **wrong)
    assert says in str(caught.value)
    assert not list(tmp_path.iterdir())


# Loss and metrics


def only_last_class(y, predicted):
    return keras.losses.sparse_categorical_crossentropy(y, predicted) * keras.ops.cast(y == 9, "float32")


def test_a_loss_of_ones_own_and_several_metrics(splits, tmp_path):
    metrics = [keras.metrics.SparseTopKCategoricalAccuracy(2, "top2"), "sparse_categorical_crossentropy"]
    run = train(splits, 4, tmp_path, loss=only_last_class, metrics=metrics, learning_rate=0.05)
    answers = run.model.predict(splits.validation.x, verbose=0).argmax(axis=1)
    assert (answers == 9).mean() > 0.9  # nothing else was asked for
    assert {"val_accuracy", "val_top2", "val_sparse_categorical_crossentropy"} <= set(run.history) and run.metric == "accuracy"
    parameters = run.record["parameters"]
    assert parameters["loss"] == "only_last_class" and parameters["metrics"][0]["class_name"] == "SparseTopKCategoricalAccuracy"
    loaded = hb.load_run(run.folder)
    assert np.allclose(loaded.model.predict(splits.validation.x, verbose=0).argmax(axis=1), answers)
    assert run.plot() and run._repr_html_()


def test_regression_with_another_loss():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3)).astype("float32")
    lines = hb.split(hb.Dataset(x, x @ [1.0, 2.0, 3.0], task="regression"))
    hb.set_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    run = hb.fit(model, lines, epochs=15, learning_rate=0.1, to=None, loss="huber", metrics=["mse", keras.metrics.R2Score()])
    assert {"val_mae", "val_mse", "val_r2_score"} <= set(run.history) and run.history.val_r2_score.iloc[-1] > 0.9


# A model that was compiled before


def compiled(splits, **more):
    model = cnn(splits)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", **more)
    return model


def warnings_of(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    return result, [str(w.message) for w in caught if "compiled anew" in str(w.message)]


def test_compiled_keeps_optimizer_loss_and_metrics(splits, tmp_path):
    model = compiled(splits, metrics=[keras.metrics.SparseTopKCategoricalAccuracy(2, "top2")])
    optimizer = model.optimizer
    run, warned = warnings_of(lambda: hb.fit(model, splits, epochs=2, to=tmp_path, compiled=True))
    assert not warned and run.model.optimizer is optimizer
    assert same(run.model, bare(splits, keras.optimizers.SGD(0.1, momentum=0.9)))
    assert run.metric == "top2" and "val_accuracy" not in run.history and "val_top2" in repr(run)
    parameters = run.record["parameters"]
    assert (parameters["learning_rate"], parameters["schedule"], parameters["metrics"]) == (0.1, "constant", ["top2"])
    assert run.plot() and run._repr_html_() and len(hb.list_runs(tmp_path)) == 1


@pytest.mark.parametrize("name, value", [("learning_rate", 0.5), ("clip_norm", 1.0), ("optimizer", "lion"), ("loss", "mse"), ("schedule", "cosine"), ("label_smoothing", 0.1)])
def test_an_option_that_contradicts_compile_is_refused(splits, name, value):
    with pytest.raises(hb.HackbookError, match=f"{name} must be left to model.compile, with compiled=True"):
        hb.fit(compiled(splits), splits, to=None, compiled=True, **{name: value})


def test_compiled_needs_a_compiled_model(splits):
    with pytest.raises(hb.HackbookError, match="must be compiled, with compiled=True"):
        train(splits, compiled=True)


def test_a_compile_that_is_lost_is_told(splits, tmp_path):
    run, warned = warnings_of(lambda: hb.fit(compiled(splits), splits, epochs=1, to=tmp_path))
    assert len(warned) == 1 and "compiled with SGD" in warned[0] and "compiled=True" in warned[0]
    assert type(run.model.optimizer).__name__ == "AdamW"
    model, loaded = run.model, hb.load_run(run.folder).model
    for call in (
        lambda: hb.fit(model, splits, epochs=1, to=None),  # our own compile
        lambda: hb.fit(loaded, splits, epochs=1, to=None),  # a Run's
        lambda: hb.fit(compiled(splits), splits, epochs=1, to=None, compiled=False),  # meant
        lambda: train(splits, 1),  # not compiled
    ):
        assert not warnings_of(call)[1]


def test_resume_looks_for_the_same_optimizer_loss_and_metrics(splits, tmp_path):
    runs = [
        train(splits, 1, tmp_path, resume=True, **options)
        for options in ({}, {"optimizer": keras.optimizers.SGD(0.1)}, {"optimizer": keras.optimizers.SGD(0.1, momentum=0.9)}, {"metrics": ["sparse_categorical_crossentropy"]}, {"compiled": False})
    ]
    folders = [run.folder for run in runs]
    assert len(set(folders)) == 4 and folders[4] == folders[0]
    again = train(splits, 1, tmp_path, resume=True, optimizer=keras.optimizers.SGD(0.1, momentum=0.9))
    assert again.folder == folders[2]


# Weights of examples


def weighted(splits, weight):
    return replace(splits, train=replace(splits.train, sample_weight=weight))


def test_equal_weights_change_nothing(splits):
    plain, ones = train(splits), train(weighted(splits, np.ones(len(splits.train))))
    assert np.allclose(plain.history.loss, ones.history.loss, rtol=1e-5)
    assert np.allclose(plain.history.val_loss, ones.history.val_loss, rtol=1e-3)


def test_examples_without_weight_teach_nothing(splits):
    rng = np.random.default_rng(0)
    wrong = rng.random(len(splits.train)) < 0.5
    y = np.where(wrong, (splits.train.y + 1) % 10, splits.train.y)
    noisy = replace(splits, train=replace(splits.train, y=y))
    hb.set_seed(0)
    scores = {}
    for name, data in {"noisy": noisy, "weighted": weighted(noisy, ~wrong)}.items():
        scores[name] = train(data, 12).history.val_accuracy.iloc[-1]
    assert scores["weighted"] > scores["noisy"] + 0.15, scores


def test_weights_and_class_weights_are_multiplied(splits):
    by_class = {name: 1 + i for i, name in enumerate(splits.class_names)}
    weight = np.random.default_rng(0).uniform(0.5, 2, len(splits.train)).astype("float32")
    both = train(weighted(splits, weight), class_weight=by_class)
    product = weight * np.array([*by_class.values()])[splits.train.y]
    assert same(both.model, train(weighted(splits, product)).model)


def test_weights_go_along_and_are_part_of_what_the_data_is(splits):
    data = hb.data.digits().take(np.arange(100))
    weight = np.arange(100)
    whole = hb.split(replace(data, sample_weight=weight))
    held = [part.sample_weight for part in whole.parts.values()]
    assert sorted(np.concatenate(held)) == weight.tolist()
    assert weighted(splits, np.ones(len(splits.train))).train.fingerprint != splits.train.fingerprint
    loss = whole.validation
    run = hb.fit(cnn(whole), whole, epochs=1, to=None)
    each = -np.log(run.model.predict(loss.x, verbose=0)[np.arange(len(loss)), loss.y])
    assert run.history.val_loss.iloc[-1] == pytest.approx((each * loss.sample_weight).mean(), rel=1e-3)
    assert hb.find_lr(cnn(whole), whole, 32).suggestion > 0


# More epochs


def test_a_finished_run_goes_on_with_more_epochs(splits, tmp_path):
    first = train(splits, 3, tmp_path, resume=True)
    weights = first.model.get_weights()
    seen = []
    watch = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append((epoch, model.get_weights())))
    model = cnn(splits)
    longer = hb.fit(model, splits, epochs=5, to=tmp_path, resume=True, callbacks=[watch])
    assert seen[0][0] == 3 and all(np.array_equal(a, b) for a, b in zip(seen[0][1], weights))
    assert longer.history.epoch.tolist() == [1, 2, 3, 4, 5] and longer.history.loss[:3].tolist() == first.history.loss.tolist()
    assert longer.record["continues"] == {"run": first.folder.name, "epochs": 3} and longer.folder != first.folder
    rates = longer.history.learning_rate
    assert rates[2] == rates[4] == 0 and rates[3] > 0  # a new schedule over the epochs that are added
    for epochs, run in ((3, first), (5, longer)):  # both have ended
        again = train(splits, epochs, tmp_path, resume=True)
        assert again.folder == run.folder and same(again.model, hb.load_run(run.folder).model)
    assert len(list(tmp_path.glob("*/run.json"))) == 2


def test_other_options_begin_anew(splits, tmp_path):
    first = train(splits, 1, tmp_path)
    for other in ({"learning_rate": 0.02}, {"resume": False}, {"seed": 1}):
        run = train(splits, 2, tmp_path, **{"resume": True, **other})
        assert "continues" not in run.record and run.history.loss[0] != first.history.loss[0]


@pytest.mark.parametrize("options", [{}, {"ema": 0.9}, {"schedule": "plateau"}, {"optimizer": "lion", "learning_rate": 0.001}])
def test_more_epochs_can_be_interrupted(splits, tmp_path, options):
    class Dies(Exception):
        pass

    def die(at):
        def begin(epoch, logs):
            if epoch == at:
                raise Dies

        return keras.callbacks.LambdaCallback(on_epoch_begin=begin)

    for to in "ab":
        train(splits, 2, tmp_path / to, **options)
    for at in 2, 3:  # before the first epoch that is added, and after it
        with pytest.raises(Dies):
            train(splits, 4, tmp_path / "a", resume=True, callbacks=[die(at)], **options)
    broken, straight = (train(splits, 4, tmp_path / to, resume=True, **options) for to in "ab")
    assert same(broken.model, straight.model) and broken.history.val_loss.tolist() == straight.history.val_loss.tolist()
    assert len(list((tmp_path / "a").glob("*/run.json"))) == 2


def test_compile_model_by_hand(splits):
    model = compile_model(cnn(splits), splits.train, 10, TrainingOptions(optimizer="sgd", schedule="constant"))
    assert type(model.optimizer).__name__ == "SGD" and float(model.optimizer.learning_rate) == pytest.approx(0.01)
