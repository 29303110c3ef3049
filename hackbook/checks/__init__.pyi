"""Checks of data, model and training before a long run."""

from .base import Check
from .suite import Preflight, preflight
