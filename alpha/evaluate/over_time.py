"""One run's figures over time, stretch by stretch of a split: whether it ranked the rows there, and
what came of those that it ranked at the bottom, in the middle and on top."""

from functools import partial
from itertools import pairwise

import numpy as np

from alpha.core import parallel
from alpha.evaluate.bootstrap import LEAST_BLOCKS, first_rows
from alpha.evaluate.figures import Ends, Row, by_name
from alpha.evaluate.metrics import defined, finite_or_none, total
from alpha.evaluate.ranking import Order, products, spearman
from alpha.evaluate.split_rows import SplitRows

_HOUR_NS = 3600 * 10**9
# At most so many stretches; and how many horizons one has at least, and each block of it.
_MOST, _HORIZONS, _BLOCK_HORIZONS = 100, 30, 5
_DECILES = {"bottom": (0,), "middle": (4, 5), "top": (9,)}  # of a stretch's predictions


def stretch_ns(span_ns: int, horizon_ns: int) -> int:
    """How long the stretches of a split are: whole hours."""
    return -(-max(_HORIZONS * horizon_ns, span_ns // _MOST) // _HOUR_NS) * _HOUR_NS


def figures(split: SplitRows, score: np.ndarray) -> list[Row]:
    """Of each stretch, a slice such as `hour 2024-01-05T13`: the rank IC of the scores (rows,), NaN
    if not finite, and its interval; and the mean outcome of the rows in the bottom tenth of these
    scores, in the two in the middle, and in the top tenth, None where ties leave it empty."""
    horizon_ns, level = split.standard.label.horizon_ns, split.standard.evaluate.bootstrap.level
    length = stretch_ns(int(split.time_ns[-1] - split.time_ns[0]), horizon_ns)
    starts = first_rows(split.time_ns, length, 0)
    part = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
    both = np.where(np.isnan(score), np.nan, split.outcome), score
    ranks = parallel.each(lambda one: Order(one).centered_ranks(split.rows, part), both)
    found: list[Row] = []
    for those in (slice(*ends) for ends in pairwise(starts)):
        (x, y), outcome = (of[those] for of in ranks), split.outcome[those]
        kept = ~np.isnan(score[those])
        rows = int(np.count_nonzero(kept))
        values, reasons = defined({"rank_ic": partial(spearman, products(x, y), rows)})
        blocks = first_rows(split.time_ns[those], _BLOCK_HORIZONS * horizon_ns)
        ends = {"rank_ic": jackknifed(values["rank_ic"], x, y, blocks, level=level)}
        decile = np.minimum((y.astype(np.int64) + rows) * 5 // max(1, rows), 9)
        for name, deciles in _DECILES.items():
            group = outcome[kept & np.isin(decile, deciles)]
            mean = finite_or_none(total(group) / len(group)) if len(group) else None
            values[f"outcome_{name}"] = mean
        hour = np.datetime64(int(split.time_ns[those][0]) // length * length, "ns")
        found += by_name(values, reasons, ends, slice=f"hour {hour.astype('datetime64[h]')}")
    return found


def jackknifed(
    rank_ic: float | None, x: np.ndarray, y: np.ndarray, starts: np.ndarray, *, level: float
) -> Ends:
    """The interval of the rank IC of centered ranks, (rows,) each, with blocks of rows from
    `starts` (blocks + 1,) on: each is left out in turn, and Student's t. None without a rank IC, of
    fewer than five blocks, or where all ranks but one block's are equal. Source: Künsch (1989)."""
    from scipy.special import stdtrit

    blocks, pairs = len(starts) - 1, ((x, x), (y, y), (x, y))
    sums = (np.add.reduceat(np.multiply(*of, dtype=np.float64), starts[:-1]) for of in pairs)
    xx, yy, xy = (np.sum(of) - of for of in sums)
    if rank_ic is None or blocks < LEAST_BLOCKS or min(*xx, *yy) <= 0:
        return None, None
    spread = np.sqrt(blocks - 1) * np.std(xy / np.sqrt(xx * yy))
    half = float(stdtrit(blocks - 1, (1 + level) / 2) * spread)
    return max(rank_ic - half, -1.0), min(rank_ic + half, 1.0)
