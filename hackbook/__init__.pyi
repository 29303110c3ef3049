"""What `import hackbook as hb` offers: each name loads its room on first use. Editors read this file too."""

from . import (
    baselines, batches, chart, checkpoint, checks, cli, compile, controls, core, data, deadlines, drills, encode,
    feature_plots, features, findings, finetune, folds, interpolate, knobs, lazy, leakage, live, looks, loop, metrics, models,
    moves, network, panel, pilot, prepare, present, problem, progress, regularise, run, schedules, selection,
    series, snapshots, sources, space, study, study_plots, tables, timeline, train, trials, web, what_if,
    workers,
)
from .augment import augment, show_augmented
from .clean import clean, load_decisions, save_decisions
from .core import exercise, HackbookError, InvalidValue, label, NotFound, set_seed, subplots
from .data import Dataset
from .doubts import doubts
from .evaluate import evaluate, Evaluation
from .find_lr import find_lr, LearningRates
from .folds import compare
from .inspection import inspect
from .leakage import check_leakage
from .live import Live
from .prepare import SealBroken, split, Splits
from .preflight import Preflight, preflight
from .present import Report, report
from .problem import load_problem, Problem
from .relabel import relabel, Relabel
from .run import load_run, Run, runs
from .space import Space
from .train import fit
from .tune import tune
from .what_if import load_study, Study   # with its pictures
