"""Columns that know the outcome, or what the whole data holds."""

import numpy as np
import pandas as pd
from forms import WHOLE_DATA, Case, column, log_mid, with_noise
from leaky import source
from markets import Market

HORIZON = 60.0
CHANGES = {
    "rounded": lambda y: (y * 1e4).round(),
    "scaled": lambda y: 3.0 - 2000.0 * y,
    "ranked": lambda y: y.rank(pct=True),
    "clipped": lambda y: y.clip(upper=y.quantile(0.9)),
    "sqrt": lambda y: np.sqrt(y.clip(lower=0.0)),
    "flag": lambda y: (y > y.quantile(0.9)).astype(float).where(y.notna()),
}


def outcome(change: str | None = None, *, noise: float = 0.0, part: float = 1.0) -> Case:
    """The outcome itself; `noise` in its standard deviations, known in the first `part` of each
    hour."""
    name = f"y_{change or 'plain'}" + (f"_noise{noise:g}" if noise else "")
    name += f"_part{part:.2g}" if part < 1 else ""

    def known(m: Market) -> pd.Series:
        return CHANGES[change](m.outcome) if change else m.outcome

    def make(m: Market) -> pd.Series:
        found = with_noise(m, name, known, noise)
        hour = m.time_ns % (3600 * 10**9) / 3600e9
        return (
            found if part == 1 else found.where(hour < part, with_noise(m, name, known, 1) - found)
        )

    kind = "outcome in part of the day" if part < 1 else "outcome"
    reach = WHOLE_DATA if change in ("ranked", "clipped", "flag") else HORIZON
    return column(name, kind, reach, make)


def label_part(name: str, *, sign: bool = False) -> Case:
    """up, down; with `sign`, which of them is larger."""

    def make(m: Market) -> pd.Series:
        if sign:
            return np.sign(m.labels["up"] - m.labels["down"])
        return m.labels[name]

    return column("y_sign" if sign else f"y_{name}", "outcome", HORIZON, make)


def other_horizon(seconds: float, target: str) -> Case:
    def make(m: Market) -> pd.Series:
        changed = m.label.model_copy(update={"horizon_seconds": seconds, "target": target})
        return m.outcomes(changed)["alpha_outcome"]

    return column(f"y_{target}_{seconds:g}s", "other horizon", seconds, make)


def mean_outcome(seconds: float, where: str) -> Case:
    """The mean outcome of the rows around, behind (windows that are not over too) or ahead."""

    def make(m: Market) -> pd.Series:
        y = m.outcome
        if where == "ahead":
            back = y[::-1].set_axis(y.index[-1] - y.index[::-1] + pd.Timestamp(0))
            found = back.rolling(f"{seconds:g}s", min_periods=1).mean()
            return pd.Series(found.to_numpy()[::-1], index=y.index)
        return y.rolling(f"{seconds:g}s", center=where == "around", min_periods=1).mean()

    reach = {"around": seconds / 2, "behind": 0.0, "ahead": seconds}[where] + HORIZON
    return column(f"y_mean{seconds:g}_{where}", "mean outcome", reach, make)


def target_encoded(name: str, buckets: int) -> Case:
    """The mean outcome of all rows whose feature is in the same bucket, this row among them."""

    def make(m: Market) -> pd.Series:
        bucket = source(m, name).rank(method="first") // (m.rows / buckets)
        return m.outcome.groupby(bucket).transform("mean")

    return column(f"{name}_encoded{buckets}", "target encoding", WHOLE_DATA, make)


def signed_by_future(name: str, seconds: float) -> Case:
    """A feature's size with the sign of the return to come."""

    def make(m: Market) -> pd.Series:
        ahead = m.at(log_mid(m), seconds) - log_mid(m)
        return source(m, name).abs() * np.sign(ahead)

    return column(f"{name}_signed{seconds:g}", "sign of the future", seconds, make)


def missing_before(name: str, quantile: float) -> Case:
    """A feature that is missing where a large outcome comes, and there alone."""

    def make(m: Market) -> pd.Series:
        large = m.outcome > m.outcome.quantile(quantile)
        return source(m, name).where(~large)

    return column(f"{name}_missing{quantile:g}", "missing before moves", WHOLE_DATA, make)


def whole_data(what: str, name: str) -> Case:
    """A feature by statistics of the whole day: zscore, minmax, demeaned, rank, high, close."""

    def make(m: Market) -> pd.Series:
        x = source(m, name)
        by_what = {
            "zscore": lambda: (x - x.mean()) / x.std(),
            "minmax": lambda: (x - x.min()) / (x.max() - x.min()),
            "demeaned": lambda: x - x.groupby(m.frame.index.floor("D")).transform("mean"),
            "rank": lambda: x.rank(pct=True),
            "high": lambda: x / x.max() - 1,
            "low": lambda: x / x.min() - 1,
            "close": lambda: x / x.iloc[-1] - 1,
        }
        return by_what[what]()

    return column(f"{name}_day_{what}", "whole data", WHOLE_DATA, make)
