"""Series from the data to a forecast that is compared: baselines, classics, backtests, calibrated bands."""

from .forecasters import drift, last_value, mean_value, normal_quantiles, period_of, seasonal_naive
from .classic_methods import auto_arima, classics, ets, sarima, theta
from .backtesting import BANDS, ForecastComparison, as_quantiles, cut_points, diebold_mariano
from .conformal_bands import conformal
from .forecast_plots import Backtest, HorizonPanel, backtest, plot_backtest   # with its pictures
from .forecast_plots import plot_calendar, plot_step
from .trading import ShiftedByOne, TradingResult, one_step, shifted_by_one, trading_rule
from .network_forecasts import forecast, network, plan_of
from .generated_weather import hourly_weather
