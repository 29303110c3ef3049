"""Weather from a stated model: what the page says of its parts holds."""

import numpy as np
import pytest

import hackbook as hb


@pytest.fixture(scope="module")
def table():
    return hb.cases.hourly_weather(days=366, stations=3, seed=4)


def test_the_same_seed_gives_the_same_weather(table):
    assert table.equals(hb.cases.hourly_weather(days=366, stations=3, seed=4))
    assert not table.equals(hb.cases.hourly_weather(days=366, stations=3, seed=5))


def test_year_and_day_swing_as_the_model_says(table):
    one = table[table.station == "station 2"]
    monthly = one.groupby(one.hour.dt.month).temperature.mean()
    assert monthly.idxmax() in (6, 7, 8) and monthly.idxmin() in (12, 1, 2)
    hourly = one.groupby(one.hour.dt.hour).temperature.mean()
    assert abs(hourly.idxmax() - 15) <= 1 and abs(hourly.idxmin() - 3) <= 1


def test_clouds_are_fractions_and_forget_half_in_twelve_hours(table):
    assert table.cloud.between(0, 1).all()
    cloud = table[table.station == "station 1"].cloud.clip(0.01, 0.99)
    z = np.log(cloud / (1 - cloud)).to_numpy()
    assert np.corrcoef(z[:-12], z[12:])[0, 1] == pytest.approx(0.5, abs=0.1)


def test_a_csv_of_it_is_read_as_several_series(table, tmp_path):
    table.to_csv(tmp_path / "weather.csv", index=False)
    read = hb.series.read_series(tmp_path / "weather.csv", time="hour", target="temperature", group="station")
    assert len(read) == len(table) and set(read.groups) == set(table.station) and not len(read.rejected)
    splits = hb.series.windows(read, 48, 24, known=["cloud"], stride=24)
    assert splits.train.plan.period == 24 and splits.train.plan.known == ("cloud",)
