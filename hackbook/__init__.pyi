"""What `import hackbook as hb` offers: each name loads its room on first use. Editors read this file too."""

from . import cli, core, data, models, prepare, present, problem, train
from .core import HackbookError, InvalidValue, NotFound, exercise, label, set_seed, subplots
from .data import Dataset
from .evaluate import Evaluation, evaluate
from .prepare import Splits, split
from .present import Report, report
from .problem import Problem, load_problem
from .train import Run, fit, load_run
