"""Augmentation changes training alone, and a saved model needs no hackbook for it."""

import sys

import numpy as np
from conftest import call

import hackbook as hb


def test_saved_augmented_model_predicts_the_same_without_hackbook(tmp_path):
    splits = hb.split(hb.data.digits())
    hb.set_seed(0)
    layers = hb.augment(rotation=10, shift=0.1, zoom=0.1, shear=0.1, brightness=0.1)
    run = hb.fit(hb.models.cnn(splits, augment=layers), splits, epochs=4, to=tmp_path)
    expected = run.model.predict(splits.validation.x, verbose=0)
    assert (expected.argmax(axis=1) == splits.validation.y).mean() > 0.9
    np.savez(tmp_path / "images.npz", x=splits.validation.x, expected=expected)
    code = ("import sys; sys.modules['hackbook'] = None\nimport keras, numpy as np\n"
            f"data, model = np.load({str(tmp_path / 'images.npz')!r}), keras.saving.load_model({str(run.folder / 'model.keras')!r})\n"
            "print(np.abs(model.predict(data['x'], verbose=0) - data['expected']).max() < 1e-5)")
    assert call(sys.executable, "-c", code).stdout.strip() == "True"


def test_flip_mirrors_about_half_of_the_images():
    images = np.zeros((400, 4, 4, 1), "float32")
    images[:, :, 0] = 1
    flipped = np.asarray(hb.augment(flip="horizontal")(images, training=True))
    assert 0.4 < (flipped[:, 0, 3, 0] == 1).mean() < 0.6 and set(np.unique(flipped)) == {0, 1}
