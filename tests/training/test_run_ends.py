"""Which run goes on, what an interrupt leaves, and options that must not train nothing."""

import pytest

import hackbook as hb


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits())


def test_accumulated_gradients_get_the_whole_schedule(splits):
    """Keras counts the steps of a schedule in batches, also where several make one update."""
    rates = {}
    for accumulate in 1, 4:
        hb.set_seed(0)
        run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=4, accumulate=accumulate, to=None)
        rates[accumulate] = run.history.learning_rate.tolist()
    assert rates[4] == pytest.approx(rates[1]) and min(rates[4][:-1]) > 0
    with pytest.raises(hb.InvalidValue, match="accumulate must be .* batches of this run at most, got 10000; the weights would never be updated"):
        hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, accumulate=10_000, to=None)


def test_only_a_run_of_the_same_layers_is_resumed(splits, tmp_path):
    """Same shapes, seed and options, but another dropout or activation: another run. What a run itself changes is no difference."""
    keras = hb.core.load_keras()

    def built(activation="relu", dropout=0.2):
        hb.set_seed(0)
        layers = [keras.layers.Flatten(), keras.layers.Dense(8, activation), keras.layers.Dropout(dropout), keras.layers.Dense(10, "softmax")]
        return keras.Sequential([keras.Input(splits.train.x.shape[1:]), *layers])

    def resumed(model, **options):
        return hb.fit(model, splits, epochs=1, to=tmp_path, resume=True, **options)

    first = resumed(built())
    assert resumed(built()).folder == first.folder
    others = [resumed(built("tanh")), resumed(built(dropout=0.5))]
    assert len({first.folder, *(run.folder for run in others)}) == 3
    half = resumed(model := built(), precision="mixed_bfloat16")
    assert resumed(model, precision="mixed_bfloat16").folder == half.folder  # its layers have another dtype now
    with pytest.raises(hb.InvalidValue, match="functions with a name, with resume=True"):
        resumed(built(), loss=lambda y, p: keras.losses.sparse_categorical_crossentropy(y, p))


def test_a_partial_is_a_loss(splits):
    from functools import partial

    loss = partial(hb.core.load_keras().losses.sparse_categorical_crossentropy, from_logits=False)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, loss=loss, to=None)
    assert run.record["parameters"]["loss"] == "partial"


def test_equal_losses_keep_the_first_of_their_epochs(splits):
    keras = hb.core.load_keras()
    still = keras.Sequential([keras.Input(splits.train.x.shape[1:]), keras.layers.Flatten(), keras.layers.Dense(10, "softmax", kernel_initializer="zeros")])
    weights = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: weights.append([w.copy() for w in still.get_weights()]))
    constant = lambda y, p: 0.0 * keras.ops.sum(p, axis=-1)  # noqa: E731
    run = hb.fit(still, splits, epochs=9, patience=1, loss=constant, weight_decay=0.5, schedule="constant", callbacks=[note], to=None)
    assert run.record["weights_of_epoch"] == run.best_epoch == 1
    assert all((a == b).all() for a, b in zip(run.model.get_weights(), weights[0]))


def test_an_interrupt_before_the_first_epoch_leaves_no_run(splits, tmp_path):
    def stop(logs):
        raise KeyboardInterrupt

    early = hb.core.load_keras().callbacks.LambdaCallback(on_train_begin=stop)
    with pytest.raises(KeyboardInterrupt):
        hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=2, callbacks=[early], to=tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_first_epoch_has_its_own_training_loss(splits, tmp_path):
    def stop(batch, logs):
        if batch == 2:
            raise KeyboardInterrupt

    late = hb.core.load_keras().callbacks.LambdaCallback(on_train_batch_end=stop)
    run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=2, callbacks=[late], to=None)
    (row,) = run.history.to_dict("records")
    assert run.record["status"] == "interrupted" and row["loss"] != row["val_loss"] and 0 < row["loss"] < 5


def test_an_interrupted_measurement_leaves_the_model_as_it_was(splits, monkeypatch):
    model = hb.models.cnn(splits, filters=(4,))
    plain, asked = type(model).evaluate, []

    def evaluate(self, *a, **k):
        asked.append(1)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return plain(self, *a, **k)

    before = [w.copy() for w in model.get_weights()]
    monkeypatch.setattr(type(model), "evaluate", evaluate)
    with pytest.raises(KeyboardInterrupt):
        hb.fit(model, splits, epochs=None, budget="20 s", to=None)
    assert all((a == b).all() for a, b in zip(before, model.get_weights()))


@pytest.mark.parametrize("wrong", [{"0": "a"}, {"0": float("inf")}, {"0": True}, {str(i): 0 for i in range(10)}])
def test_class_weights_are_numbers(splits, wrong):
    with pytest.raises(hb.InvalidValue, match="class_weight must be"):
        hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=1, class_weight=wrong, to=None)
