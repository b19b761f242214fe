"""Features that are made of their own day's high, low, mean or close, which nobody knows before the
day ends."""

import numpy as np
import pandas as pd

from alpha.audit.findings import Finding
from alpha.audit.sample import Sample
from alpha.data.features import FeatureFolder, Quotes

_DAY_NS, _EVER = 86_400 * 10**9, 106_751  # days that int64 ns can say
_CURE = "Use the figure so far, or of the day before."
_FIGURES = {"max": "high", "min": "low", "mean": "mean", "last": "close"}
# How what files say of the same day becomes one.
_TOGETHER = {name: name for name in ("first", "max", "min", "last")}
_TOGETHER |= dict.fromkeys(("count", "sum", "log"), "sum")
# A line in a price is nowhere farther from a feature than this, in its deviations, and crosses zero
# so near a figure, in deviations of the price. High and low so far are farther until they are the
# day's. Fewer rows say nothing.
_EXACT, _NEAR, _ROWS = 2e-3, 5e-4, 500


def check(folder: FeatureFolder, sample: Sample) -> list[Finding]:
    """A leak for each feature that, on every UTC day of the sample or over all of them, is a line
    in the mid, or in its logarithm, that crosses zero at such a figure, and not at the open."""
    files = pd.concat(_sums(folder.quotes(file)[0]) for file in folder.files)
    now_ns = folder.first_ns + (np.nan_to_num(sample.seconds, nan=-1e9) * 1e9).astype(np.int64)
    found: dict[str, Finding] = {}
    for length, time in ((1, "its day"), (_EVER, "all days")):
        day_of = now_ns // (length * _DAY_NS)
        sums = files.groupby(files.index // length).agg(_TOGETHER)
        of_mid = sums.assign(mean=sums["sum"] / sums["count"])[["first", *_FIGURES]]
        of_log = of_mid.apply(np.log).assign(mean=sums["log"] / sums["count"])
        for by_day, price in ((of_mid, sample.mid), (of_log, np.log(sample.mid))):
            at = [
                _at(sample.features[:, rows], price[rows], by_day.loc[day].to_numpy())
                for day in by_day.index
                if np.sum(rows := day_of == day) >= _ROWS
            ]
            each = np.stack(at or [np.zeros((len(sample.names), len(_FIGURES)))])
            # By day: 1 at the figure, 0 not, NaN where nothing can be said.
            always = np.nanmin(each, axis=0, initial=2.0)
            for number, figure in np.argwhere(always == 1):
                name, what = sample.names[number], [*_FIGURES.values()][figure]
                text = f"{name} is made of the mid and the {what} of {time}: at it, it is 0."
                one = Finding("day_figure", "leak", "features", text, _CURE, [name])
                found.setdefault(name, one)
    return list(found.values())


def _sums(quotes: Quotes) -> pd.DataFrame:
    """By UTC day what a file's mids are, and the sum of their logarithms."""
    mid = pd.Series((quotes.bid + quotes.ask) / 2).where(lambda price: price > 0)
    by_day = pd.DataFrame({"mid": mid, "log": np.log(mid)}).groupby(quotes.time_ns // _DAY_NS)
    found = by_day["mid"].agg(["first", "max", "min", "last", "count", "sum"])
    return found.assign(log=by_day["log"].sum())


def _at(x: np.ndarray, price: np.ndarray, figures: np.ndarray) -> np.ndarray:
    """(features, figures but the first): 1 where the line in price (rows,) that x (features, rows)
    is crosses zero at a figure, 0 where it is none or elsewhere, NaN where that is the open too."""
    mean, deviation = np.nanmean(price), np.nanstd(price) or 1.0
    price, figures = (price - mean) / deviation, (figures - mean) / deviation
    some = slice(None, None, max(1, len(price) // _ROWS))
    zero, lines = _zero(x[:, some], price[some])
    zero[lines], lines[lines] = _zero(x[lines], price)
    near = (np.abs(zero[:, None] - figures) < _NEAR) & lines[:, None]
    return np.where(near[:, :1], np.nan, near[:, 1:].astype(float))


def _zero(x: np.ndarray, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the least-squares lines in price (rows,) of x (features, rows) are 0, (features,), and
    which features are lines."""
    unknown = np.isnan(x) | np.isnan(price)
    y, p = (np.ma.array(np.broadcast_to(of, x.shape), mask=unknown) for of in (x, price))
    moved, ahead = y.anom(axis=1), p.anom(axis=1)
    slope = np.sum(moved * ahead, axis=1) / np.sum(ahead * ahead, axis=1)
    farthest = np.max(abs(moved - slope[:, None] * ahead), axis=1)
    zero = p.mean(axis=1) - y.mean(axis=1) / slope
    return zero.filled(np.nan), (farthest < _EXACT * y.std(axis=1)).filled(False)
