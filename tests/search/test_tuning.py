"""tune: nothing is lost, whatever is killed; wrong arguments are refused; and the same on a cluster of real processes."""

import json
import os
import platform
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial

import optuna
import psutil
import pytest
from conftest import ROOT

import hackbook as hb
from hackbook.search.space import Space
from hackbook.search.storage import join, open_study, release
from hackbook.search.study import Study, load_study
from hackbook.search.trials import Outcome, build_model, training_options
from hackbook.search.tuning import tune
from hackbook.testing import until

SPACE = {"width": [4, 6, 8], "learning_rate": (1e-3, 0.1, "log")}
SCRIPT = """
import hackbook as hb
from hackbook.search.tuning import tune

def build(params):
    from keras import Input, Sequential, layers

    return Sequential([Input((8, 8)), layers.Rescaling(1 / 16), layers.Flatten(), layers.Dense(8 * params["width"], "relu"), layers.Dense(10, "softmax")])

splits = hb.split(hb.data.digits().take(range(500)))
study = tune(build, splits, {{"width": [4, 6, 8], "learning_rate": (1e-3, 0.1, "log")}}, to="study.db", runs=None, **{options!r})
print(study.frame.status.tolist())
"""  # not under `if __name__ == "__main__"`: the processes of its trials do not run it again


@pytest.fixture(scope="module")
def splits():
    return hb.split(hb.data.digits().take(range(500)))


@pytest.fixture(autouse=True)
def nothing_is_left():
    """No process of a trial or a worker outlives its test."""
    before = psutil.Process().children(recursive=True)
    yield
    new = [p for p in psutil.Process().children(recursive=True) if p not in before and not named(p, "resource_tracker", "forkserver")]
    assert psutil.wait_procs(new, 10)[1] == []


class Watched(hb.Splits):
    """Splits that count how often they are packed to be sent."""

    sent = 0

    def __getstate__(self):
        Watched.sent += 1
        return self.__dict__


def named(process, *words):
    try:
        return any(word in " ".join(process.cmdline()) for word in words)
    except psutil.Error:  # it has just gone
        return True


def family(splits, width=4, fails=()):
    if width in fails:
        raise ValueError(f"{width} is too wide")
    from keras import Input, Sequential, layers

    return Sequential([Input((8, 8)), layers.Rescaling(1 / 16), layers.Flatten(), layers.Dense(8 * width, "relu"), layers.Dense(10, "softmax")])


def search(splits, to, **options):
    return tune(options.pop("build", family), splits, options.pop("space", SPACE), **{"to": to, "runs": None, "epochs": 2, "budget": 4, "finalists": 0, **options})


until = partial(until, seconds=240, pause=0.2)


@pytest.fixture
def script(tmp_path):
    """The search as a program of its own, in a session of its own."""
    begun = []

    def begin(**options):
        (tmp_path / "search.py").write_text(SCRIPT.format(options=options))
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
        begun.append(subprocess.Popen([sys.executable, "search.py"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def ask(folder, query):
    """Rows of the study's file, while somebody else writes it."""
    if not (folder / "study.db").exists():
        return []
    with closing(sqlite3.connect(folder / "study.db", timeout=60)) as there:
        return there.execute(query).fetchall()


def finished(folder):
    return ask(folder, "SELECT number FROM trials WHERE state IN ('COMPLETE', 'PRUNED')")


# ---- nothing is lost


def test_killed_and_begun_again(tmp_path, script):
    options = {"budget": 6, "epochs": 2, "finalists": 1, "seeds": 1, "workers": 2}
    first = script(**options)
    until(lambda: len(finished(tmp_path)) >= 2)
    family_of = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.communicate()
    gone, alive = psutil.wait_procs(family_of, 15)
    assert alive == [], "orphans"
    before = load_study(tmp_path / "study.db").frame
    done = before[before.status.isin(["finished", "pruned"])]
    assert 2 <= len(done) < 6

    shown, errors = script(**options).communicate(timeout=200)
    assert "Traceback" not in errors, errors
    after = load_study(tmp_path / "study.db").frame
    kept = after[after.trial.isin(done.trial)]
    assert kept.drop(columns=["mean", "spread", "seeds"]).equals(done.drop(columns=["mean", "spread", "seeds"]))
    counted = after[after.status.isin(["finished", "pruned", "diverged"])]
    assert len(counted) == 6 and "running" not in after.status.tolist()
    broken_off = after[after.reason == "its process ended before the trial did"]
    for row in broken_off.dropna(subset="learning_rate").itertuples():  # what was under way is tried again
        assert ((counted.width == row.width) & (counted.learning_rate == row.learning_rate)).sum() == 1
    assert len(counted[["width", "learning_rate"]].drop_duplicates()) == 6


KILLED = """
import os
from hackbook.search.storage import join, open_study

study = open_study({file!r}, {{}}, "maximize")
join(study)
study.ask()
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("name", ["study.db", "study.log"])
@pytest.mark.parametrize("another", [False, True])
def test_a_process_killed_before_it_could_write_its_name(tmp_path, name, another):
    file = str(tmp_path / name)
    subprocess.run([sys.executable, "-c", KILLED.format(file=file)], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    study = open_study(file, {}, "maximize")
    assert join(study) == 1
    if another:  # one that is alive may be about to write its name
        parent = psutil.Process().parent()
        study.set_user_attr(f"joined 0 {platform.node()} {parent.pid} {parent.create_time():.0f}", True)
    assert release(study) == (0 if another else 1)


def test_an_interrupt_keeps_what_is_there(tmp_path, script):
    running = script(budget=50, epochs=2000, finalists=0)
    until(lambda: ask(tmp_path, "SELECT * FROM trial_intermediate_values"))
    os.killpg(running.pid, signal.SIGINT)  # as Jupyter interrupts a kernel, with all that it started
    shown, errors = running.communicate(timeout=60)
    assert running.returncode == 0 and "Traceback" not in errors, errors
    assert shown == "['interrupted']\n"
    study = load_study(tmp_path / "study.db")
    (waiting,) = study.optuna.get_trials(states=[optuna.trial.TrialState.WAITING])
    assert waiting.system_attrs["fixed_params"] == study.optuna.trials[0].params != {}


def test_two_at_once_on_one_study(tmp_path, script):
    options = {"budget": 6, "epochs": 1, "finalists": 0, "method": "random"}
    both = [script(**options) for _ in range(2)]
    for process in both:
        shown, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    table = load_study(tmp_path / "study.db").frame
    assert 6 <= len(table) <= 7 and set(table.status) <= {"finished", "pruned"}
    assert len(table.learning_rate.unique()) == len(table)  # they do not try the same
    owners = {t.user_attrs["owner"] for t in load_study(tmp_path / "study.db").optuna.trials}
    assert len(owners) == 2


def test_twelve_trials_take_no_more_memory_than_four(tmp_path, splits):
    from hackbook.search import workers

    seen, original = {}, workers.Workers.submit

    def submit(self, number, *args):  # what a single trial holds ends with its process: only what outlives it can grow
        if number in (4, 11):
            alive = [psutil.Process(), *psutil.Process().children(recursive=True)]
            seen[number] = {p.pid: p.memory_info().rss / 1e6 for p in alive if p.is_running()}
        return original(self, number, *args)

    watched = Watched(splits.train, splits.validation, splits.test)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers.Workers, "submit", submit)
        study = search(watched, tmp_path / "study.db", budget=12, epochs=1, workers=2)
    assert len(study.frame) == 12
    first, last = seen[4], seen[11]
    assert os.getpid() in first and len(last) <= len(first) + 1  # a trial that is just beginning, or ending
    assert sum(last[pid] - first[pid] for pid in first.keys() & last.keys()) < 12, seen
    assert Watched.sent == 1  # the data is written once, not once per trial


# ---- what fails


def test_settings_that_fail_are_recorded(tmp_path, splits):
    def some(splits, width=4):
        return family(splits, width, fails=(6,))

    study = search(splits, tmp_path / "study.db", build=some, space={"width": [4, 6, 8]}, method="grid", budget="5 min")
    table = study.frame.set_index("width")
    assert table.status.to_dict() == {4: "finished", 6: "failed", 8: table.status[8]} and table.status[8] in ("finished", "pruned")
    assert table.reason[6].startswith("ValueError: 6 is too wide")
    assert len(study.run.history) == 2


def test_a_search_of_two_trials_that_fail_says_why(tmp_path, splits):
    def build(params):
        raise MemoryError("3 TB")

    with pytest.raises(hb.core.HackbookError, match="all 2 trials failed; the first one: out of memory: MemoryError: 3 TB"):
        search(splits, tmp_path / "study.db", build=build, budget=2)


def test_a_process_that_waits_runs_the_next_trial_as_a_fresh_one_would(splits, monkeypatch):
    """As on a GPU, where the start of a process costs more than a trial."""
    from hackbook.devices import Card
    from hackbook.search import trials
    from hackbook.search.trials import Job, run_trial, TrialEnd
    from hackbook.search.workers import Workers

    def build(params):
        if params.get("fails"):
            raise ValueError(str(os.getpid()))
        hb.set_seed(params["width"])
        return family(splits, params["width"])

    def outcome(workers, **params):
        workers.submit(0, Job(build, {"width": 4} | params, None, {"epochs": 2}))
        while not isinstance(event := workers.events.get(timeout=120), TrialEnd):
            event.answer(True)
        return event.outcome

    def waiting(workers):
        return workers.spares["worker 1"].process and workers.spares["worker 1"].process.process

    monkeypatch.setattr(trials, "pays_to_keep", lambda start, training: True)
    with Workers(splits, 1, cards=[Card("a card", 10**11, 10**11, "570")]) as workers:
        first, process = outcome(workers), waiting(workers)
        assert first.status == "finished" and process.is_alive()
        again = outcome(workers)
        assert waiting(workers) is process and again.scores == first.scores
        failed = outcome(workers, fails=True)
        assert failed.reason.startswith(f"ValueError: {process.pid}") and not process.is_alive() and waiting(workers) is None
        last = outcome(workers)
        assert last.scores == first.scores and (fresh := waiting(workers)).is_alive()
    assert not fresh.is_alive()
    assert run_trial(Job(build, {"width": 4}, splits, {"epochs": 2})).scores == first.scores
    with Workers(splits, 1) as workers:
        assert workers.spares == {}  # on a processor each trial has a fresh one


def test_a_search_in_which_all_fail_stops_early(tmp_path, splits):
    def all_fail(splits, width=4):
        return family(splits, width, fails=(4, 6, 8))

    with pytest.raises(hb.HackbookError, match=r"the first 3 trials all failed, so the search was stopped; the first one: ValueError: \d is too wide"):
        search(splits, tmp_path / "study.db", build=all_fail, budget=30)
    assert len(load_study(tmp_path / "study.db").frame) == 3


FULL = """
import resource, hackbook as hb
from hackbook.search.coordinator import Search
from hackbook.search.tuning import tune

def fill(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))  # as a disk that is full: no file grows beyond

def family(splits, width=4): return hb.models.cnn(splits, filters=(width,))

if {before}:
    fill(100)
original = Search.run_over
def run_over(self, event):
    fill(20_000)
    original(self, event)
Search.run_over = run_over
tune(family, hb.split(hb.data.digits().take(range(500))), {{"width": [4, 6]}}, 5, to="study.{kind}", runs=None, epochs=1)
"""


@pytest.mark.parametrize(("before", "kind"), [(True, "db"), (False, "db"), (True, "log")])
def test_no_space_on_the_disk(tmp_path, before, kind):
    (tmp_path / "full.py").write_text(FULL.format(before=before, kind=kind))
    shown = subprocess.run([sys.executable, "full.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=240)
    last = shown.stderr.strip().splitlines()[-1]
    assert shown.returncode == 1 and last.startswith("hackbook.core.errors.") and "free some space" in last, shown.stderr


@pytest.mark.parametrize(("wrong", "says"), [
    ({"space": {}}, "space must be a dict with a name or more"),
    ({"space": {"width": (8, 4)}}, "a range with low < high"),
    ({"space": {"learning_rate": (0.0, 0.1, "log")}}, "above 0 at both ends"),
    ({"space": {"depth": (1, 4)}}, "a name in the space must be one that family or hb.fit takes: width"),
    ({"space": {"width": [4, 6], "epochs": (2, 9)}}, "epochs is an argument of tune"),
    ({"method": "magic"}, "method must be one of tpe, random, cma-es, grid, got 'magic'"),
    ({"method": "grid"}, "a grid needs a list of values"),
    ({"pruner": "shears"}, "pruner must be one of halving, hyperband, None"),
    ({"budget": 0}, "budget must be a number of trials, 1 or more"),
    ({"budget": "0 min"}, "budget must be like .*got '0 min'"),
    ({"budget": "yesterday"}, "budget must be like"),
    ({"metric": "beauty"}, "metric must be val_accuracy or val_loss"),
    ({"epochs": 0}, "epochs must be a whole number, 1 or more"),
    ({"threads": -1}, "threads must be a whole number, 1 or more"),
    ({"threads": 0}, "threads must be a whole number, 1 or more"),
    ({"workers": 0}, "workers must be a whole number, 1 or more"),
    ({"workers": True}, "workers must be a whole number, 1 or more, got True"),
    ({"epochs": True}, "epochs must be a whole number, 1 or more, got True"),
    ({"finalists": False}, "finalists must be a whole number, 0 or more, got False"),
    ({"seeds": True}, "seeds must be a whole number, 1 or more, got True"),
    ({"color": "red"}, "an option must be one of hb.fit's"),
    ({"clip": 1.0}, "an option must be one of hb.fit's: .*clip is called clip_norm"),
    ({"optimizer": object()}, "an option must be text, numbers, lists or dicts of them, got .*optimizer.*compiled=True"),
    ({"space": {"clip": (0.1, 1.0)}}, "another than an old name of hb.fit's options, .*clip is called clip_norm"),
    ({"build": 3}, "build must be a function that returns a keras.Model"),
    ({"build": lambda params: None, "space": None}, "one of the families"),
    ({"to": "study.txt"}, "to must be a file named .db"),
])
def test_bad_input_is_refused_before_anything_starts(tmp_path, splits, wrong, says):
    to = tmp_path / wrong.pop("to", "study.db")
    with pytest.raises(hb.InvalidValue, match=says.replace("(", r"\(")):
        search(splits, to, **wrong)
    assert not list(tmp_path.iterdir())


def test_the_file_of_another_study(tmp_path, splits):
    balanced = {"class_weight": dict.fromkeys(splits.class_names, 1.0)}
    for _ in range(2):  # the same again, with options that JSON writes another way, goes on
        study = search(splits, tmp_path / "study.db", budget=1, epochs=1, **balanced)
    assert len(study.frame) == 1
    for other, says in (({"epochs": 3}, "another epochs"), ({"metric": "val_loss"}, "another metric"), ({"space": {"width": [2, 4]}}, "another space")):
        with pytest.raises(hb.InvalidValue, match=f"{says} .*give another file"):
            search(splits, tmp_path / "study.db", **{"epochs": 1, **balanced} | other)
    with pytest.raises(hb.InvalidValue, match="another data"):
        search(hb.split(hb.data.digits().take(range(400))), tmp_path / "study.db", epochs=1, **balanced)
    optuna.create_study(storage=f"sqlite:///{tmp_path / 'foreign.db'}", study_name="mine")
    with pytest.raises(hb.InvalidValue, match="must be a study of hackbook, got 'a file with mine'"):
        search(splits, tmp_path / "foreign.db")


@pytest.mark.parametrize("folder", ["why?", "a%20b#c", "50% {x} &"])
def test_a_path_may_hold_what_a_url_may_not(tmp_path, folder):
    file = tmp_path / folder / "study?.db"
    open_study(file, {"space": Space(SPACE).record}, "maximize").set_user_attr("mine", 1)
    assert load_study(file).optuna.user_attrs["mine"] == 1
    assert [p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file()] == [file.relative_to(tmp_path)]


@pytest.mark.parametrize("name", ["study.db", "study.log"])
def test_options_saved_under_old_names_are_the_same_study(tmp_path, name):
    file, about = tmp_path / name, {"metric": "val_accuracy", "space": Space(SPACE).record, "epochs": 2}
    open_study(file, about | {"options": {"clip": 1.0}}, "maximize")
    assert load_study(file).options == {"clip_norm": 1.0}
    open_study(file, about | {"options": {"clip_norm": 1.0}}, "maximize")
    with pytest.raises(hb.InvalidValue, match="another options"):
        open_study(file, about | {"options": {"clip_norm": 2.0}}, "maximize")


def test_an_old_name_in_a_setting_is_the_new_one(splits):
    assert training_options({"clip": 1.0, "width": 4}) == {"clip_norm": 1.0}
    assert build_model(family, splits, {"clip": 1.0, "width": 4}).count_params() == family(splits, 4).count_params()


def test_a_familys_own_parameter_may_have_an_old_name(splits):
    def own(splits, rates=4):
        return family(splits, rates)

    assert training_options({"rates": 6}) == {}
    assert build_model(own, splits, {"rates": 6, "clip": 1.0}).count_params() == family(splits, 6).count_params()


# ---- what comes out


def test_the_winner_is_chosen_by_fresh_seeds(tmp_path, splits):
    study = search(splits, tmp_path / "study.db", budget=4, finalists=2, seeds=2, pruner=None, runs=tmp_path / "runs")
    table = study.frame
    assert table.seeds.tolist().count(2) == 2 and set(table.nlargest(2, "score", "all").trial) >= set(table[table.seeds == 2].trial)
    assert study.best_trial == table.loc[table["mean"].idxmax(), "trial"]
    repeated = study.runs.query("purpose == 'repeat'")
    assert sorted(repeated.seed) == [1, 1, 2, 2] and (study.runs.query("purpose == 'search'").seed == 0).all()
    assert study.run.record["parameters"]["seed"] == 3 and (study.run.folder / "model.keras").is_file()
    assert load_study(tmp_path / "study.db").fresh_seed() == 4     # the final run has had seed 3
    assert study.retrain(epochs=1, to=None).record["parameters"]["seed"] == 4 and study.fresh_seed() == 5
    plain = optuna.load_study(study_name="hackbook", storage=f"sqlite:///{tmp_path / 'study.db'}")  # as other tools read the file
    assert plain.best_value == table.score.max() and len(plain.trials) == 4
    # a trial is what hb.fit does with the same seed
    best = study.frame.set_index("trial").loc[study.best_trial]
    hb.set_seed(0)
    run = hb.fit(family(splits, int(best.width)), splits, epochs=2, learning_rate=best.learning_rate, to=None)
    assert run.history.val_accuracy.iloc[-1] == pytest.approx(best.score, abs=0.03)


@pytest.mark.parametrize("direction, scores", [("maximize", [0.9, 0.8, 0.95, 0.7, 0.6]), ("minimize", [0.1, 0.2, 0.05, 0.3, 0.4])])
def test_a_setting_that_diverges_with_fresh_seeds_does_not_win(tmp_path, direction, scores):
    """One seed of 0.99 and two that diverged are no mean of 0.99."""
    space = Space({"width": [1, 2, 3, 4, 5]})
    study = Study(open_study(tmp_path / "study.db", {"space": space.record, "metric": "val_loss"}, direction), space, tmp_path / "study.db")
    for score in scores:
        trial = study.optuna.ask()
        space.ask(trial)
        study.optuna.tell(trial, score)
    best = 0.99 if direction == "maximize" else 0.01
    fresh = {0: [best, None, None], 1: [0.5, 0.5, 0.5], 2: [None, None, None], 3: [best, best, None]}
    for trial, outcomes in fresh.items():
        for seed, score in enumerate(outcomes, 1):
            outcome = Outcome("diverged" if score is None else "finished", score, [], seed=seed)
            study.optuna.set_user_attr(f"repeat {trial} {seed}", vars(outcome))
    assert study.ranked().trial.tolist() == [1, 3, 0, 4, 2] and study.best_trial == 1
    assert study.frame.diverged.tolist() == [2, 0, 3, 1, 0] and study.frame.seeds.tolist() == [1, 3, 0, 2, 0]


def test_the_other_methods_search(tmp_path, splits):
    space = {"learning_rate": (1e-3, 0.1, "log"), "dropout": (0.0, 0.5)}
    study = search(splits, tmp_path / "study.log", build=hb.models.cnn, space=space, method="cma-es", pruner="hyperband", budget=4, epochs=3)
    assert len(study.frame) == 4 and study.frame.learning_rate.between(1e-3, 0.1).all() and len(study.frame.learning_rate.unique()) == 4


# ---- on a cluster


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers as processes of their own on 127.0.0.1: its address, and the workers."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [ROOT, ROOT / "tests", ROOT / "tests/search"]))}
    dask = lambda *words: subprocess.Popen([sys.executable, "-m", "dask", *words], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    there = tmp_path / "scheduler.json"
    processes = [dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(there))]
    try:
        until(there.exists)
        address = until(lambda: there.stat().st_size and json.loads(there.read_text()))["address"]
        processes += [dask("worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--no-nanny") for _ in range(2)]
        yield address, processes[1:]
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def test_a_cluster_without_workers(tmp_path, splits):
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as none, Client(none, set_as_default=False) as client:
        with pytest.raises(hb.HackbookError, match="the cluster has no worker; start one: dask worker"):
            search(splits, tmp_path / "study.db", client=client)


def test_a_worker_dies_in_the_middle_of_a_trial(tmp_path, splits, cluster):
    from distributed import Client
    from hackbook.search.coordinator import Search

    address, there = cluster
    killed, epoch_over = [], Search.epoch_over

    def answer_and_kill(self, event):
        epoch_over(self, event)
        if not killed and event.key == 1:
            at = int(self.workers.busy[event.key][0].rsplit(":", 1)[1])
            victim = next(p for p in there if any(c.laddr.port == at for c in psutil.Process(p.pid).net_connections() if c.status == "LISTEN"))
            victim.kill()
            killed.append(event.key)

    with Client(address, set_as_default=False) as client, pytest.MonkeyPatch.context() as patch:
        client.wait_for_workers(2)
        patch.setattr(Search, "epoch_over", answer_and_kill)
        study = search(splits, tmp_path / "study.db", client=client, budget=4, epochs=8, pruner=None)
        assert killed == [1] and len(client.nthreads()) == 1
    table = study.frame
    assert table.status.tolist() == ["finished"] * 4 and table.epochs.tolist() == [8] * 4, table
    assert study.runs.worker[1] == study.runs.worker[3]  # the one that is left


# ---- the time budget


def test_a_budget_too_short_for_a_trial_trains_the_setting_that_got_furthest(tmp_path, splits, monkeypatch):
    from hackbook.search import tuning

    told, plain = [], tuning._too_short
    monkeypatch.setattr(tuning, "_too_short", lambda *known: told.append(plain(*known)) or told[0])
    study = search(splits, tmp_path / "study.db", epochs=1_000_000, budget="12 s", pruner=None)
    assert set(study.frame.status) == {"late"} and not len(study.ranked())
    assert study.run.record["status"] == "stopped by the budget" and len(study.run.history)
    assert study.run.record["parameters"]["learning_rate"] == study.setting(0)["learning_rate"]
    with pytest.raises(hb.core.HackbookError, match="no trial is finished yet"):
        study.best  # noqa: B018
    assert re.fullmatch(r"done, but no trial was finished in time: one takes about .+, so a search needs .+ or more", told[0])


def test_a_budget_that_is_over_before_anything_begins_trains_the_first_setting(tmp_path, splits):
    study = search(splits, tmp_path / "study.db", budget="0.01 s")
    assert study.frame.status.tolist() == ["late"] and len(study.run.history)
    assert study.run.record["parameters"]["learning_rate"] == study.setting(0)["learning_rate"]
    again = search(splits, tmp_path / "study.db", budget="0.01 s")  # continued: one has begun, and is trained again
    assert len(again.frame) == 1 and len(again.run.history)
