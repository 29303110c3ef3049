"""A made-up study: real Optuna trials of a formula, with everything that plots and sliders read."""

from math import exp, log10
from types import SimpleNamespace

import numpy as np
import optuna
import pandas as pd

from hackbook.search.space import Space

optuna.logging.set_verbosity(optuna.logging.ERROR)
SPACE = {"learning_rate": (1e-4, 1.0, "log"), "dropout": (0.0, 0.6), "filters": [(8, 16), (16, 32), None], "optimizer": ["sgd", "adam"],
         "momentum": {"in": (0.0, 0.99), "when": {"optimizer": "sgd"}}, "layers": (1, 4), "units": (16, 256, "log"), "batch_size": 64}


def quality(p):
    """A made-up final score, from .1 to .98."""
    tilt = log10(p.get("learning_rate", 0.01)) + (1 + 0.8 * p["momentum"] if p.get("optimizer") == "sgd" else 2)
    cost = 0.04 * tilt**2 + 0.15 * (p.get("dropout", 0.25) - 0.25) ** 2 + {(8, 16): 0.02, (16, 32): 0.005}.get(p.get("filters"), 0)
    return max(0.1, 0.98 - cost - 0.003 * abs(p.get("layers", 2) - 2))


def study_of(n, space=SPACE, seed=0, pruner=None, direction="maximize", score=quality, failing=0.05):
    """A stand-in for a Study after `n` trials of eight epochs each."""
    space, rng, rows, curves = Space(space), np.random.default_rng(seed), [], {}

    def objective(trial):
        params, curve = space.ask(trial), curves.setdefault(trial.number, [])
        rows.append({"trial": trial.number, "reason": "", **params})
        if rng.random() < failing:
            rows[-1]["reason"] = "ran out of memory"
            raise MemoryError
        for epoch in range(8):
            value = score(params) * (1 - 0.5 * exp(-epoch)) + 0.004 * rng.normal()
            curve.append(value if direction == "maximize" else 1 - value)
            trial.report(curve[-1], epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return curve[-1]
    study = optuna.create_study(study_name="made up", direction=direction, sampler=optuna.samplers.TPESampler(seed=seed),
                                pruner=pruner or optuna.pruners.NopPruner())
    study.optimize(objective, n, catch=MemoryError)
    for row, trial in zip(rows, study.trials):
        row["status"] = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}[trial.state.name]
        row["score"], row["epochs"] = (curves[trial.number] or [np.nan])[-1], len(curves[trial.number])
    columns = ["trial", "status", "score", "epochs", "reason", *space.names]
    frame = pd.DataFrame(rows, columns=columns).assign(seconds=1.0, mean=np.nan, spread=np.nan, seeds=0)
    best = space.from_optuna(study.best_params) if (frame.status == "finished").any() else {}
    return SimpleNamespace(frame=frame, curves=curves, metric="val_accuracy" if direction == "maximize" else "val_loss",
                           direction=direction, space=space, optuna=study, best=best)
