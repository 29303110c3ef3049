"""Colored pictures: generated shapes in a minute of training, and a folder of pictures beside Keras' own loader."""

import os
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

GOAL = 0.98
SIZE = 64
BATCH = 128


def peak_memory():
    """The largest resident memory of this process so far, in MB."""
    import resource
    import sys

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def shapes_ours(seed):
    """Train the residual network on a thousand shapes of each class for a minute at most, then ask the test part once."""
    import hackbook as hb

    splits = hb.split(hb.data.shapes(3000, seed=seed), seed=seed)
    hb.set_seed(seed)
    start = perf_counter()
    work = process_time()
    model = hb.models.resnet(splits, augment=hb.augment(flip="both"))
    run = hb.fit(model, splits, epochs=16, batch_size=32, seed=seed, to=None)
    spent = {"seconds": perf_counter() - start, "cpu": process_time() - work}
    return spent | {"accuracy": hb.evaluate(run, splits.test, reason="benchmark").accuracy}


def network(classes):
    """The small network that both sides train, as a plain Keras model."""
    import keras
    from keras import layers

    inputs = keras.Input((SIZE, SIZE, 3), dtype="uint8")
    h = layers.Rescaling(1 / 255)(inputs)
    for channels in (8, 16):
        h = layers.Conv2D(channels, 3, 4, activation="relu")(h)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(layers.GlobalAveragePooling2D()(h)))


class Epochs:
    """The seconds of each epoch, from its begin to its last full batch: what validates or closes an epoch does not count."""

    def __init__(self, steps):
        import keras

        self.steps, self.begins, self.ends = steps, [], []
        self.callback = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: self.begins.append(perf_counter()),
                                                       on_train_batch_end=self.after)

    def after(self, batch, logs):
        if batch == self.steps - 1:
            self.ends.append(perf_counter())

    def rate(self):
        """Pictures a second, without the first epoch, which warms up."""
        seconds = sum(end - begin for begin, end in list(zip(self.begins, self.ends))[1:])
        return self.steps * BATCH * (len(self.ends) - 1) / seconds


def folder_ours(count, epochs):
    """Pictures a second in epochs of `hb.fit` from a folder that is read lazily, after an epoch to warm up."""
    import hackbook as hb

    data = hb.data.images(Path(os.environ["BENCH_FOLDER"]) / str(count), lazy=True)
    splits = hb.split(data, validation=0.02, test=0.02)
    watch = Epochs(len(splits.train) // BATCH)
    hb.fit(network(10), splits, epochs=epochs + 1, batch_size=BATCH, to=None, callbacks=[watch.callback])
    return {"rate": watch.rate(), "memory": peak_memory()}


def folder_keras(count, epochs):
    """The same network and optimizer with Keras' own loader and `model.fit`."""
    import keras

    folder = Path(os.environ["BENCH_FOLDER"]) / str(count)
    data = keras.utils.image_dataset_from_directory(folder, image_size=(SIZE, SIZE), batch_size=BATCH, seed=0, verbose=False)
    watch = Epochs(count // BATCH)
    model = network(10)
    model.compile(keras.optimizers.AdamW(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(data, epochs=epochs + 1, verbose=0, callbacks=[watch.callback])
    return {"rate": watch.rate(), "memory": peak_memory()}


def bench(measure, figure, seeds, draw_images, count):
    """Both measurements; the folder holds `count` pictures."""
    runs = []
    for seed in range(min(seeds, 3)):
        runs.append(measure(shapes_ours, seed))
        print(f"  seed {seed}: {runs[-1]['accuracy']:.4f} in {runs[-1]['seconds']:.0f} s, {runs[-1]['cpu']:.0f} s of the processor", flush=True)
    least, seconds = (median(r[what] for r in runs) for what in ("accuracy", "seconds"))
    each = ", ".join(f"{r['accuracy']:.4f}" for r in runs)
    busy = median(r["cpu"] for r in runs)
    note = f"test accuracy of hb.models.resnet on 3 × 1,000 generated shapes of 64×64 (450 for the test), median of {len(runs)} seeds: {each}; "
    note += f"trained for {seconds:.0f} s, {busy:.0f} s of the processor; peer: the goal"
    shapes = figure(least, GOAL, "", note, more=True)

    pairs = []
    epochs = max(1, 30_000 // count)  # a short epoch would measure the weather
    few_count = max(count // 10, 1000)
    with TemporaryDirectory() as folder:
        draw_images(Path(folder), counts=(few_count, count))
        os.environ["BENCH_FOLDER"] = folder
        for turn in range(min(seeds, 3)):
            pairs.append((measure(folder_ours, count, epochs), measure(folder_keras, count, epochs)))
            print(f"  turn {turn}: " + "; ".join(f"{who} {r['rate']:,.0f} pictures/s, {r['memory']:.0f} MB"
                                                for who, r in zip(("ours", "Keras"), pairs[-1])), flush=True)
        few = measure(folder_ours, few_count, 1)
    ours, peer = (median(r["rate"] for r in side) for side in zip(*pairs))
    many = max(mine["memory"] for mine, _ in pairs)
    note = f"epochs of hb.fit on {count:,} lazily read colored pictures of {SIZE}×{SIZE}, half PNG, half JPEG (1,000 different ones, hard-linked), "
    note += "after one to warm up; peer: image_dataset_from_directory with the same network"
    grown = f"peak resident memory, indexing included: ours at {count:,} pictures, peer: ours at {few_count:,}; a ratio of 1 is flat"
    return {"images.shapes": shapes, f"images.folder_{count}": figure(ours, peer, "pictures/s", note, more=True),
            "images.memory": figure(many, few["memory"], "MB", grown)}
