"""What is measured on: feature files of a made-up market, as users write theirs with pandas.

Rows come about every second, with gaps; prices move by ticks near 10,000, in spells of high and
low volatility; some quotes are crossed. 120 features in the families of params.yaml, of which
some know a little of the volatility, so that abs_max can be learnt to some extent.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from alpha.core.artifacts import whole_folder
from benchmarks.harness import Bench

NS = 1_000_000_000
START_NS = int(pd.Timestamp("2024-01-01").value)
TICK = 0.5
PRICE = 10_000.0
_MINUTE = 60
# Of time spent in gaps, and rows from one gap to the next.
_GAP_SHARE = 0.01
_ROWS_PER_GAP = 43_200
_CROSSED_SHARE = 2e-5
_NAN_SHARE = 1e-4
_SECONDS = (1, 5, 10, 30, 60, 120, 300, 600, 1200, 1800)


def _sides(sides: tuple[str, str], rest: str, levels: tuple[int, ...]) -> list[str]:
    return [f"{side}_{rest.format(level)}" for level in levels for side in sides]


@dataclass(frozen=True)
class _Family:
    """Ten features of one family: how much of the volatility they know, and what unit hides it."""

    names: list[str]
    knows: float
    unit: Callable[[np.ndarray], np.ndarray]


def _amount(z: np.ndarray) -> np.ndarray:
    return np.rint(np.exp(z + 4.0))


def _count(z: np.ndarray) -> np.ndarray:
    return np.rint(np.exp(z + 1.0))


_LEVELS = tuple(range(10))
_FAMILIES = (
    _Family(
        _sides(("ask", "bid"), "price_level{}", _LEVELS[:5]),
        0.0,
        lambda z: np.rint(z) * TICK + PRICE,
    ),
    _Family([f"ask_volume_level{level}" for level in _LEVELS], 0.03, _amount),
    _Family([f"bid_volume_level{level}" for level in _LEVELS], 0.03, _amount),
    _Family(_sides(("ask", "bid"), "added_liquidity_{}s", _SECONDS[:5]), 0.05, _amount),
    _Family(_sides(("ask", "bid"), "removed_liquidity_{}s", _SECONDS[:5]), 0.05, _amount),
    _Family(_sides(("buy", "sell"), "volume_{}s", _SECONDS[:5]), 0.08, _amount),
    _Family(_sides(("buy", "sell"), "count_{}s", _SECONDS[:5]), 0.08, _count),
    _Family([f"return_{seconds}s" for seconds in _SECONDS], 0.0, lambda z: z * 1e-4),
    _Family([f"volatility_{seconds}s" for seconds in _SECONDS], 0.1, lambda z: np.exp(z) * 1e-5),
    _Family([f"spread_level{level}" for level in _LEVELS], 0.03, lambda z: np.rint(z * z) * TICK),
    _Family([f"imbalance_level{level}" for level in _LEVELS], 0.0, np.tanh),
    _Family([f"slope_level{level}" for level in _LEVELS], 0.03, lambda z: z * 10.0),
)


def names(per_family: int = 10) -> list[str]:
    """Of the features: the first `per_family` of each family."""
    return [name for family in _FAMILIES for name in family.names[:per_family]]


@dataclass(frozen=True)
class Market:
    """Rows of one market, all (rows,): int64 times, float64 quotes, and `level`, float32, the
    logarithm of its volatility, which no one sees."""

    time_ns: np.ndarray
    bid: np.ndarray
    ask: np.ndarray
    level: np.ndarray


def market(rows: int, *, seed: int, start_ns: int = START_NS) -> Market:
    """A row for each second on average. The price ends where it starts, so that markets that
    follow each other join without a jump."""
    rng = np.random.default_rng(seed)
    minutes = rng.normal(size=rows // _MINUTE + 1)
    level = np.repeat(lfilter([0.24], [1.0, -0.97], minutes), _MINUTE)[:rows]
    steps = 0.35 * np.exp(0.6 * level) * rng.normal(size=rows)
    ticks = np.rint(np.cumsum(steps - steps.mean()))
    bid = PRICE + TICK * ticks
    ask = bid + TICK * (1 + (rng.random(rows) < 0.05))
    crossed = rng.random(rows) < _CROSSED_SHARE
    bid[crossed] = ask[crossed] + TICK
    gaps = max(1, rows // _ROWS_PER_GAP)
    seconds = np.arange(rows) * (1.0 - _GAP_SHARE) + 0.6 * rng.random(rows)
    passed = np.arange(rows) * (gaps + 1) // rows
    seconds += passed * (_GAP_SHARE * rows / (gaps + 1))
    time_ns = start_ns + np.rint(seconds * 1000).astype(np.int64) * (NS // 1000)
    return Market(time_ns, bid, ask, level.astype(np.float32))


def features(of: Market, *, seed: int, per_family: int = 10, nan: bool = True) -> np.ndarray:
    """(rows, 12 · per_family) float32, few of them NaN, or none."""
    rng = np.random.default_rng((seed, 1))
    rows = len(of.level)
    out = rng.standard_normal((rows, len(_FAMILIES) * per_family), dtype=np.float32)
    for at, family in enumerate(_FAMILIES):
        block = out[:, at * per_family : (at + 1) * per_family]
        if family.knows:
            block += family.knows * of.level[:, None]
        block[:] = family.unit(block)
    if nan:
        count = int(out.size * _NAN_SHARE)
        out[rng.integers(0, rows, count), rng.integers(0, out.shape[1], count)] = np.nan
    return out


def frame(rows: int, *, day: int, per_family: int = 10) -> pd.DataFrame:
    """One day as users have it: quotes and features by column, indexed by time."""
    of = market(rows, seed=day, start_ns=START_NS + day * rows * NS)
    quotes = pd.DataFrame({"best_bid": of.bid, "best_ask": of.ask})
    values = pd.DataFrame(features(of, seed=day, per_family=per_family), columns=names(per_family))
    both = pd.concat([quotes, values], axis=1)
    both.index = pd.DatetimeIndex(of.time_ns.view("M8[ns]"), tz="UTC", name="timestamp")
    return both


def days(bench: Bench, count: int, *, per_family: int = 10) -> Path:
    """A folder of links to `count` feature files, which are made if they are not there yet."""
    source = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    rows = bench.sizes.day_rows
    shared = bench.cache / f"{source}-{rows}x{12 * per_family}"
    shared.mkdir(parents=True, exist_ok=True)
    folder = bench.work / f"features-{count}x{12 * per_family}"
    folder.mkdir(parents=True, exist_ok=True)
    for day in range(count):
        made = shared / f"day-{day:03}"
        if not made.exists():
            with whole_folder(made) as part:
                write(part / "day.h5", rows, day=day, per_family=per_family)
        link = folder / f"SIM-{day:03}.h5"
        if not link.exists():
            link.hardlink_to(made / "day.h5")
    return folder


def write(path: Path, rows: int, *, day: int, per_family: int = 10) -> None:
    frame(rows, day=day, per_family=per_family).to_hdf(path, key="df", mode="w", format="fixed")


def judged(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes (rows,) on a grid, as ticks make them, and predictions of few digits: both with
    many ties."""
    of = market(rows, seed=rows)
    rng = np.random.default_rng(rows)
    size = np.exp(0.6 * of.level.astype(np.float64))
    outcome = np.rint(np.abs(rng.normal(size=rows)) * size * 10) * TICK / PRICE
    known = 0.3 * of.level + rng.normal(size=rows)
    return outcome, np.round(np.exp(known), 3) * TICK / PRICE
