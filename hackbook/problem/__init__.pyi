"""The question: its task, its metric, its deadline, and the baselines to beat."""

from .baselines import BASELINES, linear_classes
from .problem import METRICS, TASKS
from .canvas import load_problem
from .proposal import Problem, Proposal   # Problem with its page and proposals
