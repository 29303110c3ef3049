"""Score a model with confidence intervals, and show its errors."""

from .scores import score_interval, score_table, tempered, wilson
from .regression import RegressionEvaluation
from .comparison import Comparison, compare_results, mcnemar
from .evaluation import check_evaluate, model_of, opened, predictions
from .calibration import calibrate, evaluate, Evaluation, fit_temperature   # Evaluation with its calibration
from .disturbances import DISTURBANCES, Disturbance, disturbances_of
from .degradation import Robustness, RobustnessPanel, robustness, score_draws
from .data_amount import LearningCurve, fit_power_law, learning_curve, power_law
