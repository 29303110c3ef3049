"""Score a model with confidence intervals, and show its errors."""

from .scores import DRAWN, draw_interval, drawn_f1, drawn_scores, score_draws, score_intervals
from .scores import score_table, unusual_values, wilson, with_examples
from .forecasts import ForecastEvaluation, check_no_windows, forecast_evaluation
from .reconstructions import ErrorRows, ReconstructionEvaluation, error_rows, reconstruction_evaluation, signal_to_noise
from .reconstructions import similarities, WORDS
from .comparison import Comparison, baseline_results, compare_results, mcnemar
from .evaluation import as_rows, check_evaluate, evaluation_of, examples_of, model_of, opened, predictions, RESULTS
from .calibration import calibrate, calibrate_bands, fit_temperature, plan_of, tempered
from .slices import Slices
from .thresholds import AbstainCurve, keep_threshold
from .costs import CostCurve, choose_threshold
from .confusion_panel import ConfusionPanel, class_number
from .confusion_panel import evaluate, Evaluation, RegressionEvaluation   # with the methods of all rooms
from .human_scores import HumanResult
from .human_panel import HumanBaseline, human_baseline
