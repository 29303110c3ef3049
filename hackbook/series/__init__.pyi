"""Time series: read them, count their steps, and cut them into windows of what was known and what came after."""

from .steps import step_places, times_after, usual_period, usual_steps
from .reading import bundled_series, find_gaps, read_series
from .checks import aggregated, check_horizon, check_series, each_series, future_times, regular_values
from .checks import step_counts, steps_ahead, times_of
from .window_plans import WindowPlan, calendar_columns, calendar_cycles, last_window, naive_forecast
from .windowing import Windows, windows
