"""Score a model with confidence intervals, and show its errors."""

from .scores import score_interval, score_table, wilson
from .classification import Evaluation
from .regression import RegressionEvaluation
from .evaluation import evaluate
from .comparison import Comparison, compare_results, mcnemar
