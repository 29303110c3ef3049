"""The question: its task, its metric, its deadline, and the baselines to beat."""

from .metrics import METRICS, Metric, TASKS, Task
from .baselines import BASELINES, linear_classes
from .problem import KINDS, Problem, Proposal, load_problem
