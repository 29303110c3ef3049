"""The question: its task, its metric, its deadline, and the baselines to beat."""

from .baselines import BASELINES, class_trials, forecast_trials, linear_classes, number_trials
from .problem import METRICS, TASKS
from .canvas import load_problem
from .proposal import Problem, Proposal   # Problem with its page and proposals
