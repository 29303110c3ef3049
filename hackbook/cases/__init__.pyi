"""Series from the data to a forecast that is compared: baselines, classics, backtests, calibrated bands."""

from .forecasters import aggregated, check_horizon, check_series, drift, each_series, future_times
from .forecasters import last_value, mean_value, normal_quantiles, period_of, regular_values
from .forecasters import seasonal_naive, series_step, steps_ahead, usual_period
from .classics import auto_arima, classics, ets, sarima, theta
from .backtest import Backtest, BANDS, ForecastComparison, as_quantiles, backtest, cut_points
from .backtest import diebold_mariano
from .conformal import conformal, conformal_quantile, LEVELS
from .forecast_plots import HorizonPanel, plot_backtest, plot_calendar, plot_step
from .trading import ShiftedByOne, TradingResult, one_step, shifted_by_one, trading_rule
