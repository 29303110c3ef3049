"""Score a model with confidence intervals, and show its errors."""

from .classification import Evaluation, evaluate, wilson
