"""A model under other conditions: with disturbed examples, or with less and more data."""

from .disturbances import DISTURBANCES, Disturbance, disturbances_of
from .degradation import Robustness, RobustnessPanel, robustness
from .data_amount import LearningCurve, fit_power_law, learning_curve, power_law
