"""A test double of a Session: the same methods, curves from a formula, every call recorded. No TensorFlow."""

import threading
import time
from math import exp, sin
from types import SimpleNamespace

import numpy as np

SLIDERS = {name: SimpleNamespace(name=name, value=value, low=low, high=high, scale=scale, step=step, off=off, whole=False, acts="batch") for name, value, low, high, scale, step, off in [
    ("learning_rate", 0.001, 1e-5, 1.0, "log", 0.1, False), ("dropout", 0.0, 0.0, 0.9, "linear", 0.05, False), ("l1", 0.0, 1e-7, 0.1, "log", 0.1, True),
    ("l2", 0.0, 1e-7, 0.1, "log", 0.1, True), ("clip_norm", 0.0, 0.1, 10.0, "log", 0.1, True), ("label_smoothing", 0.0, 0.0, 0.5, "linear", 0.05, False)]}


class StandIn:
    """What `Panel` needs of a session."""

    def __init__(self, epochs=10, steps=20, pace=0.01, name="main", error_at=None):
        self.sliders, self.epochs, self.steps, self.pace, self.error_at = dict(SLIDERS), epochs, steps, pace, error_at
        self.values = {n: c.value for n, c in self.sliders.items()}
        self.status, self.error, self.current, self.at = "ready", None, name, 0
        self.calls, self.entries, self.on_change, self.picture, self.viewed = [], [], None, None, None
        self.branches = {name: dict(name=name, color=0, parent=None, forked_at=0, settings=dict(self.values))}
        self.places, self.stood = {name: 0}, {(name, 0): dict(self.values)}  # the sliders at the end of each epoch
        self.lock, self.wake, self.worker = threading.RLock(), threading.Condition(), None
        self.timeline = SimpleNamespace(recipe='hb.fit(model, splits, epochs=10)  # <b>"plain" code</b>')

    def record(self, *call):
        self.calls.append((time.time(), *call))

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
            self.epochs, self.status = self.epochs + epochs, "paused"
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
            self.values[name] = self.branches[self.current]["settings"][name] = value
            self.entries.append(("marks", [self.current, self.at / self.steps, name, value]))
        self.changed()
        return value

    def rewind(self, epoch, branch=None):
        self.record("rewind", epoch, branch)
        with self.lock:
            parent = branch or self.current
            name = f"branch {len(self.branches)}"
            self.branches[name] = dict(name=name, color=len(self.branches), parent=parent, forked_at=epoch, settings=dict(self.values))
            self.current, self.at, self.status = name, int(epoch * self.steps), "paused"
            self.places[name], self.values = self.at, dict(self.stood.get((parent, epoch), self.values))
            self.stood[name, epoch] = dict(self.values)
        self.changed()

    def rename(self, branch, name):
        self.record("rename", branch, name)
        with self.lock:
            self.branches = {(name if k == branch else k): v for k, v in self.branches.items()}
            self.branches[name]["name"] = name
            self.places[name] = self.places.pop(branch)
            self.stood |= {(name, epoch): v for (b, epoch), v in self.stood.items() if b == branch}
            for b in self.branches.values():
                b["parent"] = name if b["parent"] == branch else b["parent"]
            self.current = name if self.current == branch else self.current
            for _, entry in self.entries:
                if isinstance(entry, list) and entry[0] == branch:
                    entry[0] = name
        self.changed()

    def delete(self, branch):
        self.record("delete", branch)
        with self.lock:
            del self.branches[branch]
            self.entries = [(kind, e if e[0] != branch else None) for kind, e in self.entries] + [("gone", branch)]
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
            best = {n: max((e[5] for k, e in self.entries if k == "points" and e and e[0] == n and e[5] is not None), default=None) for n in self.branches}
            branches = [dict(b, epochs=self.places[n] // self.steps, best=best[n], settings=dict(b["settings"])) for n, b in self.branches.items()]
            return dict(status=self.status, error=self.error, epoch=epoch, epochs=self.epochs, step=self.at % self.steps, steps=self.steps,
                        left=(self.epochs - epoch) * self.steps * self.pace, branch=self.current, branches=branches,
                        sliders=dict(self.values), metric="accuracy")

    def news(self, since):
        with self.lock:
            new = [(k, e) for k, e in self.entries[since:] if e is not None]
            return len(self.entries), {kind: [e if isinstance(e, str) else list(e) for k, e in new if k == kind] for kind in ("points", "marks", "gone")}

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
            time.sleep(self.pace)

    def batch(self):
        self.at += 1
        self.places[self.current] = self.at
        if self.at == self.error_at:
            self.status, self.error = "failed", "ValueError: a worker's <b>error</b>"
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
        self.entries.append(("points", [self.current, t, loss, metric, val_loss if end else None, val if end else None]))
        if end:
            self.stood[self.current, round(t)] = dict(v)
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
