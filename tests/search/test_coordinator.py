"""A search spends its time: the real coordinator with a simulated clock, so that nothing here waits or trains."""

import heapq
from itertools import count
from pathlib import Path
from queue import Empty
from types import SimpleNamespace

import numpy as np
import optuna
import pytest

from hackbook.search.coordinator import Search
from hackbook.search.progress import SearchProgress, TimeBudget
from hackbook.search.space import Space
from hackbook.search.study import Study
from hackbook.search.trials import EpochEnd, Outcome, TrialEnd

EPOCHS = 10
optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    for room in ("coordinator", "progress"):
        monkeypatch.setattr(f"hackbook.search.{room}.monotonic", lambda: now[0])
    return now


class Simulated:
    """Workers whose trials only take time: a setting decides how long an epoch takes, and how good its score is."""

    def __init__(self, clock, workers=1, epoch=1.0, slow_start=8.0, compiling=0.0, noise=0.2, seed=0):
        self.names = [f"worker {i}" for i in range(workers)]
        self.clock, self.epoch, self.slow_start, self.compiling, self.noise = clock, epoch, slow_start, compiling, noise
        self.rng, self.order, self.waiting, self.spent = np.random.default_rng(seed), count(), [], []
        self.events = SimpleNamespace(get=self.get)

    def get(self, timeout):
        if not self.waiting or self.waiting[0][0] > self.clock[0] + timeout:
            self.clock[0] += timeout
            raise Empty
        self.clock[0], _, event = heapq.heappop(self.waiting)
        return event

    def put(self, when, event):
        heapq.heappush(self.waiting, (when, next(self.order), event))

    def submit(self, key, job, limit, worker):
        began, ends = self.clock[0], self.clock[0] + limit
        waited = 0.6 + (self.slow_start if not self.spent else 0)
        cost = self.epoch * (0.5 + job.params["size"]) * self.rng.uniform(1 - self.noise, 1 + self.noise)
        self.spent.append(None)
        place, scores = len(self.spent) - 1, []

        def over(status, reason=""):
            self.spent[place] = (key, worker, began, self.clock[0], status)
            outcome = Outcome(status, score=scores[-1] if scores else None, scores=scores, seconds=self.clock[0] - began, reason=reason, worker=worker)
            return TrialEnd(key, outcome)

        def killed():
            self.clock[0] = max(self.clock[0], ends)
            return over("late", "no time was left")

        def train(epoch, seconds):
            if self.clock[0] + seconds > ends:
                return self.put(ends, Late(killed))
            self.put(self.clock[0] + seconds, Late(lambda: end(epoch, seconds)))

        def end(epoch, seconds):
            scores.append(1 - job.params["loss"] / epoch**0.2 + self.rng.normal(0, 0.01))
            return EpochEnd(key, epoch, scores[-1], seconds, lambda go_on: answer(epoch, go_on))

        def answer(epoch, go_on):
            if not go_on or epoch == job.options["epochs"]:
                self.put(self.clock[0] + 0.1, Late(lambda: over("finished" if go_on else "pruned")))
            else:
                train(epoch + 1, cost * self.rng.uniform(1 - self.noise, 1 + self.noise))

        self.clock[0] += waited
        train(1, 3 * cost + self.compiling)
        self.clock[0] -= waited


class Late:
    """An event that is made when its time has come."""

    def __init__(self, make):
        self.make = make


def simulate(clock, budget, pruner="halving", workers=1, finalists=3, seeds=3, epochs=EPOCHS, **how):
    """A search of that many seconds: the Search, and what its workers did."""
    pool = Simulated(clock, workers, **how)
    inner = pool.get
    pool.events.get = lambda timeout: (event := inner(timeout)).make()
    space = Space({"loss": (0.05, 0.5), "size": (0.0, 1.0)})
    prune = optuna.pruners.SuccessiveHalvingPruner(1, 3) if pruner else optuna.pruners.NopPruner()
    asked = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0), pruner=prune)
    asked.set_user_attr("about", {"metric": "val_accuracy", "options": {}, "epochs": epochs, "space": space.record})
    study = Study(asked, space, Path("study.db"))
    time_budget = TimeBudget(budget, epochs, finalists, seeds, began=0.0)
    search = Search(study, {"epochs": epochs}, time_budget, pool, SearchProgress(budget))
    search.loading = SimpleNamespace(ident=1)
    search.run()
    return search, pool


def final_run(search):
    """The seconds of the final training run: as long as a whole trial, and cut off at the end."""
    return min(search.budget.left, search.budget.whole or np.inf)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("pruner", ["halving", None])
@pytest.mark.parametrize("epoch", [0.1, 0.4, 1.0, 2.5])
@pytest.mark.parametrize("budget", [45, 90, 600])
def test_the_time_is_spent(clock, budget, epoch, pruner, workers):
    search, pool = simulate(clock, budget, pruner, workers, epoch=epoch)
    trained = sum(end - began for _, _, began, end, _ in pool.spent) / workers
    assert all(end <= budget for _, _, _, end, _ in pool.spent)
    whole = search.budget.whole / budget
    if workers == 1 or whole < 1 / 6:
        assert trained + final_run(search) >= 0.85 * budget, pool.spent
    if whole < 0.08:  # the final training run is short
        assert trained >= 0.85 * budget, pool.spent


def test_other_processes_keep_the_machine_busy(clock):
    """Every run takes up to twice as long as the one before it."""
    for seed in range(5):
        clock[0] = 0.0
        search, pool = simulate(clock, 90, epoch=0.3, noise=0.6, slow_start=20, seed=seed)
        trained = sum(end - began for _, _, began, end, _ in pool.spent)
        assert trained + final_run(search) >= 0.85 * 90, pool.spent
        assert all(end <= 90 for _, _, _, end, _ in pool.spent)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("slow_start", [0, 8])
@pytest.mark.parametrize("compiling", [3, 14, 20])
def test_a_first_epoch_that_compiles_says_nothing_about_the_next(clock, compiling, slow_start, workers):
    search, pool = simulate(clock, 60, epochs=6, epoch=0.2, compiling=compiling, slow_start=slow_start, workers=workers)
    assert "finished" in [status for *_, status in pool.spent] and all(end <= 60 for _, _, _, end, _ in pool.spent)
    assert search.budget.left >= search.budget.whole  # so that the final training run has time


def test_a_trial_of_one_epoch_is_known_after_it(clock):
    budget = TimeBudget(60.0, 1, began=0.0)
    assert budget.whole == 0 and budget.cut == 45
    budget.first.append(4.0)
    assert budget.whole == 4.5 and budget.cut == pytest.approx(60 - 1.1 * 4.5 - 1)


def test_what_the_time_goes_into(clock):
    search, pool = simulate(clock, 180, epoch=0.4)
    status = {key: status for key, *_, status in pool.spent}
    trials = [status[key] for key in status if isinstance(key, int)]
    assert trials.count("pruned") > trials.count("finished") > 1
    best = search.study.by_score().trial[0]
    repeated = {int(key.split()[1]) for key in status if not isinstance(key, int)}
    assert all(status[f"repeat {trial} {seed}"] == "finished" for trial in repeated for seed in (1, 2, 3))
    assert {best, search.study.best_trial} <= repeated


def test_a_trial_without_time_for_another_epoch_counts_as_pruned(clock):
    search, pool = simulate(clock, 45, None, epoch=2.0)
    table = search.study.frame
    last = table.iloc[-1]
    assert (last.status, last.reason) == ("late", "no time was left") and 0 < last.epochs < EPOCHS
    assert search.study.optuna.trials[-1].state.name == "PRUNED" and last.score == search.study.curves[last.trial][-1]


def test_repeats_that_nobody_wants_leave_their_time_to_trials(clock):
    none, _ = simulate(clock, 90, epoch=0.4, finalists=0)
    clock[0] = 0.0
    all_, pool = simulate(clock, 90, epoch=0.4)
    assert len(none.study.frame) > len(all_.study.frame) and none.study.frame.seeds.sum() == 0 < all_.study.frame.seeds.sum()


# ---- what the planner says


def test_nothing_begins_that_cannot_be_judged_in_time(clock):
    budget = TimeBudget(ends=100.0, epochs=5, finalists=2, seeds=2, began=0.0)
    clock[0] = 10.0
    assert budget.room and budget.cut == 75  # a quarter of the time is kept until an epoch is known
    budget.first, budget.later = [2.0], [1.0]
    assert budget.whole == pytest.approx(6.5) and budget.cut == pytest.approx(100 - 1.1 * 6.5 - 1)
    assert budget.reserved == pytest.approx(4 * 6.5)
    for clock[0] in np.arange(0, 100, 0.5):
        assert budget.room == (clock[0] + 2.5 <= budget.cut - budget.reserved)
        assert budget.room_for_epoch == (clock[0] + 1 <= budget.cut)
        assert budget.runs_that_fit == max(int((budget.cut - clock[0]) / 6.5), 0)


@pytest.mark.parametrize(("moment", "wanted"), [(0, 2 * 98), (500, 2 * 15), (572, 2 * 3), (583, 2 * 1), (590, 0), (700, 0)])
def test_the_runs_that_fit(clock, moment, wanted):
    budget = TimeBudget(ends=600.0, epochs=10, workers=2, first=[1.0], later=[0.5], began=0.0)
    assert budget.whole == pytest.approx(6.0) and budget.reserved == 5 * 6.0  # nine runs on two workers
    clock[0] = moment
    assert budget.runs_that_fit == wanted


def test_the_first_finalist_may_have_some_seeds_the_next_one_needs_all(clock):
    search, pool = simulate(clock, 600, epoch=0.1, finalists=2, seeds=3)
    search.study.optuna.user_attrs.clear()
    first, second = search.study.by_score().trial[:2]
    fresh = {n: [f"repeat {n} {seed}" for seed in (1, 2, 3)] for n in (first, second)}
    search.study = SimpleNamespace(optuna=SimpleNamespace(user_attrs={}), by_score=search.study.by_score)
    for fit, keys in ((0, []), (2, fresh[first][:2]), (5, fresh[first]), (6, fresh[first] + fresh[second])):
        clock[0] = search.budget.cut - (fit + 0.5) * search.budget.whole
        assert search.missing() == keys and search.budget.wanted == len(keys)
