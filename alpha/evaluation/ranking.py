"""How well predictions rank: rank IC, average precision, and the lift of the top decile.

A prediction is sorted once, and every figure made from that order; rows with equal
predictions form a group and are treated alike. Each figure comes with the per-row statistics
whose resampled sums give its interval (alpha.evaluation.bootstrap).
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from alpha.evaluation.bootstrap import ratio
from alpha.evaluation.metrics import Undefined, finite, some

TOP = 0.1


@dataclass(frozen=True)
class Ranked:
    """Finite values (rows,) in ascending order, ties grouped.

    `group` (rows,) is each row's group; the group's rows stand at [first, last) of the sorted
    values, both (groups,). `order` (rows,) are the rows in sorted order.
    """

    order: np.ndarray
    group: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "Ranked":
        order = np.argsort(values)
        ordered = values[order]
        starts = np.ones(len(values), dtype=bool)
        starts[1:] = ordered[1:] != ordered[:-1]
        first = np.flatnonzero(starts)
        group = np.empty(len(values), dtype=np.int64)
        group[order] = np.cumsum(starts) - 1
        return cls(order, group, first, np.append(first[1:], len(values)))

    @property
    def rows(self) -> int:
        return len(self.order)

    @property
    def constant(self) -> bool:
        return len(self.first) == 1

    @cached_property
    def midranks(self) -> np.ndarray:
        """The average rank of each row's group, less the mean rank: (rows,), sums to 0."""
        return ((self.first + self.last - self.rows) / 2.0)[self.group]

    def decile(self) -> np.ndarray:
        """The decile of each row's group, (rows,) int64 from 0 to 9: of its middle."""
        middle = (self.first + self.last) * 5 // max(self.rows, 1)
        return np.minimum(middle, 9)[self.group]

    @cached_property
    def top(self) -> np.ndarray:
        """How much of each row belongs to the top TOP of rows, (rows,) from 0 to 1.

        Rows tied at the cut share what is left of it evenly.
        """
        above = self.rows - self.last
        share = (TOP * self.rows - above) / (self.last - self.first)
        return np.clip(share, 0.0, 1.0)[self.group]


def rank_ic(outcome: Ranked, prediction: Ranked) -> float:
    """Spearman's rank correlation, ties given their average rank.

    Source: Spearman (1904), as Pearson's correlation of the ranks. Raises Undefined with
    fewer than two rows, or where outcome or prediction is constant.
    """
    if outcome.rows == 0:
        raise Undefined("no rows")
    if outcome.rows < 2:
        raise Undefined("fewer than two rows")
    for name, values in (("prediction", prediction), ("outcome", outcome)):
        if values.constant:
            raise Undefined(f"the {name} is constant")
    x, y = outcome.midranks, prediction.midranks
    # Sums rather than dot products: BLAS adds in an order that depends on the core count.
    covariance = float(np.sum(x * y))
    return finite(covariance / math.sqrt(float(np.sum(x * x)) * float(np.sum(y * y))))


def rank_ic_statistics(outcome: Ranked, prediction: Ranked) -> tuple[np.ndarray, ...]:
    """What `rank_ic_resampled` needs the sums of; the ranks are those of the whole sample."""
    x, y = outcome.midranks, prediction.midranks
    return np.ones(len(x)), x, y, x * x, y * y, x * y


def rank_ic_resampled(sums: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each resample, (resamples,); NaN where a side is constant."""
    rows, x, y, xx, yy, xy = sums
    with np.errstate(invalid="ignore"):
        spread = np.sqrt((xx - x * x / rows) * (yy - y * y / rows))
    return ratio(xy - x * y / rows, spread)


def average_precision(event: np.ndarray, score: Ranked) -> tuple[float, np.ndarray]:
    """The area under the precision-recall curve as average precision, and its statistic.

    `event` is bool (rows,). With A and B the events and the rows that score at least as high
    as row i, it is the mean of A / B over the events: N / P, where N and P are sums over rows.
    The statistic (rows,) is N's derivative by each row's weight, so that resampled sums of it
    over those of `event` are resamples of the figure, to first order. Raises Undefined where
    the event is always or never there.
    """
    _both(event)
    of_group = np.add.reduceat(event[score.order].astype(np.int64), score.first)
    above = np.cumsum(of_group[::-1])[::-1]
    rows_above = score.rows - score.first
    precision = above / rows_above
    positives = int(above[0])
    # An event's row raises the precision of every event below it; any row dilutes it.
    raises = np.cumsum(of_group / rows_above)
    dilutes = np.cumsum(of_group * above / rows_above.astype(np.float64) ** 2)
    statistic = event * (precision + raises)[score.group] - dilutes[score.group]
    return float(np.sum(of_group * precision) / positives), statistic


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
