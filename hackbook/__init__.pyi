"""What `import hackbook as hb` offers: each name loads its room on first use. Editors read this file too."""

from . import (
    baselines, batches, checkpoint, checks, cli, compile, core, data, deadlines, drills, encode, feature_plots, features,
    findings, finetune, folds, knobs, lazy, leakage, metrics, models, network, prepare, present, problem, progress, regularise,
    run, schedules,
    selection, series, sources, tables, train, web,
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
from .prepare import SealBroken, split, Splits
from .preflight import Preflight, preflight
from .present import Report, report
from .problem import load_problem, Problem
from .relabel import relabel, Relabel
from .run import load_run, Run, runs
from .train import fit
