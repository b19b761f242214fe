"""The distribution of label and prediction: quantiles, and bins fitted on train's label."""

import numpy as np
from numba import njit

from alpha.evaluate.buckets import Visitor
from alpha.evaluate.quantiles import Quantiles
from alpha.learn.losses import Values

BINS = 60
_TAIL = 0.001


def bin_edges(outcome: Values, classes: tuple[float, ...] = ()) -> np.ndarray:
    """Ascending edges, (bins + 1,), from train's outcomes.

    BINS equal bins between the 0.1 % and the 99.9 % quantile, or between the extremes if these
    are equal; a single bin around a constant; a bin for each of `classes`, ascending.
    """
    if classes:
        codes = np.array(classes)
        return np.concatenate(([codes[0] - 0.5], (codes[1:] + codes[:-1]) / 2, [codes[-1] + 0.5]))
    lowest, low, high, highest = outcome.quantiles((0.0, _TAIL, 1 - _TAIL, 1.0))
    for ends in ((low, high), (lowest, highest)):
        edges = np.linspace(*ends, BINS + 1)
        if np.all(np.diff(edges) > 0):
            return edges
    beside = max(abs(lowest), 1e-6) / 2
    return np.array([lowest - beside, lowest + beside])


class Distribution(Visitor):
    """Of `rows` finite values that are shown in ascending order, in the bins between `edges`."""

    def __init__(self, rows: int, edges: np.ndarray) -> None:
        self._rows, self._inner = rows, edges[1:-1]
        self._quantiles = Quantiles(rows)
        self._values = np.zeros(len(self._quantiles.places))
        self._below = np.zeros(len(self._inner), dtype=np.int64)
        self._before = self._equal = 0
        self._value = 0.0

    def groups(self, records: np.ndarray, order: np.ndarray, starts: np.ndarray) -> None:
        values = records["value"]
        wanted = self._wanted(len(values))
        self._values[wanted] = values[order[self._quantiles.places[wanted] - self._before]]
        for at, edge in enumerate(self._inner):
            self._below[at] += _below(values, order, edge)
        self._before += len(values)

    def count(self, records: np.ndarray) -> None:
        self._value = records["value"][0]
        self._equal += len(records)

    def counted(self) -> None:
        self._values[self._wanted(self._equal)] = self._value
        self._below += np.where(self._value < self._inner, self._equal, 0)
        self._before, self._equal = self._before + self._equal, 0

    def equal(self, records: np.ndarray) -> None:
        pass

    def _wanted(self, rows: int) -> slice:
        """Which of the quantiles' places are among the next rows."""
        ends = np.searchsorted(self._quantiles.places, (self._before, self._before + rows))
        return slice(*ends)

    @property
    def quantiles(self) -> list[float | None]:
        return self._quantiles.of(self._values)

    @property
    def counts(self) -> list[int]:
        """How many values are in each bin; the outer bins also hold all beyond."""
        return [int(count) for count in np.diff([0, *self._below, self._rows])]


@njit(cache=True, nogil=True)
def _below(values: np.ndarray, order: np.ndarray, edge: float) -> int:
    """How many values are below `edge`, by bisection."""
    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        if values[order[middle]] < edge:
            low = middle + 1
        else:
            high = middle
    return low
