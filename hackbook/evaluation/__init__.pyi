"""Scores with intervals, and where a model is wrong."""

from .classification import Evaluation, evaluate
