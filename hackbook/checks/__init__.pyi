"""Checks of data, model and training before a long run."""

from .base import Check
from .influence import only_the_past
from .suite import Preflight, preflight
