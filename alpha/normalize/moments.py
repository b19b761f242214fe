"""Count, mean and sigma of each column, in one streaming pass, exact to float64: values of a block
of rows and their squares are summed about the mean of the block before, and blocks are merged
pairwise (Chan, Golub, LeVeque 1979). Where two lie far apart, and digits of the squares within one
are lost, the squares between them are as much larger."""

import numpy as np
from numba import njit

from alpha.core import parallel

# Rows about one mean.
_BLOCK_ROWS = 1 << 9
# Rows that one thread passes over at a time.
_PIECE_ROWS = 1 << 14
_Arrays = tuple[np.ndarray, ...]
# What overflows is seen by whoever asks for the result, as a mean that is not finite.
_compiled = njit(cache=True, nogil=True, error_model="numpy")


class Moments:
    """Running count, mean and sum of squared deviations of each column's finite values.

    All arrays are (columns,): int64 `finite`, `nan` and `inf` count values, float64 `mean` and
    `sigma` (population, ddof 0) are of the finite ones, 0 where there is none.
    """

    def __init__(self, columns: int) -> None:
        self.rows = 0
        self.finite, self.nan = np.zeros((2, columns), dtype=np.int64)
        # Means are kept about the first finite value of each column: small numbers, exact sums.
        self._first = np.full(columns, np.nan)
        self._mean, self._squares = np.zeros((2, columns))

    def add(self, rows: np.ndarray) -> None:
        """Take in rows, (rows, columns) of any float, any values.

        The same bits on any number of cores, but not for other parts of the same rows.
        """
        if rows.dtype not in (np.float32, np.float64) or not rows.flags.c_contiguous:
            rows = np.ascontiguousarray(rows, dtype=np.result_type(rows.dtype, np.float32))
        for block in parallel.cut(len(rows), _BLOCK_ROWS):
            missing = np.flatnonzero(np.isnan(self._first))
            if len(missing) == 0:
                break
            values = rows[block.start : block.stop, missing]
            at = np.isfinite(values).argmax(axis=0), np.arange(len(missing))
            self._first[missing] = np.where(np.isfinite(values[at]), values[at], np.nan)
        first = np.nan_to_num(self._first)
        pieces = parallel.cut(len(rows), _PIECE_ROWS)
        for found, nan in parallel.each(
            lambda piece: _of_piece(rows[piece.start : piece.stop], first), pieces
        ):
            _merge((self.finite, self._mean, self._squares), found)
            self.nan += nan
        self.rows += len(rows)

    @property
    def mean(self) -> np.ndarray:
        return np.where(self.finite > 0, np.nan_to_num(self._first) + self._mean, 0.0)

    @property
    def sigma(self) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.maximum(self._squares, 0.0) / np.maximum(self.finite, 1))

    @property
    def inf(self) -> np.ndarray:
        return self.rows - self.finite - self.nan


@_compiled
def _merge(moments: _Arrays, others: _Arrays) -> None:
    """Add the moments of other values: count, mean and squared deviations, (columns,) each."""
    count, mean, squares = moments
    other_count, other_mean, other_squares = others
    for column in range(len(count)):
        if other_count[column] > 0:
            share = other_count[column] / (count[column] + other_count[column])
            apart = other_mean[column] - mean[column]
            mean[column] += apart * share
            squares[column] += other_squares[column] + apart * apart * count[column] * share
            count[column] += other_count[column]


@_compiled
def _of_piece(rows: np.ndarray, first: np.ndarray) -> tuple[_Arrays, np.ndarray]:
    """The moments of `rows`, of means less `first`, and how many values are NaN, (columns,)."""
    columns = rows.shape[1]
    found = np.zeros(columns, dtype=np.int64), np.zeros(columns), np.zeros(columns)
    nan, counts = np.zeros(columns, dtype=np.int64), np.empty(columns, dtype=np.int64)
    # Sums of a block's values less `about`, and of their squares.
    sums, of_squares, block_mean = np.empty(columns), np.empty(columns), np.empty(columns)
    about = np.empty(columns)
    for column in range(columns):
        value = np.float64(rows[0, column])
        about[column] = value if np.abs(value) < np.inf else first[column]
    for start in range(0, len(rows), _BLOCK_ROWS):
        sums[:], of_squares[:], counts[:] = 0.0, 0.0, 0
        for row in range(start, min(start + _BLOCK_ROWS, len(rows))):
            for column in range(columns):
                value = np.float64(rows[row, column])
                known = np.abs(value) < np.inf
                moved = value - about[column] if known else 0.0
                sums[column] += moved
                of_squares[column] += moved * moved
                counts[column] += known
                nan[column] += np.isnan(value)
        for column in range(columns):
            moved = sums[column] / max(counts[column], 1)
            of_squares[column] = max(of_squares[column] - moved * sums[column], 0.0)
            block_mean[column] = about[column] - first[column] + moved
            about[column] += moved
        _merge(found, (counts, block_mean, of_squares))
    return found, nan
