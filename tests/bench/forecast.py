"""The baselines and classics on five public series, the last values as test: `python tests/bench/forecast.py [airpassengers …]`.

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


if __name__ == "__main__":
    for name in sys.argv[1:] or ["airpassengers", "co2", "elnino", "sunspots", "nile"]:
        print(f"{name}\n{classics(name)[['mae', 'mase', 'coverage_80', 'coverage_95', 'seconds', 'note']].round(3).to_string()}\n")
