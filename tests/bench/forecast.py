"""Baselines, classics and our networks on five public series, the last values as test: `python tests/bench/forecast.py [airpassengers …]` shows the first two.

Passengers of international airlines in thousands per month, 1949 to 1960: G. E. P. Box and G. M. Jenkins, Time series analysis (1970), series G.
"""

import sys

import numpy as np
import pandas as pd

PASSENGERS = """
112 118 132 129 121 135 148 148 136 119 104 118 115 126 141 135 125 149 170 170 158 133 114 140
145 150 178 163 172 178 199 199 184 162 146 166 171 180 193 181 183 218 230 242 209 191 172 194
196 196 236 235 229 243 264 272 237 211 180 201 204 188 235 227 234 264 302 293 259 229 203 229
242 233 267 269 270 315 364 347 312 274 237 278 284 277 317 313 318 374 413 405 355 306 271 306
315 301 356 348 355 422 465 467 404 347 305 336 340 318 362 348 363 435 491 505 404 359 310 337
360 342 406 396 420 472 548 559 463 407 362 405 417 391 419 461 472 535 622 606 508 461 390 432
"""


def passengers():
    """AirPassengers as a Dataset."""
    import hackbook as hb

    y = np.array(PASSENGERS.split(), float)
    times = pd.date_range("1949-01-01", periods=len(y), freq="MS").to_numpy()
    return hb.Dataset(pd.DataFrame({"time": times}), y, name="airpassengers", times=times, task="regression")


def series(name):
    """The data, how many last values are the test, and the period (None: the usual one)."""
    import hackbook as hb

    horizon, period = {"airpassengers": (36, None), "co2": (48, None), "elnino": (60, None), "sunspots": (30, 11), "nile": (15, None)}[name]
    data = passengers() if name == "airpassengers" else hb.series.bundled_series(name)
    return hb.series.aggregated(data, "MS") if name == "co2" else data, horizon, period


def classics(name):
    """The scores of the baselines and classics, one row per method."""
    import hackbook as hb

    data, horizon, period = series(name)
    methods = hb.cases.classics(period) | {"theta, whole slope": hb.cases.theta(period, slope=1)}
    return hb.cases.backtest(data, methods, horizon, origins=1, period=period).scores


NAMES = ["airpassengers", "co2", "elnino", "sunspots", "nile"]

# Chosen by validation parts that end before the test; each training run is the same for all its seeds.
RECIPES = {
    "airpassengers": {"windows": {"length": 24, "horizon": 12, "validation": 12}, "rnn": {"units": 16}, "fit": {"epochs": 60}},
    "co2": {"windows": {"length": 120, "horizon": 48, "validation": 48}, "rnn": {"units": 4}, "fit": {"epochs": 20}},
    "elnino": {"windows": {"length": 60, "horizon": 12, "validation": 60}, "rnn": {"units": 32}, "fit": {"epochs": 10}},
    "sunspots": {"windows": {"length": 66, "horizon": 11, "validation": 33}, "rnn": {"units": 8}, "fit": {"epochs": 20}},
    "nile": {"windows": {"length": 20, "horizon": 5, "validation": 15}, "rnn": {"units": 4}, "fit": {"epochs": 20}},
}


def networks(name, seed):
    """Two networks that differ in their seed, as one forecaster."""
    import hackbook as hb

    data, horizon, period = series(name)
    recipe = RECIPES[name]
    cut = recipe["windows"] | ({"period": period} if period else {})
    splits = hb.series.windows(data, test=horizon, **cut)
    runs = []
    for one in (2 * seed, 2 * seed + 1):
        hb.set_seed(one)
        model = hb.models.rnn(splits, **recipe["rnn"])
        runs.append(hb.fit(model, splits, seed=one, to=None, batch_size=32, learning_rate=3e-3, clip_norm=1.0, **recipe["fit"]))
    return hb.cases.network(*runs)


def forecasts(at, seed):
    """MAE of each method on the last values, and the seconds that our two networks train."""
    from time import perf_counter

    import hackbook as hb

    name = NAMES[at]
    data, horizon, period = series(name)
    start = perf_counter()
    ours = networks(name, seed)
    seconds = perf_counter() - start
    methods = {"ours": ours} | (hb.cases.classics(period) if seed == 0 else {})
    found = hb.cases.backtest(data, methods, horizon, origins=1, period=period).scores.mae
    return {"seconds": seconds, "mae": {method: float(mae) for method, mae in found.items()}}


def bench(measure, figure, seeds):
    """Our networks beside the best of the baselines and classics of the same run, on each series."""
    results = {}
    for at, name in enumerate(NAMES):
        each = [measure(forecasts, at, seed) for seed in range(seeds)]
        ours = [one["mae"].pop("ours") for one in each]
        others = each[0]["mae"]
        best = min(others, key=others.get)
        told = ", ".join(f"{method} {mae:.4g}" for method, mae in sorted(others.items(), key=lambda pair: pair[1]))
        seconds = np.median([one["seconds"] for one in each])
        note = (f"mean absolute error of the last {series(name)[1]} values, median of {seeds} pairs of networks ({min(ours):.4g} to {max(ours):.4g}), "
                f"{seconds:.0f} s to train a pair; peer: the best of {told}")
        results[f"forecast.{name}"] = figure(np.median(ours), others[best], "", note)
        print(f"  {name}: ours {np.median(ours):.4g}, {told}", flush=True)
    return results


if __name__ == "__main__":
    for name in sys.argv[1:] or NAMES:
        print(f"{name}\n{classics(name)[['mae', 'mase', 'coverage_80', 'coverage_95', 'seconds', 'note']].round(3).to_string()}\n")
