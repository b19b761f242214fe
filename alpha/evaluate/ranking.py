"""How well predictions rank. `rank_ic` and `average_precision` are for arrays at hand, as in a
notebook; an evaluation takes the same steps one by one. Rows with equal predictions form a group
and are treated alike, so no figure depends on the order in which a sort leaves them."""

import math

import numpy as np
from numba import njit

from alpha.core import parallel
from alpha.evaluate.bootstrap import Blocks, ratio
from alpha.evaluate.metrics import Undefined, finite

TOP = 0.1
# Products of ranks are added up as whole numbers, of so many rows at most at once.
_PRODUCTS = 1 << 16


def rank_ic(outcome: np.ndarray, prediction: np.ndarray) -> float:
    """Spearman's rank correlation (1904), ties given their average rank; both (rows,) numbers
    without NaN, fewer than 2^31 rows. Raises Undefined with fewer than two rows or where one side
    is constant, ValueError if they are not as they must be."""
    both = _columns(outcome=outcome, prediction=prediction)
    x, y = (one.centered_ranks(len(both[0])) for one in parallel.each(Order, both))
    return spearman(products(x, y), len(x))


def average_precision(event: np.ndarray, score: np.ndarray) -> float:
    """The area under the precision-recall curve: the mean over the events of the share of events
    among the rows that score at least as high. `event` is bool (rows,), `score` (rows,) numbers
    without NaN. Raises Undefined where the event is always or never there, ValueError if they are
    not as they must be."""
    if np.asarray(event).dtype != bool:
        raise ValueError(f"event: must be bool, found {np.asarray(event).dtype}")
    came, score = _columns(event=event, score=score)
    order, cell = Order(score), np.zeros(len(score), dtype=np.int32)
    ranked = RankedEvent(came[order.rows] > 0, order, cell, cells=1)
    if ranked.average_precision is None:
        raise Undefined(ranked.reason)
    return ranked.average_precision


def _columns(**given: np.ndarray) -> list[np.ndarray]:
    """As floats. Raises ValueError unless they are of the same rows, without NaN."""
    columns = {name: np.asarray(values, dtype=np.float64) for name, values in given.items()}
    rows = next(iter(columns.values())).size
    for name, values in columns.items():
        if values.shape != (rows,):
            raise ValueError(f"{name}: must be ({rows},), found {values.shape}")
        if (nan := np.isnan(values)).any():
            raise ValueError(f"{name}: must be without NaN, found one in row {nan.argmax()}")
    return list(columns.values())


class Order:
    """Rows, fewer than 2^31, in ascending order of a value, those without one (NaN) left out: the
    `rows` (known,) int32, and `starts` (known,) bool, where a group of equal values starts."""

    def __init__(self, values: np.ndarray) -> None:
        known = len(values) - np.count_nonzero(np.isnan(values))
        # NaN comes last.
        self.rows = np.argsort(values)[:known].astype(np.int32)
        ascending = values[self.rows]
        self.starts = np.ones(known, dtype=bool)
        np.not_equal(ascending[1:], ascending[:-1], out=self.starts[1:])

    def centered_ranks(self, rows: int, part: np.ndarray | None = None) -> np.ndarray:
        """Twice the average rank of each row's group less the mean rank, (rows,) int32: whole
        numbers that add up to 0; 0 of rows that are left out. Ranks are among all rows, or among
        those of the same `part`: (rows,) whole numbers from 0."""
        part = np.zeros(rows, dtype=np.int8) if part is None else part
        return _rank(self.rows, self.starts, part, int(np.max(part, initial=0)) + 1)


def products(x: np.ndarray, y: np.ndarray) -> tuple[int, int, int]:
    """The exact sums of x · x, y · y and x · y of centered ranks, (rows,) int32 each."""
    # So few that their products, each below the square of the rows, stay within 63 bits.
    step = max(1, min(_PRODUCTS, (1 << 62) // max(1, len(x)) ** 2))
    xx = yy = xy = 0
    for first in range(0, len(x), step):
        one, other = (ranks[first : first + step].astype(np.int64) for ranks in (x, y))
        xx += int(np.sum(one * one))
        yy += int(np.sum(other * other))
        xy += int(np.sum(one * other))
    return xx, yy, xy


def spearman(products: tuple[int, int, int], rows: int) -> float:
    """Rank IC from the `products` of outcomes' and predictions' centered ranks, of which `rows` are
    not left out. Raises Undefined as `rank_ic` does."""
    if rows < 2:
        raise Undefined("fewer than two rows" if rows else "no rows")
    xx, yy, xy = products
    if not (xx and yy):
        raise Undefined(f"the {'outcome' if yy else 'prediction'} is constant")
    return finite(xy / math.sqrt(xx * yy))


def rank_ic_statistics(
    x: np.ndarray, y: np.ndarray, kept: np.ndarray, blocks: Blocks
) -> list[np.ndarray]:
    """What `rank_ic_resampled` needs the resampled sums of, by cell, from centered ranks (rows,);
    `kept` (cells,) counts the rows that are not left out."""
    pairs = ((x, x), (y, y), (x, y))
    products = (blocks.by_cell(np.multiply(*pair, dtype=np.float64)) for pair in pairs)
    return [kept, blocks.by_cell(x), blocks.by_cell(y), *products]


def rank_ic_resampled(sums: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each resample, (resamples,); NaN where a side is constant."""
    rows, x, y, xx, yy, xy = sums
    with np.errstate(invalid="ignore"):
        spread = np.sqrt((xx - x * x / rows) * (yy - y * y / rows))
    return ratio(xy - x * y / rows, spread)


class RankedEvent:
    """How well a prediction ranks rows by whether an event comes: it does in `positives` of them.

    `decile_lift` is the share of events among the top decile of scores, of which rows tied at the
    cut share what is left, over their share of all rows. Both figures are None for a `reason`.
    `by_cell` (cells, 4) has the statistic of average precision, the events, the rows in the top
    decile, and the events in it. Average precision is N / P, P the events; its statistic is N's
    derivative by each row's weight: resampled sums of it over those of events are resamples of the
    figure, to first order.
    """

    def __init__(self, came: np.ndarray, order: Order, cell: np.ndarray, *, cells: int) -> None:
        """From whether the event `came`, bool, and the `cell` of each row, int32, both in the
        order of the prediction."""
        rows, self.positives = len(came), int(np.count_nonzero(came))
        self.by_cell = np.zeros((cells, 4))
        given = came, order.starts, cell, self.positives, self.by_cell
        precisions, in_top, top_rows = _rank_event(*given)
        known = 0 < self.positives < rows
        self.average_precision = precisions / self.positives if known else None
        self.decile_lift = in_top / top_rows / (self.positives / rows) if known else None
        event = f"{'every' if self.positives else 'no'} row has the event" if rows else "no rows"
        self.reason = None if known else event


@njit(cache=True, nogil=True)
def _rank(order: np.ndarray, starts: np.ndarray, part: np.ndarray, parts: int) -> np.ndarray:
    ranks, first = np.zeros(len(part), dtype=np.int32), 0
    # By part, all rows, those before the group, and those up to its end.
    rows, before, upto = np.zeros((3, parts), dtype=np.int64)
    for row in order:
        rows[part[row]] += 1
    for last in range(1, len(order) + 1):
        if last == len(order) or starts[last]:
            for row in order[first:last]:
                upto[part[row]] += 1
            for row in order[first:last]:
                at = part[row]
                ranks[row] = before[at] + upto[at] - rows[at]
            for row in order[first:last]:
                before[part[row]] = upto[part[row]]
            first = last
    return ranks


@njit(cache=True, nogil=True)
def _rank_event(
    came: np.ndarray, starts: np.ndarray, cell: np.ndarray, positives: int, by_cell: np.ndarray
) -> tuple[float, float, float]:
    """Fill `by_cell`; the sum of A / B over the events, the events in the top, and its rows."""
    rows, above, first, events = len(came), positives, 0, 0
    # What an event adds to the precision of those below it, and what any row takes from them.
    raises = dilutes = precisions = in_top = top_rows = 0.0
    for last in range(1, rows + 1):
        events += came[last - 1]
        if last < rows and not starts[last]:
            continue
        rows_above = np.float64(rows - first)
        precision = above / rows_above
        top = min(max((TOP * rows - (rows - last)) / (last - first), 0.0), 1.0)
        raises += events / rows_above
        dilutes += events * precision / rows_above
        precisions += events * precision
        in_top += top * events
        top_rows += top * (last - first)
        for place in range(first, last):
            sums = by_cell[cell[place]]
            sums[0] -= dilutes
            sums[2] += top
            if came[place]:
                sums[0] += precision + raises
                sums[1] += 1.0
                sums[3] += top
        above -= events
        first, events = last, 0
    return precisions, in_top, top_rows
