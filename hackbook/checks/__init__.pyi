"""Checks of data, model and training before a long run."""

from .base import Check
from .model import only_the_past
from .suite import Preflight, preflight
