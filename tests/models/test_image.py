"""`hb.models.cnn` builds what the task asks for."""

import numpy as np
import pytest

import hackbook as hb


def brightness(scale, offset):
    """Scans of digits, and how bright each is, in a unit of any size."""
    x = hb.data.digits().take(np.arange(600)).x
    y = offset + scale * x.mean(axis=(1, 2))
    return hb.split(hb.Dataset(x, y, task="regression"))


@pytest.mark.parametrize("scale, offset", [(1, 0), (1e5, -3e6), (1e-2, 0.02)])
def test_numbers_of_any_scale_are_learned(scale, offset):
    splits = brightness(scale, offset)
    hb.set_seed(0)
    model = hb.models.cnn(splits, filters=(16, 32))
    assert model.output_shape == (None, 1) and model.layers[-2].activation.__name__ == "linear"
    spread = splits.validation.y.std()
    before = hb.evaluate(model, splits.validation).rmse
    assert before < 3 * spread  # a plain Dense(1) would be off by the whole offset
    run = hb.fit(model, splits, epochs=10, to=None)
    assert hb.evaluate(run, splits.validation).rmse < 0.5 * spread


def test_the_loss_of_two_units_is_the_same_up_to_the_unit():
    """The same network learns the same in grams and in kilograms."""
    losses = []
    for scale in (1, 1000):
        splits = brightness(scale, 0)
        hb.set_seed(0)
        run = hb.fit(hb.models.cnn(splits, filters=(4,)), splits, epochs=2, to=None)
        losses.append(run.history.val_loss.to_numpy() / scale**2)
    assert np.allclose(*losses, rtol=0.05)


def test_the_checks_accept_it():
    splits = brightness(1e3, 1e4)
    hb.set_seed(0)
    checks = {c.name: c for c in hb.preflight(hb.models.cnn(splits, filters=(8,)), splits).checks}
    assert checks["final bias"].status == "pass" and checks["loss at the start"].status != "fail"


def test_half_precision_keeps_the_output_exact():
    from hackbook.training.compilation import set_precision

    model = hb.models.cnn(brightness(1e3, 1e4), filters=(4,))
    set_precision(model, "mixed_bfloat16")
    assert [layer.dtype_policy.name for layer in model.layers[-3:]] == ["mixed_bfloat16", "float32", "float32"]


def test_it_is_saved_with_its_unit(tmp_path):
    import keras

    splits = brightness(1e3, 1e4)
    model = hb.models.cnn(splits, filters=(4,))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert np.allclose(again.predict(splits.train.x[:9], verbose=0), model.predict(splits.train.x[:9], verbose=0))


def test_numbers_that_are_too_small_for_adam_are_told():
    with pytest.warns(UserWarning, match="smaller unit, such as y . 1000"):
        hb.models.cnn(brightness(1e-4, 0.02), filters=(4,))
