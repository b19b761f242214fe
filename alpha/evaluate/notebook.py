"""Rank IC and average precision of arrays in memory, as in a notebook.

An evaluation finds the same figures part by part, with those of days and regimes and their
intervals (alpha.evaluate.ranking); these are for whoever has all rows at hand. A column is
sorted once; rows with equal values form a group and are treated alike.
"""

import numpy as np
from numba import njit

from alpha.core import parallel
from alpha.evaluate.metrics import finite
from alpha.evaluate.order import ordered
from alpha.evaluate.ranking import comes_and_not, spearman


def rank_ic(outcome: np.ndarray, prediction: np.ndarray) -> float:
    """Spearman's rank correlation, ties given their average rank; both (rows,) numbers without
    NaN, fewer than 2^31 rows.

    Raises Undefined as alpha.evaluate.ranking.spearman does, which has the source; ValueError
    if they are not as they must be.
    """
    outcome, prediction = _values("outcome", outcome), _values("prediction", prediction)
    _of_same_rows(outcome, prediction)
    y, f = parallel.each(lambda values: centered_ranks(values, threads=1), (outcome, prediction))
    return spearman(_products(y, f), len(y))


def average_precision(event: np.ndarray, score: np.ndarray) -> float:
    """The area under the precision-recall curve as average precision.

    `event` is bool (rows,), `score` (rows,) numbers without NaN. With A and B the events and the
    rows that score at least as high as row i, it is the mean of A / B over the events. Raises
    Undefined where the event is always or never there; ValueError if they are not as they must
    be.
    """
    event, score = np.asarray(event), _values("score", score)
    if event.dtype != bool:
        raise ValueError(f"event: must be bool, found {event.dtype}")
    _of_same_rows(event, score)
    positives = int(np.count_nonzero(event))
    comes_and_not(positives, len(event))
    # Bits, as many as lie in a core's own cache.
    bits = np.packbits(event, bitorder="little")
    return finite(_precision(bits, *ordered(score), positives) / positives)


def _values(name: str, given: np.ndarray) -> np.ndarray:
    values = np.asarray(given, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"{name}: must be (rows,), found {values.shape}")
    nan = np.isnan(values)
    if nan.any():
        raise ValueError(f"{name}: must be without NaN, found one in row {int(nan.argmax())}")
    return values


def _of_same_rows(one: np.ndarray, other: np.ndarray) -> None:
    if one.shape != other.shape:
        raise ValueError(f"must be of the same rows, found {one.shape} and {other.shape}")


def centered_ranks(values: np.ndarray, *, threads: int = 2) -> np.ndarray:
    """Of each row twice the average rank of its group less the mean rank, (rows,) int32: whole
    numbers that add up to 0; `threads` as alpha.evaluate.order.ordered has it."""
    order, starts = ordered(values, threads=threads)
    ranks = np.empty(len(order), dtype=np.int32)
    _rank(order, starts, ranks)
    return ranks


@njit(cache=True, nogil=True)
def _rank(order: np.ndarray, starts: np.ndarray, ranks: np.ndarray) -> None:
    first, rows = 0, len(order)
    while first < rows:
        last = first + 1
        while last < rows and not starts[last]:
            last += 1
        for place in range(first, last):
            ranks[order[place]] = first + last - rows
        first = last


@njit(cache=True, nogil=True)
def _products(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What `spearman` takes, (3, 2) int64.

    Of centered ranks, which are no more than there are rows.
    """
    rows = len(x)
    out = np.zeros((3, 2), dtype=np.int64)
    # As many products as add up to less than 2^62.
    step = max(1, min(rows, (1 << 62) // max(1, rows * rows)))
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
