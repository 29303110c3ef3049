"""Score a model with confidence intervals, and show its errors."""

from .scores import DRAWN, drawn_f1, drawn_scores, score_intervals, score_table, tempered, wilson
from .regression import RegressionEvaluation
from .comparison import Comparison, baseline_results, compare_results, mcnemar
from .evaluation import check_evaluate, model_of, opened, predictions
from .calibration import calibrate, evaluate, Evaluation, fit_temperature   # Evaluation with its calibration
