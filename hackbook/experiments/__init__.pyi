"""A model under other conditions: with disturbed examples, with less and more data, or beside classics."""

from . import regularization
from .disturbances import DISTURBANCES, Disturbance, disturbances_of
from .degradation_panel import Robustness, RobustnessPanel, robustness   # Robustness with its panel
from .extrapolation import LearningCurve, fit_power_law, power_law
from .data_amount import learning_curve
from .classics import ClassicComparison, boosting, compare_classics, linear
from .pretraining import PretrainingComparison, compare_pretraining
from .regularization import plot_regularization
