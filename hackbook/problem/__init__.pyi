"""The question: its task, its metric, its deadline, and the baselines to beat."""

from .baselines import BASELINES
from .metrics import METRICS, Metric, TASKS, Task
from .problem import KINDS, Problem, Proposal, load_problem
