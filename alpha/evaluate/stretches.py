"""Stretches of time of equal length, such as days and the bootstrap's cells, that hold rows."""

import numpy as np


class Stretches:
    """Of rows that come in parts at ascending times. They start at multiples of `length_ns` from
    `origin_ns`, or from the first row; one without rows is none."""

    def __init__(self, length_ns: int, origin_ns: int | None = None) -> None:
        self._length, self._origin = length_ns, origin_ns
        self._firsts: list[np.ndarray] = []
        self._numbers: list[np.ndarray] = []
        self._last: int | None = None
        self._rows = self._count = 0

    def add(self, time_ns: np.ndarray) -> np.ndarray:
        """The next rows, (rows,) int64: which stretch each is in, (rows,) int64."""
        if not len(time_ns):
            return np.empty(0, dtype=np.int64)
        if self._origin is None:
            self._origin = int(time_ns[0])
        number = (time_ns - self._origin) // self._length
        new = np.append(number[0] != self._last, number[1:] != number[:-1])
        stretch = self._count - 1 + np.cumsum(new)
        self._firsts.append(self._rows + np.flatnonzero(new))
        self._numbers.append(number[new])
        self._last, self._count = int(number[-1]), int(stretch[-1]) + 1
        self._rows += len(time_ns)
        return stretch

    @property
    def first(self) -> np.ndarray:
        """The first row of each, and last the number of rows: (stretches + 1,) int64."""
        return np.concatenate((*self._firsts, [self._rows])).astype(np.int64, copy=False)

    @property
    def numbers(self) -> np.ndarray:
        """How many lengths after the origin each starts, (stretches,) int64."""
        return np.concatenate((np.empty(0, dtype=np.int64), *self._numbers))


def of_rows(first: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Which stretch each of the rows [start, stop) is in, (rows,) int64, by the `first` rows of
    all."""
    if start == stop:
        return np.empty(0, dtype=np.int64)
    low = int(np.searchsorted(first, start, side="right")) - 1
    high = int(np.searchsorted(first, stop, side="left"))
    ends = np.clip(first[low : high + 1], start, stop)
    return np.repeat(np.arange(low, high), np.diff(ends))


class Totals:
    """Sums over the rows of each stretch, of values that come in parts."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, np.ndarray]] = []

    def add(self, values: np.ndarray, stretch: np.ndarray) -> None:
        """The next rows, (rows,), and which stretch each is in."""
        if len(values):
            first = int(stretch[0])
            self._parts.append((first, np.bincount(stretch - first, weights=values)))

    def of(self, stretches: int) -> np.ndarray:
        """(stretches,) float64."""
        found = np.zeros(stretches)
        for first, sums in self._parts:
            found[first : first + len(sums)] += sums
        return found
