"""The published MNIST listing that hackbook grew from, repaired for Keras 3 and otherwise left as it was.

Its `ImageDataGenerator` is gone from Keras, and with it the import; the rest is kept on purpose: float64 arrays scaled
outside of the model, one-hot labels, Adam, batches of 64, ten epochs. It is the peer of `make bench`.
"""

import numpy as np


def load(path):
    """x_train, y_train, x_test, y_test from `mnist.npz`, as the listing prepares them: float64 in 0..1, one-hot."""
    from keras.utils import to_categorical

    with np.load(path, allow_pickle=False) as arrays:
        x_train, x_test = (arrays[k].reshape(-1, 28, 28, 1) / 255.0 for k in ("x_train", "x_test"))
        y_train, y_test = (to_categorical(arrays[k], 10) for k in ("y_train", "y_test"))
    return x_train, y_train, x_test, y_test


def build():
    """The listing's network, about 225,000 parameters, compiled."""
    from keras import Sequential, layers

    model = Sequential([
        layers.Input((28, 28, 1)),
        layers.Conv2D(32, (3, 3), activation="relu"),
        layers.MaxPooling2D((2, 2)),
        layers.Conv2D(64, (3, 3), activation="relu"),
        layers.MaxPooling2D((2, 2)),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model
