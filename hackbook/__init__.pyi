"""What `import hackbook as hb` offers: each name loads its room on first use. Editors read this file too."""

from . import baselines, cli, core, data, deadlines, encode, lazy, leakage, metrics, models, prepare, present, problem, sources, tables, train, web
from .augment import augment, show_augmented
from .core import HackbookError, InvalidValue, NotFound, exercise, label, set_seed, subplots
from .data import Dataset
from .evaluate import Evaluation, evaluate
from .leakage import check_leakage
from .prepare import SealBroken, Splits, split
from .present import Report, report
from .problem import Problem, load_problem
from .train import Run, fit, load_run
