"""A training run with sliders that act while it trains."""

from .timeline import Branch
from .summary import Timeline
from .sliders import Slider
from .views import VIEWS
from .view_pictures import draw
from .session import Session
from .challenges import Challenge, reach, save_it, turn_around
from .panel import Panel, SideBySide
from .replays import Replay, replay
from .live import Live
