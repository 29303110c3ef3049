"""A trading rule after costs, and a forecast that is yesterday's price."""

import numpy as np
import pytest

import hackbook as hb
from hackbook import cases

WALK = 100 * np.exp(np.random.default_rng(0).normal(0, 0.01, 301).cumsum())


def test_wealth_computed_step_by_step():
    forecasts = WALK[:-1] * (1 + np.random.default_rng(1).normal(size=300))
    wealth, held = 1.0, False
    for now, after, forecast in zip(WALK, WALK[1:], forecasts):
        wealth *= 1 - 0.002 * ((forecast > now) != held)
        held = forecast > now
        wealth *= after / now if held else 1
    found = cases.trading_rule(WALK, forecasts, cost=0.002)
    assert np.isclose(found.frame.rule.iloc[-1], wealth)
    years = 300 / 252
    assert np.isclose(found.table.per_year["rule"], wealth ** (1 / years) - 1)
    assert "not to be told" in str(found) or "worse" in str(found)


def test_who_knows_the_next_price_gets_rich():
    found = cases.trading_rule(WALK, WALK[1:])
    assert found.table.low["difference"] > 0 and "worth it" in str(found)
    assert cases.shifted_by_one(WALK, WALK[1:]).skill == 1


def test_the_last_value_is_told():
    found = cases.shifted_by_one(WALK, WALK[:-1])
    assert found.with_last > 0.999 and found.skill == 0 and np.isnan(found.direction[0])
    assert found.plot().axes


@pytest.mark.parametrize("prices, forecasts, says", [
    (WALK, WALK, "one more"), (WALK[:3], WALK[:2], "4 or more"), (-WALK, WALK[1:], "> 0"), (WALK * np.nan, WALK[1:], "finite"), (["<b>"] * 5, [1.0] * 4, "finite numbers")])
def test_what_cannot_be_traded(prices, forecasts, says):
    for function in (cases.trading_rule, cases.shifted_by_one):
        with pytest.raises(hb.HackbookError, match=says):
            function(prices, forecasts)


def test_one_step_hands_over_what_a_backtest_forecast():
    data = hb.Dataset(np.zeros((301, 1)), WALK, times=np.arange(301), task="regression")
    found = cases.backtest(data, {"last": cases.last_value}, 1, origins=50)
    prices, forecasts = cases.one_step(found, "last")
    assert np.allclose(prices, WALK[-51:]) and np.allclose(forecasts, prices[:-1])
    with pytest.raises(hb.HackbookError, match="horizon=1"):
        cases.one_step(cases.backtest(data, {"last": cases.last_value}, 1, origins=5, gap=1), "last")
