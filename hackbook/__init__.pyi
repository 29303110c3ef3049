"""What `import hackbook as hb` offers: each name loads its module on first use. Editors read this file too."""

from . import (
    autoencoders, cases, checks, cli, core, data, deployment, detection, devices, drawings, evaluation, experiments, explanations, features, files, live, models, presentation, problem, quality, search,
    series, speech, testing, training,
)
from .checks import Preflight, preflight
from .core import exercise, HackbookError, InvalidValue, label_axes, NotFound, set_seed, subplots
from .data import augment, Dataset, SealBroken, show_augmented, split, Splits
from .deployment import demo, export, ExportReport
from .evaluation import compare_results, evaluate, Evaluation
from .explanations import embedding_map, explain, Explanation   # Explanation with its check
from .features import compare_features
from .live import Live
from .presentation import Answers, Deck, load_answers, model_card, present, Report, report, submission
from .problem import load_problem, Problem
from .quality import check_leakage, clean, find_label_issues, inspect, load_decisions, relabel, Relabel, save_decisions
from .search import load_study, Space, Study, tune   # Study with its pictures
from .training import compare_runs, find_lr, fit, LearningRates, list_runs, load_run, Run
