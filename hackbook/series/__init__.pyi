"""Time series: read them, count their steps, and cut them into windows of what was known and what came after."""

from .reading import bundled_series, find_gaps, read_series, step_places, times_after, usual_period
from .windowing import WindowPlan, Windows, each_series, last_window, naive_forecast, windows
