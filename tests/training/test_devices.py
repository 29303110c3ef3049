"""What a training run does on a GPU, on a processor: the device is pretended, errors are raised by a stand-in."""

import json

import numpy as np
import pytest

import hackbook as hb
from hackbook.core import all_layers, load_keras
from hackbook.devices import Device, device_line
from hackbook.training import find_batch_size

H200 = Device("GPU", "NVIDIA H200", memory=150_754_820_096, driver="570.86.15", capability=(9, 0))


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits())


def net(splits, seed=0):
    hb.set_seed(seed)
    return hb.models.cnn(splits, filters=(4,))


@pytest.fixture
def on_card(monkeypatch):
    """All that asks for the device hears of a GPU."""
    for room in ("training.fitting", "training.loop", "devices.description"):
        monkeypatch.setattr(f"hackbook.{room}.training_device", lambda: H200)


def test_a_model_is_compiled_without_xla_unless_asked(splits, monkeypatch):
    said = []
    plain = load_keras().Model.compile
    monkeypatch.setattr(load_keras().Model, "compile", lambda self, *args, **more: said.append(more["jit_compile"]) or plain(self, *args, **more))
    hb.fit(net(splits), splits, epochs=1, to=None)
    live = hb.live.Session(net(splits), splits, epochs=1)
    live.close()
    hb.training.compile_model(net(splits), splits.train, 10, hb.training.TrainingOptions(jit=True))
    assert said == [False, False, True]


@pytest.mark.parametrize("options, switched", [({}, True), ({"jit": False}, False), ({"deterministic": True}, False)])
def test_a_run_on_a_gpu_turns_to_xla_when_that_pays(splits, on_card, monkeypatch, options, switched):
    monkeypatch.setattr("hackbook.training.fitting.be_deterministic", lambda: None)
    monkeypatch.setattr("hackbook.devices.compiling.compile_seconds", lambda layers: 0.0)
    model, made = net(splits), []
    plain = type(model).make_train_function
    monkeypatch.setattr(type(model), "make_train_function", lambda self, force=False: made.append((force, self.jit_compile)) or plain(self, force))
    run = hb.fit(model, splits, epochs=3, batch_size=64, to=None, **options)
    assert made == [(False, False), *([(True, True)] if switched else [])] and model.jit_compile is False
    if switched:  # 18 steps of the first epoch are timed, two of the second
        assert run.record["xla"] == {"from_epoch": 2, "from_step": 4}
    without = hb.fit(net(splits), splits, epochs=3, batch_size=64, to=None, jit=False)
    assert "xla" not in without.record
    assert np.abs(run.history.val_loss - without.history.val_loss).max() < 0.02  # the same training run, other sums


def test_a_gpu_on_which_nothing_was_measured_stays_without_xla(splits, monkeypatch):
    monkeypatch.setattr("hackbook.training.loop.training_device", lambda: Device("GPU", "METAL"))
    monkeypatch.setattr("hackbook.devices.compiling.compile_seconds", lambda layers: 0.0)
    assert "xla" not in hb.fit(net(splits), splits, epochs=2, batch_size=32, to=None).record


def test_trials_stay_without_xla_unless_asked(splits, monkeypatch):
    from hackbook.search import trials

    asked = []

    def fit(*_, **options):
        asked.append(options["jit"])
        raise hb.training.Diverged("enough")

    monkeypatch.setattr(trials, "fit", fit)
    for options, setting in (({}, {}), ({"jit": True}, {}), ({"jit": True}, {"jit": None})):
        outcome = trials._train(None, trials.Job(hb.models.cnn, {"filters": (4,)} | setting, splits, options))
        assert outcome.status == "diverged"
    assert asked == [False, True, None]


def test_a_short_run_on_a_gpu_stays_without_xla(splits, on_card):
    model = net(splits)
    run = hb.fit(model, splits, epochs=3, batch_size=64, to=None)
    assert model.jit_compile is False and "xla" not in run.record


def test_a_run_on_a_processor_never_asks(splits, monkeypatch):
    monkeypatch.setattr("hackbook.devices.compiling.compiling_pays", lambda *_: pytest.fail("asked"))
    assert hb.fit(net(splits), splits, epochs=2, to=None).record["machine"]["device"]["kind"] == "CPU"


def test_text_is_not_compiled():
    keras = load_keras()
    data = hb.Dataset(np.array([f"{word} {i}" for i in range(30) for word in ("good", "bad")]), np.array(["yes", "no"] * 30))
    words = keras.layers.TextVectorization(vocabulary=["good", "bad"], output_sequence_length=1)
    model = keras.Sequential([keras.Input((), dtype="string"), words, keras.layers.Embedding(4, 2), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    with pytest.raises(hb.InvalidValue, match="jit must be None or False for layers that take text"):
        hb.fit(model, hb.split(data), epochs=1, to=None, jit=True)


# ---- batch sizes


def test_the_usual_batch_size_of_a_device(splits, on_card, monkeypatch):
    usual = {}
    monkeypatch.setattr("hackbook.training.fitting.usual_batch_size", lambda device, examples: usual.setdefault((device, examples), 256))
    run = hb.fit(net(splits), splits, epochs=1, to=None)
    assert list(usual) == [(H200, len(splits.train))]
    assert (run.record["parameters"]["batch_size"], run.record["parameters"]["learning_rate"]) == (256, 0.02)
    changed = hb.fit(net(splits), splits, epochs=1, to=None, schedule="constant", changes=[(3, "learning_rate", 0.001)])
    assert changed.record["parameters"]["batch_size"] == 64  # the steps of a recipe are counted in batches of 64


def test_on_a_processor_nothing_changes(splits):
    chosen = hb.fit(net(splits), splits, epochs=1, batch_size=64, learning_rate=0.012345, to=None)
    usual = hb.fit(net(splits), splits, epochs=1, learning_rate=0.012345, to=None)
    assert usual.record["parameters"] == chosen.record["parameters"]
    assert all((a == b).all() for a, b in zip(usual.model.get_weights(), chosen.model.get_weights()))


def runs_out(most):
    """A train step that only takes so many examples, as a card with little memory."""
    import tensorflow as tf

    from hackbook.training import lr_finder

    plain, asked = lr_finder._stepper, []

    def stepper(model, data):
        step = plain(model, data)

        def limited(batch, rate):
            asked.append(len(batch[0]))
            if len(batch[0]) > most:
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[9,9]")
            return step(batch, rate)

        return limited

    return stepper, asked


def test_the_largest_batch_that_fits(splits, monkeypatch):
    stepper, asked = runs_out(40)
    monkeypatch.setattr("hackbook.training.lr_finder._stepper", stepper)
    model = net(splits)
    before = [v.numpy() for v in model.variables]
    assert find_batch_size(model, splits) == 32 and asked == [72, 36]
    assert all((a == v.numpy()).all() for a, v in zip(before, model.variables))
    run = hb.fit(model, splits, epochs=1, batch_size="largest", to=None)
    assert (run.record["parameters"]["batch_size"], run.record["parameters"]["learning_rate"]) == (32, 0.00707)
    own = hb.fit(net(splits), splits, epochs=1, batch_size="largest", optimizer=load_keras().optimizers.SGD(0.1), to=None)
    assert (own.record["parameters"]["batch_size"], own.record["parameters"]["learning_rate"]) == (32, 0.1)


def test_not_even_one_example_fits(splits, monkeypatch):
    monkeypatch.setattr("hackbook.training.lr_finder._stepper", runs_out(0)[0])
    with pytest.raises(hb.models.OutOfMemory, match="memory ran out with batches of 1; try precision='mixed_bfloat16', or a smaller model"):
        hb.fit(net(splits), splits, epochs=1, batch_size="largest", to=None)


def test_what_is_no_batch_size(splits):
    with pytest.raises(hb.InvalidValue, match="batch_size must be a whole number"):
        hb.fit(net(splits), splits, batch_size="huge", to=None)


# ---- which device


def test_the_record_names_the_device(splits, on_card, monkeypatch, tmp_path):
    monkeypatch.setattr("hackbook.training.runs.training_device", lambda: H200)
    run = hb.fit(net(splits), splits, epochs=1, batch_size=64, to=tmp_path)
    saved = json.loads((run.folder / "run.json").read_text())
    assert saved["machine"]["device"] == {"kind": "GPU", "name": "NVIDIA H200", "count": 1, "driver": "570.86.15"}


def test_a_run_says_at_first_which_device_trains(splits, on_card, caplog):
    with caplog.at_level("INFO", "hackbook"):
        hb.fit(net(splits), splits, epochs=1, batch_size=64, to=None)
    assert "trains on NVIDIA H200 (151 GB)" in caplog.messages
    assert device_line(2) == "trains on 2 devices at once, as its strategy says"
    assert len(all_layers(net(splits))) > 3
