"""What `import hackbook as hb` offers: each name loads its room on first use. Editors read this file too."""

from . import (
    baselines, batches, checkpoint, cli, compile, core, data, deadlines, encode, leakage, metrics, models, prepare,
    present, problem, progress, run, schedules, series, sources, tables, train, web,
)
from .augment import augment, show_augmented
from .core import HackbookError, InvalidValue, NotFound, exercise, label, set_seed, subplots
from .data import Dataset
from .evaluate import Evaluation, evaluate
from .find_lr import LearningRates, find_lr
from .leakage import check_leakage
from .prepare import SealBroken, Splits, split
from .present import Report, report
from .problem import Problem, load_problem
from .run import Run, load_run, runs
from .train import fit
