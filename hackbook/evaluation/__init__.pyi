"""Score a model with confidence intervals, and show its errors."""

from .scores import score_interval, score_table, tempered, wilson
from .regression import RegressionEvaluation
from .comparison import Comparison, compare_results, mcnemar
from .evaluation import check_evaluate, model_of, opened, predictions
from .calibration import calibrate, fit_temperature
from .confusion_panel import ConfusionPanel, class_number, evaluate, Evaluation   # Evaluation with all its methods
from .human_scores import HumanResult
from .human_panel import human_baseline, HumanBaseline
