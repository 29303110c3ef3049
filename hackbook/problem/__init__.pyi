"""The question: its task, its metric, its deadline, and the baselines to beat."""

from .baselines import BASELINES, linear_classes
from .problem import METRICS, Problem, Proposal, TASKS, load_problem
