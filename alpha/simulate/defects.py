"""What a real collector gets wrong: outages, repeated rows, NaN, frozen values, crossed quotes.

The oracle stays exact: no defect changes the price path, and an outage is always longer than the
default label.max_gap_seconds, so that no labelled window misses a row.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from alpha.simulate import Simulate
from alpha.simulate.market import Day
from alpha.simulate.series import Stream, generator

_DAY_NS = 86400 * 10**9
_SHORTEST_GAP_SECONDS = 31.0


def apply(day: Day, params: Simulate) -> Day:
    """The day as a collector records it, at least one row; `path` stays that of the whole day."""
    wanted = params.defects
    features, bid, ask = (array.copy() for array in (day.features, day.best_bid, day.best_ask))
    random = partial(generator, params.seed, day=day.number)
    frozen_rows = wanted.constant_hours_per_day * (params.rows_per_day / 24.0)
    freeze(features, frozen_rows, random(Stream.CONSTANT))
    scatter(features, np.nan, wanted.nan_share, random(Stream.NAN))
    infinite = random(Stream.INF)
    scatter(features, np.inf, wanted.inf_share / 2, infinite)
    scatter(features, -np.inf, wanted.inf_share / 2, infinite)
    cross(bid, ask, wanted.crossed_per_day, random(Stream.CROSSED))
    kept = surviving(day.time_ns, wanted.gaps_per_day, wanted.gap_seconds, random(Stream.GAPS))
    rows, values = repeated(kept, wanted.duplicates_per_day, random(Stream.DUPLICATES))
    return replace(
        day,
        time_ns=day.time_ns[rows],
        best_bid=bid[values],
        best_ask=ask[values],
        features=features[values],
        oracle=day.oracle[rows],
    )


def freeze(features: np.ndarray, rows: float, random: np.random.Generator) -> None:
    """Hold one feature at the value it had, for `rows` rows in a row, in place."""
    if length := min(round(rows), len(features)):
        column = random.integers(features.shape[1])
        start = random.integers(len(features) - length + 1)
        features[start : start + length, column] = features[start, column]


def scatter(features: np.ndarray, value: float, share: float, random: np.random.Generator) -> None:
    """Overwrite about `share` of all feature values by `value`, in place."""
    count = random.binomial(features.size, share)
    features.reshape(-1)[random.integers(features.size, size=count)] = value


def cross(bid: np.ndarray, ask: np.ndarray, expected: float, random: np.random.Generator) -> None:
    """Swap bid and ask of about `expected` rows, in place: bid > ask."""
    rows = _some(len(bid), expected, random)
    bid[rows], ask[rows] = ask[rows], bid[rows]


def surviving(
    time_ns: np.ndarray, expected: float, mean_seconds: float, random: np.random.Generator
) -> np.ndarray:
    """Row numbers outside about `expected` outages of mean_seconds on average, (kept,) int64. An
    outage lies within the day: midnight would cut one short of _SHORTEST_GAP_SECONDS."""
    lost = np.zeros(len(time_ns), dtype=bool)
    count = random.poisson(expected)
    beyond = random.exponential(mean_seconds - _SHORTEST_GAP_SECONDS, size=count)
    lengths = np.minimum((_SHORTEST_GAP_SECONDS + beyond) * 1e9, _DAY_NS / 2)
    starts = random.random(count) * (_DAY_NS - lengths)
    since = time_ns - time_ns[0]
    for start, length in zip(starts, lengths, strict=True):
        lost |= (since >= start) & (since < start + length)
    # A day without a row would not be a file.
    lost[0] &= not lost.all()
    return np.flatnonzero(~lost)


def repeated(
    kept: np.ndarray, expected: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are written, and with whose values, two (written,) int64 arrays of row numbers:
    a repeated row first with the values of the row before it (a stale frame), then as it is."""
    stale = _some(len(kept) - 1, expected, random) + 1
    return np.insert(kept, stale, kept[stale]), np.insert(kept, stale, kept[stale - 1])


def _some(rows: int, expected: float, random: np.random.Generator) -> np.ndarray:
    """About `expected` different numbers below `rows`, sorted."""
    count = min(random.poisson(expected), max(rows, 0))
    return np.sort(random.choice(rows, size=count, replace=False)) if count else np.empty(0, int)
