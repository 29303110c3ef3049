"""A training run with sliders that act while it trains."""

from .timeline import Branch, Timeline
from .sliders import Slider
from .views import draw, VIEWS
from .session import Session
from .panel import Challenge, Panel, SideBySide, reach, save_it, turn_around
from .live import Live
