"""Callbacks beside our own: the record tells the truth about status, epoch and weights, or the call is refused."""

import json

import numpy as np
import pytest
from keras import Input, Sequential, callbacks, layers

import hackbook as hb


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits().take(np.arange(300)))


def net():
    hb.set_seed(0)
    return Sequential([Input((8, 8)), layers.Rescaling(1 / 16), layers.Flatten(), layers.Dense(8, activation="relu"), layers.Dense(10, activation="softmax")])


def fit(splits, callback, to=None, **options):
    return hb.fit(net(), splits, **{"epochs": 4, "batch_size": 32, "to": to, **options}, callbacks=[callback])


def loss_of(model, splits):
    return model.evaluate(splits.validation.x, splits.validation.y, verbose=0, return_dict=True)["loss"]


WILD = {"learning_rate": 0.3, "schedule": "constant", "epochs": 12}


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
@pytest.mark.parametrize("restore", [True, False])
def test_early_stopping_of_keras(splits, tmp_path, monitor, restore):
    stop = callbacks.EarlyStopping(monitor, patience=1, restore_best_weights=restore)
    run = fit(splits, stop, tmp_path, **WILD)
    epoch = run.record["weights_of_epoch"]
    assert run.record["status"] == "stopped by EarlyStopping" and len(run.history) < 12
    assert epoch == (stop.best_epoch + 1 if restore else run.best_epoch)
    for model in (run.model, hb.load_run(run.folder).model):
        assert abs(loss_of(model, splits) - run.history.val_loss[epoch - 1]) < 1e-4
    again = hb.fit(net(), splits, to=tmp_path, batch_size=32, resume=True, **WILD)
    assert again.folder == run.folder and len(again.history) == len(run.history)  # it has ended


def test_weights_restored_after_the_last_epoch(splits):
    worst = callbacks.EarlyStopping("loss", mode="max", patience=50, restore_best_weights=True)
    run = fit(splits, worst)
    assert run.record["status"] == "finished" and run.record["weights_of_epoch"] == worst.best_epoch + 1 == 1
    assert abs(loss_of(run.model, splits) - run.history.val_loss[0]) < 1e-4


class SetAtEnd(callbacks.Callback):
    def on_train_end(self, logs=None):
        self.model.set_weights([w * 0 for w in self.model.get_weights()])


class SetAfterEpoch(callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.layers[-1].bias.assign([epoch] * 10)


@pytest.mark.parametrize("callback", [SetAtEnd, SetAfterEpoch])
def test_weights_that_belong_to_no_epoch(splits, tmp_path, callback):
    run = fit(splits, callback(), tmp_path)
    assert run.record["weights_of_epoch"] is None and "weights of no epoch" in repr(run)
    bias = run.model.layers[-1].bias.numpy()
    assert (bias == (3 if callback is SetAfterEpoch else 0)).all()
    checkpoint = np.load(max((run.folder / "checkpoints").iterdir()))
    saved = next(v for k, v in checkpoint.items() if k.startswith("model") and k.endswith("dense_1/bias") or v.shape == (10,) and k.startswith("model"))
    assert (saved == 3).all() or callback is SetAtEnd  # a resumed run begins with what the callback has left


class StopInTheMiddle(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations == 10:
            self.model.stop_training = True


def test_a_stop_in_the_middle_of_an_epoch(splits, tmp_path):
    run = fit(splits, StopInTheMiddle(), tmp_path)
    assert run.record["status"] == "stopped by StopInTheMiddle" and len(run.history) == 2
    assert len(list((run.folder / "checkpoints").iterdir())) == 1  # of the whole epoch alone
    assert abs(loss_of(run.model, splits) - run.history.val_loss[run.record["weights_of_epoch"] - 1]) < 1e-4


def test_rates_of_callbacks_are_in_the_history(splits):
    run = fit(splits, callbacks.LearningRateScheduler(lambda epoch: 0.01 / (epoch + 1)), schedule="constant")
    assert np.allclose(run.history.learning_rate, [0.01, 0.005, 0.01 / 3, 0.0025])
    run = fit(splits, callbacks.ReduceLROnPlateau(patience=1, factor=0.1), **WILD | {"learning_rate": 0.5, "epochs": 6})
    assert run.history.learning_rate.nunique() > 1


class SetRate(callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 0.001


K = callbacks


@pytest.mark.parametrize(
    "given, options, says",
    [
        (K.EarlyStopping(), {}, "got 'EarlyStopping'; try callbacks=[callback]"),
        ([K.EarlyStopping], {}, "make an object of it: EarlyStopping()"),
        ([print], {}, "LambdaCallback"),
        ("early", {}, "a list of Keras callbacks"),
        ([K.ReduceLROnPlateau()], {}, "pass schedule='constant' with it"),
        ([K.ReduceLROnPlateau()], {"schedule": "plateau"}, "pass schedule='constant' with it"),
        ([K.LearningRateScheduler(lambda e: 0.1)], {"schedule": "cosine"}, "pass schedule='constant' with it"),
        ([SetRate()], {}, "schedule='constant'"),
        ([K.BackupAndRestore("backup")], {}, "resume=True"),
        ([K.SwapEMAWeights()], {}, "ema=.99"),
        ([K.SwapEMAWeights()], {"ema": 0.9}, "ema=.99"),
        ([K.EarlyStopping(restore_best_weights=True)], {"ema": 0.9}, "patience=5"),
        ([K.EarlyStopping("val_acc")], {}, "one of loss, val_loss, accuracy, val_accuracy, got 'val_acc'"),
        ([K.EarlyStopping()], {"schedule": "constant", "changes": [(7, "batch_size", 16)]}, "where changes contain batch_size"),
    ],
)
def test_refused_before_training(splits, tmp_path, given, options, says):
    with pytest.raises(hb.HackbookError) as caught:
        hb.fit(net(), splits, epochs=3, batch_size=32, to=tmp_path, callbacks=given, **options)
    assert says in str(caught.value)
    assert isinstance(given, list) and type(given[0]) is SetRate or not list(tmp_path.iterdir())


def test_callbacks_that_change_nothing(splits, tmp_path):
    plain = hb.fit(net(), splits, epochs=3, to=None, callbacks=None)
    more = [K.ModelCheckpoint(tmp_path / "m.keras"), K.CSVLogger(tmp_path / "h.csv"), K.TerminateOnNaN(), K.History()]
    run = hb.fit(net(), splits, epochs=3, to=None, callbacks=(c for c in more))
    assert run.history.val_loss.tolist() == plain.history.val_loss.tolist()
    assert run.record["status"] == "finished" and run.record["weights_of_epoch"] == 3
    with pytest.raises(hb.training.Diverged):
        fit(splits, K.TerminateOnNaN(), learning_rate=1e30)


class RunsOut(callbacks.Callback):
    def __init__(self, batch, error):
        super().__init__()
        self.batch, self.error = batch, error

    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations == self.batch:
            raise self.error


def memory_errors():
    import tensorflow as tf

    return [
        MemoryError("Unable to allocate 3 TiB"),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[64,9]"),
        tf.errors.InternalError(None, None, "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes"),
        RuntimeError("CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
    ]


@pytest.mark.parametrize("error", memory_errors(), ids=lambda e: type(e).__name__)
def test_out_of_memory(splits, tmp_path, error):
    with pytest.raises(hb.HackbookError, match="memory ran out with batches of 32; try batch_size=16, precision='mixed_bfloat16', or a smaller model") as caught:
        fit(splits, RunsOut(10, error), tmp_path)
    assert isinstance(caught.value, MemoryError)
    (folder,) = tmp_path.iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "failed in epoch 2" and "batch_size=16" in record["reason"]
    assert [p.name for p in (folder / "checkpoints").iterdir()] == ["epoch-00001.npz"]
    saved = hb.load_run(folder)  # with the weights of the epoch that was finished
    assert abs(loss_of(saved.model, splits) - saved.history.val_loss[0]) < 1e-4
    assert hb.list_runs(tmp_path).status[0] == "failed in epoch 2"
    resumed = fit(splits, K.History(), tmp_path, resume=True)
    assert resumed.folder == folder and len(resumed.history) == 4 and resumed.record["status"] == "finished"


def test_out_of_memory_in_the_first_epoch(splits, tmp_path):
    with pytest.raises(MemoryError, match="try precision='mixed_bfloat16', or a smaller model"):
        fit(splits, RunsOut(2, MemoryError()), tmp_path, batch_size=1)
    assert hb.list_runs(tmp_path).status.tolist() == ["failed in epoch 1"]


def test_errors_of_ones_own_stay_as_they_are(splits):
    with pytest.raises(KeyError, match="mine"):
        fit(splits, RunsOut(2, KeyError("mine")))




def test_out_of_memory_elsewhere(splits, monkeypatch):
    from hackbook.training import lr_finder

    def hungry(*_):
        raise MemoryError("no")

    monkeypatch.setattr(lr_finder, "_test", hungry)
    with pytest.raises(hb.HackbookError, match="memory ran out with batches of 64; try batch_size=32"):
        hb.find_lr(net(), splits)
