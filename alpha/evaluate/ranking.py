"""How well predictions rank: rank IC, average precision, and the lift of the top decile.

A prediction is sorted once, and every figure is added up as rows come in its order
(alpha.evaluate.buckets); rows with equal predictions form a group and are treated alike. Each
figure comes with sums by cell, whose resamples give its interval (alpha.evaluate.bootstrap).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from alpha.evaluate.bootstrap import ratio
from alpha.evaluate.buckets import Visitor
from alpha.evaluate.metrics import Undefined, finite
from alpha.evaluate.ranks import RANKED

TOP = 0.1

# What is sorted by `value`, the prediction: with it come the outcome, its ranks and slots
# (alpha.evaluate.ranks), and the cell of time that the row is in.
JUDGED = np.dtype(
    [
        ("value", "f8"),
        ("outcome", "f8"),
        ("ranks", RANKED["ranks"]),
        ("slots", RANKED["slots"]),
        ("cell", "i4"),
    ],
    align=True,
)
# The same of a prediction that is of an event alone: an outcome of 1 says that it came.
FORESEEN = np.dtype([("value", "f8"), ("outcome", "f4"), ("cell", "i4")])


class RankProducts:
    """A taker of JUDGED records and the ranks of their predictions: sums of products of these
    and the outcomes' ranks, exact by slot, and by cell."""

    def __init__(self, slots: int, cells: int) -> None:
        # Of x · x, y · y and x · y, x the outcome: below 2^32, and how often 2^32.
        self._exact = np.zeros((slots, 3, 2), dtype=np.int64)
        # Of all rows: x, y, x · x, y · y, x · y.
        self._by_cell = np.zeros((cells, 5))

    def __call__(self, records: np.ndarray, ranks: np.ndarray) -> None:
        _add_products(
            records["ranks"], ranks, records["slots"], records["cell"], self._exact, self._by_cell
        )

    def rank_ic(self, slot: int, rows: int) -> float:
        """Of the `rows` rows of a slot, as `spearman`."""
        return spearman(self._exact[slot], rows)

    def statistics(self, rows: np.ndarray) -> list[np.ndarray]:
        """What `rank_ic_resampled` needs the sums of, by cell, of which `rows` (cells,) counts
        the rows."""
        return [rows, *self._by_cell.T]


def spearman(products: np.ndarray, rows: int) -> float:
    """Spearman's rank correlation of `rows` rows, ties given their average rank, from the sums of
    x · x, y · y and x · y of their centered ranks, x the outcome: (3, 2) int64, below 2^32 and
    how often 2^32.

    Source: Spearman (1904), as Pearson's correlation of the ranks. Raises Undefined with
    fewer than two rows, or where outcome or prediction is constant.
    """
    if rows < 2:
        raise Undefined("fewer than two rows" if rows else "no rows")
    # Whole numbers: neither rounding nor an order of adding.
    xx, yy, xy = ((int(high) << 32) + int(low) for low, high in products)
    for name, square in (("prediction", yy), ("outcome", xx)):
        if not square:
            raise Undefined(f"the {name} is constant")
    return finite(xy / math.sqrt(xx * yy))


def comes_and_not(positives: int, rows: int) -> None:
    """Raises Undefined unless an event came in some of the rows and not in all."""
    if not rows:
        raise Undefined("no rows")
    if not positives:
        raise Undefined("no row has the event")
    if positives == rows:
        raise Undefined("every row has the event")


def rank_ic_resampled(sums: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each resample, (resamples,); NaN where a side is constant."""
    rows, x, y, xx, yy, xy = sums
    with np.errstate(invalid="ignore"):
        spread = np.sqrt((xx - x * x / rows) * (yy - y * y / rows))
    return ratio(xy - x * y / rows, spread)


class Events(Visitor):
    """How well a prediction ranks rows by whether some events come: an outcome above each of
    `levels`. Of `rows` rows in `cells` cells each event has some `positives`."""

    def __init__(
        self, levels: Sequence[float], positives: Sequence[int], *, rows: int, cells: int
    ) -> None:
        self._levels = np.array(levels, dtype=np.float64)
        self.positives, self._rows = positives, rows
        self._state = _State(
            before=np.zeros(1, dtype=np.int64),
            above=np.array(positives, dtype=np.int64),
            sums=np.zeros((len(levels), 5)),
            top=np.zeros(2),
        )
        # By cell, of each event: the statistic, the events, those in the top; and all of the top.
        self._by_cell = np.zeros((cells, 3 * len(levels) + 1))
        self._forget()

    def groups(self, records: np.ndarray, order: np.ndarray, starts: np.ndarray) -> None:
        outcome, cell = _columns(records)
        _add_groups(
            outcome, cell, order, starts, self._levels, self._rows, self._state, self._by_cell
        )

    def count(self, records: np.ndarray) -> None:
        self._size += len(records)
        for event, level in enumerate(self._levels):
            self._events[event] += np.count_nonzero(records["outcome"] > level)

    def counted(self) -> None:
        _open(self._size, self._events, self._rows, self._state)
        self._forget()

    def equal(self, records: np.ndarray) -> None:
        outcome, cell = _columns(records)
        _add_equal(outcome, cell, self._levels, self._state, self._by_cell)

    def _forget(self) -> None:
        self._size, self._events = 0, np.zeros(len(self._levels), dtype=np.int64)

    def average_precision(self, event: int) -> float:
        """The area under the precision-recall curve as average precision.

        With A and B the events and the rows that score at least as high as row i, it is the mean
        of A / B over the events. Raises Undefined where the event is always or never there.
        """
        comes_and_not(self.positives[event], self._rows)
        return finite(self._state.sums[event, _TOTAL] / self.positives[event])

    def decile_lift(self, event: int) -> float:
        """Share of events among the top decile of scores, over their share of all rows.

        Rows tied at the cut share what is left of the top evenly. Raises Undefined where the
        event is always or never there.
        """
        comes_and_not(self.positives[event], self._rows)
        of_top = self._state.sums[event, _IN_TOP] / self._state.top[1]
        return finite(of_top / (self.positives[event] / self._rows))

    def by_cell(self, event: int) -> np.ndarray:
        """How often the event came in each cell, (cells,)."""
        return self._by_cell[:, 3 * event + 1]

    def statistics(self, event: int, rows: np.ndarray) -> list[np.ndarray]:
        """What the resamples of average precision (the first two) and of the decile lift (the
        others) are made of, by cell, of which `rows` (cells,) counts the rows: the statistic,
        the events, the rows in the top decile, the events in it, and the rows.

        Average precision is N / P, P the events. The statistic is N's derivative by each row's
        weight, so that resampled sums of it over those of events are resamples of the figure,
        to first order.
        """
        slope, events, both = self._by_cell[:, 3 * event : 3 * event + 3].T
        return [slope, events, self._by_cell[:, -1], both, rows]


def _columns(records: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and cells, side by side in memory."""
    return np.ascontiguousarray(records["outcome"]), np.ascontiguousarray(records["cell"])


class _State(NamedTuple):
    """Where Events are in the ascending order."""

    before: np.ndarray  # (1,) int64: rows that came before
    above: np.ndarray  # (events,) int64: positives that did not
    sums: np.ndarray  # (events, 5): as below
    top: np.ndarray  # (2,): how much of the group is in the top, and the sum of it over rows


# Columns of _State.sums: what an event adds to the precision of those below it, what any row
# takes from them, a row of the group's own gain; the sum of A / B; and events in the top.
_RAISES, _DILUTES, _GAIN, _TOTAL, _IN_TOP = range(5)


@njit(cache=True, nogil=True, inline="always")
def _open(size, events, rows, state):  # type: ignore[no-untyped-def]  # compiled into its callers
    """Move the state to a group of `size` rows with so many `events`, (events,)."""
    rows_above = np.float64(rows - state.before[0])
    state.before[0] += size
    top = (TOP * rows - (rows - state.before[0])) / size
    top = min(max(top, 0.0), 1.0)
    state.top[0] = top
    state.top[1] += top * size
    for event in range(len(events)):
        precision = state.above[event] / rows_above
        state.sums[event, _RAISES] += events[event] / rows_above
        state.sums[event, _DILUTES] += events[event] * precision / rows_above
        state.sums[event, _GAIN] = precision + state.sums[event, _RAISES]
        state.sums[event, _TOTAL] += events[event] * precision
        state.sums[event, _IN_TOP] += top * events[event]
        state.above[event] -= events[event]


@njit(cache=True, nogil=True, inline="always")
def _spread(outcome, cell, levels, state, by_cell):  # type: ignore[no-untyped-def]
    """Add a row of the group that was opened to its cell."""
    top, events = state.top[0], len(levels)
    for event in range(events):
        came = 1.0 if outcome > levels[event] else 0.0
        by_cell[cell, 3 * event] += came * state.sums[event, _GAIN] - state.sums[event, _DILUTES]
        by_cell[cell, 3 * event + 1] += came
        by_cell[cell, 3 * event + 2] += came * top
    by_cell[cell, 3 * events] += top


@njit(cache=True, nogil=True)
def _add_groups(
    outcome: np.ndarray,
    cell: np.ndarray,
    order: np.ndarray,
    starts: np.ndarray,
    levels: np.ndarray,
    rows: int,
    state: _State,
    by_cell: np.ndarray,
) -> None:
    first, events = 0, np.empty(len(levels), dtype=np.int64)
    while first < len(order):
        last = first + 1
        while last < len(order) and not starts[last]:
            last += 1
        events[:] = 0
        for place in range(first, last):
            for event in range(len(levels)):
                events[event] += outcome[order[place]] > levels[event]
        _open(last - first, events, rows, state)
        for place in range(first, last):
            _spread(outcome[order[place]], cell[order[place]], levels, state, by_cell)
        first = last


@njit(cache=True, nogil=True)
def _add_equal(
    outcome: np.ndarray, cell: np.ndarray, levels: np.ndarray, state: _State, by_cell: np.ndarray
) -> None:
    for row in range(len(outcome)):
        _spread(outcome[row], cell[row], levels, state, by_cell)


@njit(cache=True, nogil=True)
def _add_products(
    x: np.ndarray,
    y: np.ndarray,
    slots: np.ndarray,
    cell: np.ndarray,
    exact: np.ndarray,
    by_cell: np.ndarray,
) -> None:
    """Of centered ranks, (rows, 3), which are no more than there are rows."""
    for row in range(len(x)):
        for at in range(3):
            slot = 0 if at == 0 else slots[row, at - 1]
            one, other = np.int64(x[row, at]), np.int64(y[row, at])
            for product, value in enumerate((one * one, other * other, one * other)):
                exact[slot, product, 0] += value & 0xFFFFFFFF
                exact[slot, product, 1] += value >> 32
            if at == 0:
                sums = by_cell[cell[row]]
                sums[0] += one
                sums[1] += other
                sums[2] += one * one
                sums[3] += other * other
                sums[4] += one * other
