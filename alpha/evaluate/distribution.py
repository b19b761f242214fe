"""The distribution of label and prediction: quantiles, bins, what came of the rows in each decile
of the predictions, and how far the label's distribution on a split is from train's."""

from itertools import pairwise

import numpy as np

from alpha.evaluate import metrics
from alpha.evaluate.bootstrap import LEAST_BLOCKS
from alpha.evaluate.figures import Row, by_name
from alpha.evaluate.metrics import Undefined, finite_or_none

LEVELS = (0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)
BINS = 60
_TAIL = 0.001
# An empty bin would make the stability index infinite: its share is taken as this.
LEAST_SHARE = 1e-4
# Prices move in ticks, so outcomes come in clumps that drift with the price: one at a bin's edge is
# no shift. So each outcome counts as spread evenly over this part of itself on both sides.
SPREAD = 0.25
# Spread at once, which bounds the memory.
_PART_ROWS = 1 << 18


def bin_edges(outcome: np.ndarray, classes: tuple[float, ...] = ()) -> np.ndarray:
    """Ascending edges, (bins + 1,), from train's outcomes, (rows,) finite and at least one: BINS
    equal bins between the 0.1 % and the 99.9 % quantile, or between the extremes if these are
    equal; a single bin around a constant; a bin for each of `classes`, ascending."""
    if classes:
        codes = np.array(classes)
        return np.concatenate(([codes[0] - 0.5], (codes[1:] + codes[:-1]) / 2, [codes[-1] + 0.5]))
    lowest, low, high, highest = np.quantile(outcome, (0.0, _TAIL, 1 - _TAIL, 1.0))
    for ends in ((low, high), (lowest, highest)):
        edges = np.linspace(*ends, BINS + 1)
        if np.all(np.diff(edges) > 0):
            return edges
    beside = max(abs(lowest), 1e-6) / 2
    return np.array([lowest - beside, lowest + beside])


def counts(ascending: np.ndarray, edges: np.ndarray) -> dict[int, int]:
    """How many of ascending values are in each bin; the outer bins also hold all beyond."""
    below = np.searchsorted(ascending, edges[1:-1])
    return dict(enumerate(np.diff([0, *below, len(ascending)]).tolist()))


def quantiles(ascending: np.ndarray) -> dict[float, float | None]:
    """Quantiles at LEVELS of ascending values, linear between order statistics; None without rows,
    and where a value is too large to interpolate."""
    if not len(ascending):
        return dict.fromkeys(LEVELS)
    last = len(ascending) - 1
    place = np.array(LEVELS) * last
    below = np.floor(place).astype(np.int64)
    low, high, part = ascending[below], ascending[np.minimum(below + 1, last)], place - below
    with np.errstate(over="ignore", invalid="ignore"):
        # From the nearer end, as numpy does: the same bits, and never beyond either.
        up, down = low + (high - low) * part, high - (high - low) * (1 - part)
    return dict(zip(LEVELS, map(finite_or_none, np.where(part < 0.5, up, down)), strict=True))


def calibration(
    prediction: np.ndarray, outcome: np.ndarray, ranks: np.ndarray
) -> dict[str, tuple[float, ...]]:
    """The rows in each decile of the predictions, and the means of both; {} without any.

    All are (rows,) in ascending order of the prediction, whose centered ranks are `ranks`. Rows
    with equal predictions stay together, in the decile of their middle rank; a decile without rows
    is left out, as is one whose means are too large for a float.
    """
    rows = len(ranks)
    # A row is in decile d if (rank + rows) · 5 // rows is d, or it is the last.
    starts = [-(-decile * rows // 5) - rows for decile in range(1, 10)]
    inner = np.searchsorted(ranks, np.array(starts, dtype=ranks.dtype))
    bins = []
    for first, last in pairwise([0, *inner.tolist(), rows]):
        if first < last:
            both = prediction[first:last], outcome[first:last]
            x, y = (finite_or_none(metrics.total(values) / (last - first)) for values in both)
            if x is not None and y is not None:
                bins.append((last - first, x, y))
    return dict(zip(("rows", "prediction", "outcome"), zip(*bins, strict=True), strict=False))


class Reference:
    """Train's outcomes as the stability index sees them: binned by the deciles of those that are
    not zero, of which equal ones are merged, with zero in a bin by itself; or by `classes`."""

    def __init__(self, outcome: np.ndarray, classes: tuple[float, ...] = ()) -> None:
        """From (rows,) finite outcomes, at least one."""
        self.classes, self.constant, self.edges = classes, metrics.constant(outcome), np.empty(0)
        if not self.constant and not classes:
            others, deciles = outcome[outcome != 0], np.arange(1, 10) / 10
            self.edges = np.unique(np.quantile(others, deciles, overwrite_input=True))
        self.shares = self._shares(outcome)

    def _shares(self, outcome: np.ndarray) -> np.ndarray:
        """The share of each bin, that of zero last. Raises Undefined without rows."""
        rows = len(outcome)
        if not rows:
            raise Undefined("no rows")
        if self.classes:
            return np.array([np.count_nonzero(outcome == code) for code in self.classes]) / rows
        zeros, below = rows - np.count_nonzero(outcome), np.zeros(len(self.edges))
        for first in range(0, rows, _PART_ROWS):
            part = outcome[first : first + _PART_ROWS]
            others = part[part != 0]
            reach = np.maximum(SPREAD * np.abs(others), np.finfo(np.float64).tiny)
            low = others - reach
            reach *= 2
            below += [np.sum(np.clip((edge - low) / reach, 0.0, 1.0)) for edge in self.edges]
        return np.append(np.diff([0.0, *below, rows - zeros]), zeros) / rows

    def stability_index(self, outcome: np.ndarray) -> float:
        """Population stability index of outcomes, (rows,) finite, against train's: the sum over
        bins of (q − p) · log(q / p), p and q the shares of train and of the other. It is
        descriptive, as labels overlap. Source: Siddiqi (2006). Raises Undefined if train is
        constant or there are no rows."""
        if self.constant:
            raise Undefined("train's label is constant")
        p, q = (np.maximum(one, LEAST_SHARE) for one in (self.shares, self._shares(outcome)))
        return float(np.sum((q - p) * np.log(q / p)))


def shift(
    train: Reference, outcome: np.ndarray, block_means: tuple[np.ndarray, np.ndarray]
) -> list[Row]:
    """One split's outcomes against train's, and by the Kolmogorov-Smirnov test the block means of
    train and of the split, (blocks,), which are nearly independent."""
    from scipy.stats import ks_2samp

    index, undefined = metrics.defined({"psi": lambda: train.stability_index(outcome)})
    reasons = [f"no stability index: {reason}" for reason in undefined.values()]
    found = index | {"ks": None, "p_value": None, "blocks": len(block_means[1])}
    if min(map(len, block_means)) < LEAST_BLOCKS:
        reasons.append(f"no two-sample test: a split has fewer than {LEAST_BLOCKS} blocks")
    else:
        found["ks"], found["p_value"] = map(float, ks_2samp(*block_means))
    return by_name(found, dict.fromkeys(found, "; ".join(reasons)))
