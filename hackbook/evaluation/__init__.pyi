"""Score a model with confidence intervals, and show its errors."""

from .scores import score_interval, score_table, tempered, wilson
from .comparison import Comparison, compare_results, mcnemar
from .evaluation import check_evaluate, model_of, opened, predictions
from .calibration import calibrate, fit_temperature
from .slices import Slices, traits
from .thresholds import AbstainCurve, choose_threshold, CostCurve, keep_threshold
from .thresholds import evaluate, Evaluation, RegressionEvaluation   # with the methods of all rooms
