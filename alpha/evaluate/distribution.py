"""The distribution of label and prediction: quantiles far into the tail, where the money is, bins
fitted on train's label, and what came of the rows in each decile of the predictions."""

from itertools import pairwise

import numpy as np

from alpha.evaluate import metrics
from alpha.evaluate.details import Bin
from alpha.evaluate.metrics import finite_or_none

LEVELS = (0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)
BINS = 60
_TAIL = 0.001


def bin_edges(outcome: np.ndarray, classes: tuple[float, ...] = ()) -> np.ndarray:
    """Ascending edges, (bins + 1,), from train's outcomes, (rows,) finite and at least one.

    BINS equal bins between the 0.1 % and the 99.9 % quantile, or between the extremes if these
    are equal; a single bin around a constant; a bin for each of `classes`, ascending.
    """
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


def counts(ascending: np.ndarray, edges: np.ndarray) -> list[int]:
    """How many of the values, (rows,) ascending, are in each bin; the outer bins also hold all
    beyond."""
    below = np.searchsorted(ascending, edges[1:-1])
    return [int(count) for count in np.diff([0, *below, len(ascending)])]


def quantiles(ascending: np.ndarray) -> list[float | None]:
    """Quantiles at LEVELS of the values, (rows,) ascending, linear between order statistics: all
    None without rows; None where a value is too large to interpolate."""
    if not len(ascending):
        return [None] * len(LEVELS)
    last = len(ascending) - 1
    place = np.array(LEVELS) * last
    below = np.floor(place).astype(np.int64)
    low, high, part = ascending[below], ascending[np.minimum(below + 1, last)], place - below
    with np.errstate(over="ignore", invalid="ignore"):
        # From the nearer end, as numpy does: the same bits, and never beyond either.
        up, down = low + (high - low) * part, high - (high - low) * (1 - part)
    return [finite_or_none(value) for value in np.where(part < 0.5, up, down)]


def calibration(prediction: np.ndarray, outcome: np.ndarray, ranks: np.ndarray) -> list[Bin]:
    """What came, on average, of the rows in each decile of the predictions.

    All are (rows,) in ascending order of the prediction, whose centered ranks
    (alpha.evaluate.ranking) are `ranks`. Rows with equal predictions stay together, in the
    decile of their middle rank; a decile that none falls into is left out, as is one whose means
    are too large for a float.
    """
    rows = len(ranks)
    # A row is in decile d if (rank + rows) · 5 // rows is d, or it is the last.
    starts = [-(-decile * rows // 5) - rows for decile in range(1, 10)]
    inner = np.searchsorted(ranks, np.array(starts, dtype=ranks.dtype))
    ends = [0, *inner.tolist(), rows]
    bins = []
    for first, last in pairwise(ends):
        if first < last:
            x, y = (
                finite_or_none(metrics.total(values[first:last]) / (last - first))
                for values in (prediction, outcome)
            )
            if x is not None and y is not None:
                bins.append(Bin(rows=last - first, prediction=x, outcome=y))
    return bins
