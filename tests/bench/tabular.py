"""Our network for tables beside gradient boosting, on tables that scikit-learn brings and two that it can draw."""

import numpy as np


def bundled():
    """Name → Dataset: three bundled tables, and a function of ten numbers with noise, as the housing prices need a download."""
    import pandas as pd
    from sklearn import datasets

    import hackbook as hb

    found = {}
    for name, load in (("breast cancer", datasets.load_breast_cancer), ("wine", datasets.load_wine)):
        b = load(as_frame=True)
        found[name] = hb.Dataset(b.data, np.array(b.target_names)[b.target], name=name)
    b = datasets.load_diabetes(as_frame=True, scaled=False)
    found["diabetes"] = hb.Dataset(b.data, b.target.to_numpy(), task="regression", name="diabetes")
    x, y = datasets.make_friedman1(2000, noise=1.0, random_state=0)
    found["friedman1"] = hb.Dataset(pd.DataFrame(x).rename(columns="x{}".format), y, task="regression", name="friedman1")
    found["houses"] = houses()
    return found


def houses(n=2000):
    """Drawn prices of houses like those of California, from numbers, words, dates and gaps; the formula stands below."""
    import pandas as pd

    import hackbook as hb

    rng = np.random.default_rng(0)
    agents = {f"agent {i}": effect for i, effect in enumerate(rng.normal(0, 20, 40))}
    places = {"inland": 0, "coast": 60, "bay": 90, "island": 140}
    x = pd.DataFrame({
        "income": rng.lognormal(1.2, 0.45, n), "age": rng.uniform(1, 52, n), "rooms": rng.lognormal(1.65, 0.25, n),
        "latitude": rng.uniform(32.5, 42, n), "place": rng.choice(list(places), n, p=[0.5, 0.25, 0.2, 0.05]),
        "agent": rng.choice(list(agents), n), "sold": pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 1460, n), "D")})
    crowded = np.clip(x.age / x.rooms - 5, 0, 10) * x.place.isin(["bay", "coast"])
    season = 25 * np.sin(2 * np.pi * x.sold.dt.dayofyear / 365.25) + 0.04 * (x.sold - x.sold.min()).dt.days
    y = 45 * x.income + 6 * crowded - 8 * (x.latitude - 37) + x.place.map(places) + x.agent.map(agents) + season + rng.normal(0, 30, n)
    for column in ("income", "place", "sold", "rooms"):
        x.loc[rng.random(n) < 0.07, column] = None
    return hb.Dataset(x, y.to_numpy(), task="regression", name="houses")


RECIPE = {"mlp": {}, "fit": {"epochs": 60, "patience": 15, "batch_size": 32}}


def scores(seed):
    """Accuracy or R² on the test part of each table: our network, gradient boosting and a linear model; and seconds of the first two."""
    from time import perf_counter

    import hackbook as hb
    from hackbook.data import METRICS
    from hackbook.experiments import boosting, linear

    found = {}
    for name, data in bundled().items():
        splits = hb.split(data, validation=0.1, test=0.2, seed=seed)
        start = perf_counter()
        hb.set_seed(seed)
        run = hb.fit(hb.models.mlp(splits, **RECIPE["mlp"]), splits, seed=seed, to=None, **RECIPE["fit"])
        seconds = perf_counter() - start
        result = hb.evaluate(run, splits.test, reason="benchmark")
        metric, part = METRICS["accuracy" if data.class_names else "r2"], result.data
        start = perf_counter()
        boosted = boosting(splits, seed).fit(splits.train.x, splits.train.y)
        found[name] = {"seconds": seconds, "boosting_seconds": perf_counter() - start, "ours": float(metric(part.y, result.predicted)),
                       "boosting": float(metric(part.y, boosted.predict(part.x))),
                       "linear": float(metric(part.y, linear(splits).fit(splits.train.x, splits.train.y).predict(part.x)))}
    return found


def bench(measure, figure, seeds):
    """The mean over the tables, which are one figure each in the note; and the table with words, dates and gaps by itself."""
    each = [measure(scores, seed) for seed in range(seeds)]
    mean = {name: {what: float(np.mean([one[name][what] for one in each])) for what in each[0][name]} for name in each[0]}
    plain = {name: m for name, m in mean.items() if name != "houses"}
    whole = {what: float(np.mean([m[what] for m in plain.values()])) for what in ("ours", "boosting", "linear", "seconds", "boosting_seconds")}
    row = lambda m: f"ours {m['ours']:.3f}, boosting {m['boosting']:.3f}, linear {m['linear']:.3f}"
    note = (f"test accuracy or R², mean of {seeds} seeds over {len(plain)} tables; peer: HistGradientBoosting, {whole['boosting_seconds']:.1f} s a table "
            f"against {whole['seconds']:.1f} s; linear model {whole['linear']:.4g}; " + "; ".join(f"{name}: {row(m)}" for name, m in plain.items()))
    drawn = f"R² on 2,000 drawn rows of numbers, words, dates and gaps, mean of {seeds} seeds: {row(mean['houses'])}"
    return {"tables.mean": figure(whole["ours"], whole["boosting"], "", note, more=True),
            "tables.raw": figure(mean["houses"]["ours"], mean["houses"]["boosting"], "", drawn, more=True)}
