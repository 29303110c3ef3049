"""Our network for tables beside gradient boosting, on tables that scikit-learn brings and two that it can draw."""

import numpy as np


def as_split(data, seed):
    """70 % to learn from, 10 % to stop by, 20 % to ask once."""
    import hackbook as hb

    return hb.split(data, validation=0.1, test=0.2, seed=seed)


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
