"""Score a model with confidence intervals, and show its errors."""

from .scores import score_interval, score_table, wilson
from .regression import RegressionEvaluation
from .comparison import Comparison, compare_results, mcnemar
from .evaluation import check_evaluate, model_of, opened, predictions
from .calibration import calibrate, evaluate, Evaluation, fit_temperature, tempered   # Evaluation with its calibration
