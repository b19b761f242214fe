"""Random streams, noise that persists, and sums over look-back windows."""

from enum import IntEnum

import numpy as np
from numba import njit


class Stream(IntEnum):
    """What a random stream decides. Numbers are part of a market's identity: never renumber."""

    REGIME = 0
    PRESSURE = 1
    SPREAD = 2
    STEP = 3
    BOOK = 4
    FLOW = 5
    GAPS = 6
    DUPLICATES = 7
    NAN = 8
    INF = 9
    CONSTANT = 10
    CROSSED = 11


def generator(seed: int, stream: Stream, day: int) -> np.random.Generator:
    """The stream of one day, where −1 is the warm-up before the first. No stream depends on
    another's or another day's draws: a defect switched off leaves the others as they were."""
    return np.random.default_rng(np.random.SeedSequence((seed, int(stream), day + 1)))


def window_rows(seconds: float, interval: float) -> int:
    """How many rows a look-back window spans; at least one, however short the window."""
    return max(1, round(seconds / interval))


def window_sums(values: np.ndarray, window: int, rows: int) -> np.ndarray:
    """The sum of each of the last `rows` rows and the `window` − 1 before it, (rows,).

    `values` (n,) are whole numbers below 2^53 in sum, so that running totals are exact and do not
    depend on where the series starts.
    """
    total = np.concatenate(((0.0,), np.cumsum(values, dtype=np.float64)))
    first = len(values) - rows + 1
    return total[first:] - total[first - window : len(total) - window]


def persistent(innovations: np.ndarray, before: np.ndarray, keep: float) -> np.ndarray:
    """First-order autoregressions z(t) = keep · z(t−1) + sqrt(1 − keep²) · innovation(t).

    `innovations` (rows, fields) standard normal; `before` (fields,) the row before the first.
    Each column of the result (rows, fields) has unit variance once it forgot its start.
    """
    return decaying(np.sqrt(1.0 - keep * keep) * innovations, before, keep)


@njit(cache=True, nogil=True)
def decaying(values: np.ndarray, before: np.ndarray, keep: float) -> np.ndarray:
    """Sums that forget, row by row: s(t) = keep · s(t−1) + values(t), (rows, fields); `before`
    (fields,) is s before. scipy.signal's lfilter does it too, and takes 0.7 s to import."""
    found = np.empty_like(values)
    for field in range(values.shape[1]):
        total = before[field]
        for row in range(len(values)):
            total = keep * total + values[row, field]
            found[row, field] = total
    return found
