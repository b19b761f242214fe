"""How well predictions rank: rank IC, average precision, and the lift of the top decile.

A prediction is sorted once, and every figure made from that order; rows with equal
predictions form a group and are treated alike. Each figure comes with the per-row statistics
whose resampled sums give its interval (alpha.evaluation.bootstrap).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from alpha import parallel
from alpha.evaluation.bootstrap import ratio
from alpha.evaluation.metrics import Undefined, finite, some
from alpha.evaluation.order import centered_ranks, ordered

TOP = 0.1


@dataclass(frozen=True)
class Ranked:
    """Finite values (rows,) in ascending order, ties grouped.

    `order` (rows,) int32 are the rows in sorted order, `starts` (rows,) bool whether a new
    group starts there.
    """

    order: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "Ranked":
        """Of `values` float64 (rows,), fewer than 2^31."""
        return cls(*ordered(values))

    @classmethod
    def both(cls, one: np.ndarray, other: np.ndarray) -> "tuple[Ranked, Ranked]":
        """Two columns with their ranks, each found by a thread of its own."""

        def ranked(values: np.ndarray) -> Ranked:
            found = cls.of(values)
            _ = found.ranks
            return found

        first, second = parallel.each(ranked, (one, other))
        return first, second

    @property
    def rows(self) -> int:
        return len(self.order)

    @cached_property
    def ranks(self) -> np.ndarray:
        """Twice the average rank of each row's group less the mean rank: (rows,) int32, whole
        numbers that add up to 0."""
        return centered_ranks(self.order, self.starts)

    def decile(self) -> np.ndarray:
        """The decile of each row's group, (rows,) int64 from 0 to 9: of its middle."""
        middle = (self.ranks + np.int64(self.rows)) * 5
        middle //= max(self.rows, 1)
        return np.minimum(middle, 9, out=middle)

    @cached_property
    def _cut(self) -> tuple[int, float]:
        """The rank of the group at the cut of the top TOP, and how much of it belongs there."""
        return _cut(self.starts, TOP * self.rows)

    @property
    def top(self) -> np.ndarray:
        """How much of each row belongs to the top TOP of rows, (rows,) from 0 to 1.

        Rows tied at the cut share what is left of it evenly.
        """
        rank, share = self._cut
        top = (self.ranks > rank).astype(np.float64)
        top[self.ranks == rank] = share
        return top


def rank_ic(outcome: np.ndarray, prediction: np.ndarray) -> float:
    """Spearman's rank correlation of what has these centered ranks, ties given their average
    rank; both (rows,) int32, as Ranked.ranks.

    Source: Spearman (1904), as Pearson's correlation of the ranks. Raises Undefined with
    fewer than two rows, or where outcome or prediction is constant.
    """
    some(outcome)
    if len(outcome) < 2:
        raise Undefined("fewer than two rows")
    for name, values in (("prediction", prediction), ("outcome", outcome)):
        if not values.any():
            raise Undefined(f"the {name} is constant")
    # Whole numbers: neither rounding nor an order of adding.
    xx, yy, xy = ((int(high) << 32) + int(low) for low, high in _products(outcome, prediction))
    return finite(xy / math.sqrt(xx * yy))


def rank_ic_statistics(outcome: np.ndarray, prediction: np.ndarray) -> Iterator[np.ndarray]:
    """What `rank_ic_resampled` needs the sums of, one by one, from the centered ranks of the
    whole sample; their products are exact."""
    yield np.ones(len(outcome), dtype=bool)
    yield outcome
    yield prediction
    for one, other in ((outcome, outcome), (prediction, prediction), (outcome, prediction)):
        yield np.multiply(one, other, dtype=np.int64)


def rank_ic_resampled(sums: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each resample, (resamples,); NaN where a side is constant."""
    rows, x, y, xx, yy, xy = sums
    with np.errstate(invalid="ignore"):
        spread = np.sqrt((xx - x * x / rows) * (yy - y * y / rows))
    return ratio(xy - x * y / rows, spread)


def average_precision(event: np.ndarray, score: Ranked) -> float:
    """The area under the precision-recall curve as average precision.

    `event` is bool (rows,). With A and B the events and the rows that score at least as high
    as row i, it is the mean of A / B over the events. Raises Undefined where the event is
    always or never there.
    """
    _both(event)
    positives = int(np.count_nonzero(event))
    # Bits, as many as lie in a core's own cache.
    bits = np.packbits(event, bitorder="little")
    return finite(_precision(bits, score.order, score.starts, positives) / positives)


def average_precision_statistic(event: np.ndarray, score: Ranked) -> np.ndarray:
    """What the resamples of average precision, N / P, are made of: (rows,).

    N and P are sums over rows, P of `event`. The statistic is N's derivative by each row's
    weight, so that resampled sums of it over those of `event` are resamples of the figure, to
    first order.
    """
    positives = int(np.count_nonzero(event))
    bits = np.packbits(event, bitorder="little")
    return _precision_slopes(bits, score.order, score.starts, positives)


def event_statistics(event: np.ndarray, score: Ranked) -> Iterator[np.ndarray]:
    """What the resamples of average precision (the first two) and of the decile lift (the
    others) are made of, one by one: the statistic, the events, the rows in the top decile, the
    events in it, and the rows."""
    yield average_precision_statistic(event, score)
    yield event
    top = score.top
    yield top
    top *= event
    yield top
    yield np.ones(len(event), dtype=bool)


def decile_lift(event: np.ndarray, score: Ranked) -> float:
    """Share of events among the top decile of scores, over their share of all rows.

    Raises Undefined where the event is always or never there.
    """
    _both(event)
    top = score.top
    return finite(np.sum(top * event) / np.sum(top) / np.mean(event))


def _both(event: np.ndarray) -> None:
    some(event)
    if not event.any():
        raise Undefined("no row has the event")
    if event.all():
        raise Undefined("every row has the event")


@njit(cache=True, nogil=True)
def _products(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The exact sums of x · x, y · y and x · y, (3, 2) int64: below 2^32, and how often 2^32.

    Of centered ranks, which are no more than there are rows.
    """
    rows = len(x)
    out = np.zeros((3, 2), dtype=np.int64)
    # As many products as add up to less than 2^62.
    step = max(1, min(rows, (1 << 62) // (rows * rows)))
    for first in range(0, rows, step):
        xx = yy = xy = np.int64(0)
        # Slices, as numba sees that their numbers are never negative, and adds eight at a time.
        ones, others = x[first : first + step], y[first : first + step]
        for at in range(len(ones)):
            one, other = np.int64(ones[at]), np.int64(others[at])
            xx += one * one
            yy += other * other
            xy += one * other
        for at, part in enumerate((xx, yy, xy)):
            out[at, 0] += part & 0xFFFFFFFF
            out[at, 1] += part >> 32
    return out


@njit(cache=True, nogil=True)
def _cut(starts: np.ndarray, rows_of_top: float) -> tuple[int, float]:
    """The centered rank of the group that the top ends in, and the share of it that belongs."""
    rows = last = len(starts)
    while last > 0:
        first = last - 1
        while not starts[first]:
            first -= 1
        share = (rows_of_top - (rows - last)) / (last - first)
        if share < 1.0 or first == 0:
            return first + last - rows, min(share, 1.0)
        last = first
    return 0, 0.0


@njit(cache=True, nogil=True, inline="always")
def _bit(bits, at):  # type: ignore[no-untyped-def]  # compiled into its callers
    return np.int64(bits[at >> 3] >> (at & 7)) & 1


@njit(cache=True, nogil=True)
def _precision(event: np.ndarray, order: np.ndarray, starts: np.ndarray, positives: int) -> float:
    """The sum over events of A / B, by parts of 1024 groups, which keeps rounding small."""
    rows, above, first = len(order), positives, 0
    total = 0.0
    while first < rows:
        part, groups = 0.0, 0
        while first < rows and groups < 1024:
            last, of_group = first + 1, _bit(event, order[first])
            while last < rows and not starts[last]:
                of_group += _bit(event, order[last])
                last += 1
            # Without events it adds 0: a branch that cannot be guessed would cost more.
            part += of_group * (above / np.float64(rows - first))
            above -= of_group
            first = last
            groups += 1
        total += part
    return total


@njit(cache=True, nogil=True)
def _precision_slopes(
    event: np.ndarray, order: np.ndarray, starts: np.ndarray, positives: int
) -> np.ndarray:
    rows, above, first = len(order), positives, 0
    statistic = np.empty(rows)
    raises = dilutes = 0.0
    while first < rows:
        last, of_group = first + 1, _bit(event, order[first])
        while last < rows and not starts[last]:
            of_group += _bit(event, order[last])
            last += 1
        rows_above = np.float64(rows - first)
        # An event's row raises the precision of every event below it; any row dilutes it.
        raises += of_group / rows_above
        dilutes += of_group * above / rows_above**2
        gain = above / rows_above + raises
        for place in range(first, last):
            row = order[place]
            statistic[row] = _bit(event, row) * gain - dilutes
        above -= of_group
        first = last
    return statistic
