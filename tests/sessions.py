"""A test double of a Session: the same methods and a real timeline, curves from a formula, every call recorded. No TensorFlow."""

import threading
import time
from math import exp, sin
from types import SimpleNamespace

import numpy as np

from hackbook.live.summary import Timeline
from hackbook.training import TrainingOptions

SLIDERS = {name: SimpleNamespace(name=name, value=value, low=low, high=high, scale=scale, step=step, off=off, whole=False, acts="batch") for name, value, low, high, scale, step, off in [
    ("learning_rate", 0.001, 1e-5, 1.0, "log", 0.1, False), ("dropout", 0.0, 0.0, 0.9, "linear", 0.05, False), ("l1", 0.0, 1e-7, 0.1, "log", 0.1, True),
    ("l2", 0.0, 1e-7, 0.1, "log", 0.1, True), ("clip_norm", 0.0, 0.1, 10.0, "log", 0.1, True), ("label_smoothing", 0.0, 0.0, 0.5, "linear", 0.05, False)]}


class StandIn:
    """What `Panel` needs of a session."""

    def __init__(self, epochs=10, steps=20, pace=0.01, name="main", error_at=None):
        self.sliders, self.steps, self.pace, self.error_at = dict(SLIDERS), steps, pace, error_at
        self.values = {n: c.value for n, c in self.sliders.items()}
        self.timeline = Timeline(steps, epochs, self.values, options=TrainingOptions(schedule="constant"))
        self.timeline.rename("branch 1", name)
        self.status, self.error, self.at, self.speed = "ready", None, 0, None
        self.calls, self.on_change, self.picture, self.viewed = [], None, None, None
        self.stood = {(1, 0): dict(self.values)}  # the sliders at the end of each epoch, by the branch's key
        self.lock, self.wake, self.worker = threading.RLock(), threading.Condition(), None

    def record(self, *call):
        self.calls.append((time.time(), *call))

    @property
    def epochs(self):
        return self.timeline.epochs

    # ---- what the panel calls

    def start(self):
        self.record("start")
        with self.lock:
            if self.status in ("ready", "paused", "stopped", "failed"):
                self.status = "running"
                if self.worker is None or not self.worker.is_alive():
                    self.worker = threading.Thread(target=self.work, daemon=True)
                    self.worker.start()
        self.changed()

    def more(self, epochs):
        self.record("more", epochs)
        with self.lock:
            self.timeline.epochs += epochs
            self.status = "paused"
        self.start()

    def pause(self):
        self.record("pause")
        self.set_status("paused", "running")

    def stop(self):
        self.record("stop")
        self.set_status("stopped", "running", "paused")

    def step(self):
        self.record("step")
        with self.lock:
            self.status = "paused"
            self.batch()
        self.changed()

    def set(self, name, value):
        slider = self.sliders[name]
        if slider.off and value <= 0:
            value = 0.0
        else:
            value = min(max(value, slider.low), slider.high)
            value = float(f"{value:.3g}") if slider.scale == "log" else round(round(value / slider.step) * slider.step, 6)
        with self.lock:
            self.record("set", name, value)
            self.values[name] = value
            if not self.timeline.at:
                self.timeline.change(self.at, name, value)
        self.changed()
        return value

    def set_speed(self, speed):
        self.record("speed", speed)
        self.speed = speed
        self.changed()

    def rewind(self, epoch, branch=None):
        self.record("rewind", epoch, branch)
        with self.lock:
            owner = self.timeline.owner(branch, epoch)
            self.timeline.at = branch or self.timeline.place[0], epoch
            self.at, self.status, self.values = epoch * self.steps, "paused", dict(self.stood[owner.key, epoch])
        self.changed()

    def rename(self, branch, name):
        self.record("rename", branch, name)
        with self.lock:
            self.timeline.rename(branch, name)
        self.changed()

    def delete(self, branch):
        self.record("delete", branch)
        with self.lock:
            self.timeline.delete(branch)
        self.changed()

    def keep(self, branch, to="runs"):
        self.record("keep", branch)
        return SimpleNamespace(folder=f"{to}/{branch}")

    def view(self, name):
        self.record("view", name)
        self.viewed = name
        self.draw()
        self.changed()

    def state(self):
        with self.lock:
            epoch = self.at / self.steps
            return dict(status=self.status, error=self.error, epoch=epoch, epochs=self.epochs, step=self.at % self.steps, steps=self.steps,
                        left=(self.epochs - epoch) * self.steps * self.pace, branch=self.timeline.place[0], branches=self.timeline.outline(),
                        sliders=dict(self.values), metric="accuracy", speed=self.speed, rewound=self.timeline.at is not None, extendable=True)

    def news(self, since):
        with self.lock:
            return self.timeline.news(since)

    def wait(self, timeout=None):
        with self.wake:
            self.wake.wait_for(lambda: self.status in ("finished", "stopped", "failed"), timeout)
        if self.error:
            raise RuntimeError(self.error)

    # ---- the worker

    def set_status(self, to, *when):
        with self.lock:
            if self.status in when:
                self.status = to
        self.changed()

    def changed(self):
        with self.wake:
            self.wake.notify_all()
        if self.on_change:
            self.on_change()

    def work(self):
        while self.status in ("running", "paused"):
            with self.lock:
                if trained := self.status == "running":
                    self.batch()
            if trained:
                self.changed()
            time.sleep(max(self.pace, 1 / self.speed if self.speed else 0))

    def batch(self):
        timeline = self.timeline
        if at := timeline.at:
            branch = timeline.fork(*at, self.stood[timeline.owner(*at).key, at[1]])
            for name, value in self.values.items():
                timeline.change(self.at, name, value)
            self.stood[branch.key, at[1]] = dict(self.values)
        self.at += 1
        if self.at == self.error_at:
            self.status, self.error = "failed", "ValueError: a worker's <b>error</b>"
            timeline.fail()
            return
        t, v = self.at / self.steps, self.values
        end, high = self.at % self.steps == 0, v["learning_rate"] > 0.1
        rate, hold = 0.8 * min(v["learning_rate"] / 0.001, 3) ** 0.5, 2.4 * v["dropout"] + 40 * v["l2"] ** 0.5
        loss = 2.3 * exp(-rate * t) + 0.02 + 0.05 * hold + 0.02 * sin(7 * t)
        over = 0.03 * t / (1 + 4 * hold)
        if high:
            loss *= exp(3 * (t % 1 + 0.2))
        metric, val_loss = max(0.995 - 0.35 * loss, 0.1), loss + over - 0.03 * hold
        val = max(0.99 - 0.35 * val_loss, 0.1)
        timeline.point(t, loss, metric, *((val_loss, val) if end else ()))
        if end:
            timeline.row({"epoch": round(t), "loss": loss, "accuracy": metric, "val_loss": val_loss, "val_accuracy": val})
            self.stood[timeline[None].key, round(t)] = dict(v)
            self.draw()
        if t >= self.epochs:
            self.status = "finished"

    def draw(self):
        rng, kind = np.random.default_rng(self.at), self.viewed
        layers = ["conv2d", "conv2d_1", "conv2d_2", "dense"]
        if kind in ("filters", "activations"):
            y, x = np.mgrid[:5, :5] - 2
            images = [np.clip(128 + 120 * np.sin(x * np.cos(a) + y * np.sin(a) + 0.02 * self.at), 0, 255).astype(int).tolist() for a in np.linspace(0, 6, 16)]
            self.picture = dict(kind=kind, images=images, captions=[str(i) for i in range(16)])
        elif kind == "weights":
            spread = [np.histogram(rng.normal(0, 0.1 * (i + 1), 2000), 30) for i in range(4)]
            self.picture = dict(kind=kind, layers=[dict(name=n, counts=c.tolist(), edges=e.tolist()) for n, (c, e) in zip(layers, spread)])
        elif kind == "gradients":
            self.picture = dict(kind=kind, layers=layers, norms=(10 ** rng.uniform(-3, 0, 4)).tolist())
        elif kind == "predictions":
            from sklearn.datasets import load_digits
            digits = load_digits()
            images, truth = digits.images[:16] * 15.9, digits.target[:16]
            wrong = rng.random(16) < 0.4 / (1 + self.at / self.steps)
            predicted = np.where(wrong, (truth + 3) % 10, truth)
            self.picture = dict(kind=kind, images=images.astype(int).tolist(), truth=[str(t) for t in truth], predicted=[str(p) for p in predicted],
                                probability=rng.uniform(0.5, 1, 16).round(3).tolist())
        else:
            self.picture = None
