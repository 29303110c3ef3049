"""The input pipeline of a GPU, on two logical devices of the processor: what is copied ahead trains to the same bits."""

import sys

import numpy as np
import pytest
from conftest import call
from hackbook.core import load_keras
from hackbook.devices import ahead, device_of, feed, vectorizing

BEGIN = """
import warnings, numpy as np, tensorflow as tf
cpu, = tf.config.list_physical_devices('CPU')
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import hackbook as hb, keras
from hackbook.devices import device_of, feeding
warnings.filterwarnings('error', 'Your input ran out of data')
copied, plain = [], feeding.ahead
def ahead(dataset, place):
    copied.append(place)
    return plain(dataset, place)
feeding.ahead = ahead

def on(place, build, splits, train):
    with tf.device(place):
        hb.set_seed(0)
        model = build(splits)
    assert (device_of(model) is None) == (place == 'CPU:0'), device_of(model)
    copied.clear()
    train(model, splits)
    assert set(copied) == (set() if place == 'CPU:0' else {device_of(model)}), copied
    return [w.copy() for w in model.get_weights()]

def equal(build, splits, train):
    first, second = (on(place, build, splits, train) for place in ('CPU:0', 'CPU:1'))
    assert len(first) == len(second) and all((a == b).all() for a, b in zip(first, second))
"""
CASES = {
    "numbers with weights per class and example": """
data = hb.data.digits().take(np.arange(400))
data = hb.Dataset(data.x, data.y, sample_weight=np.linspace(.5, 1.5, 400))
def train(model, splits):
    run = hb.fit(model, splits, epochs=3, class_weight='balanced', to=None)
    assert len(run.history) == 3 and run.record['status'] == 'finished'
equal(lambda splits: hb.models.cnn(splits, filters=(4,)), hb.split(data), train)
""",
    "lazy pictures, whose batch size changes": """
from PIL import Image
from pathlib import Path
rng = np.random.default_rng(0)
for i in range(160):
    Path('photos', 'ab'[i % 2]).mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 255, (12, 12, 3), 'uint8')).save(f'photos/{"ab"[i % 2]}/{i}.png')
splits = hb.split(hb.data.images('photos', lazy=True))
train = lambda model, splits: hb.fit(model, splits, epochs=4, schedule='constant', changes=[(4, 'batch_size', 32)], to=None)
equal(lambda splits: hb.models.cnn(splits, filters=(4,)), splits, train)
""",
    "texts": """
rng = np.random.default_rng(0)
words = np.array('good bad long short red blue new old'.split())
x = np.array([' '.join(rng.choice(words, 5)) for _ in range(300)])
splits = hb.split(hb.Dataset(x, np.array(['good' in text for text in x]).astype(str)))
def build(splits):
    first = keras.layers.TextVectorization(output_sequence_length=5, name='text')
    first.adapt(splits.train.x)
    after = [keras.layers.Embedding(20, 8), keras.layers.Flatten(), keras.layers.Dropout(.2), keras.layers.Dense(2, 'softmax')]
    return keras.Sequential([keras.Input((), dtype='string'), first, *after])
def train(model, splits):
    run = hb.fit(model, splits, epochs=6, to=None)
    assert run.history.val_accuracy.iloc[-1] > .7 and {'call', '_assert_input_compatibility'}.isdisjoint(vars(model))
    assert (hb.evaluate(run, splits.validation).accuracy > .7) and len(run.predict(['good old', 'bad'])) == 2
equal(build, splits, train)
""",
    "a live session": """
splits = hb.split(hb.data.digits().take(np.arange(400)))
def train(model, splits):
    session = hb.live.Session(model, splits, 3)
    session.start()
    session.wait()
    session.rewind(1)
    session.start()
    session.wait()
    session.close()
equal(lambda splits: hb.models.cnn(splits, filters=(4,)), splits, train)
"""}


@pytest.mark.parametrize("case", CASES)
def test_what_is_copied_ahead_trains_to_the_same_bits(tmp_path, case):
    shown = call(sys.executable, "-c", BEGIN + CASES[case], cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr[-2500:]


def test_a_processor_and_a_strategy_are_left_alone():
    import tensorflow as tf

    keras = load_keras()
    batches = tf.data.Dataset.range(4).batch(2)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    assert device_of(model) is None
    with feed(model, batches, batches) as fed:
        assert fed == (batches, batches)
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        inner = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        assert device_of(inner) is None and device_of(model) is None
    assert device_of(inner) is None


def test_the_number_of_batches_is_known():
    import tensorflow as tf

    batches = tf.data.Dataset.from_tensor_slices(np.arange(10)).batch(4)
    assert int(ahead(batches, "CPU:0").cardinality()) == 3
    assert int(ahead(batches.repeat(), "CPU:0").cardinality()) == tf.data.INFINITE_CARDINALITY


def test_texts_that_go_two_ways_stay_texts():
    keras = load_keras()
    texts = keras.Input((), dtype="string")
    words = keras.layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=2)(texts)
    length = keras.layers.TextVectorization(vocabulary=["a"], output_mode="count")(texts)
    model = keras.Model(texts, keras.layers.Concatenate()([keras.layers.Flatten()(keras.layers.Embedding(4, 2)(words)), length]))
    with vectorizing(model) as layer:
        assert layer is None and "call" not in vars(model)
    one = keras.Model(texts, keras.layers.Embedding(4, 2)(words))
    with pytest.raises(ZeroDivisionError), vectorizing(one) as layer:
        assert layer is not None and "call" in vars(one)
        raise ZeroDivisionError
    assert "call" not in vars(one)
