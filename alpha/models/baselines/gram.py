"""Weighted sums of products of all pairs of columns, the work of least squares."""

import ctypes

import numpy as np
from numba import njit
from threadpoolctl import threadpool_limits

from alpha.core import parallel

# Rows of one product: as many as stay in a core's cache. And how many sums are kept side by
# side, each by a thread of its own: fixed, so that results do not depend on the cores.
_BLOCK_ROWS = 1 << 10
_LANES = 2


class Gram:
    """Σ weight · z z' over rows that come part by part, z = (x, target, 1) − shift.

    `shift` (columns,) is near the means, so that no digits are lost in sums of squares; its last
    is 0. The same bits on any number of cores, but not for other parts of the same rows.
    """

    def __init__(self, shift: np.ndarray) -> None:
        self.shift = shift
        columns = len(shift)
        self._lanes = [np.zeros((columns, columns), order="F") for _ in range(_LANES)]
        self._rows = [np.empty((_BLOCK_ROWS, columns)) for _ in range(_LANES)]
        self._add_products = _blas_syrk()

    def add(self, x: np.ndarray, target: np.ndarray, weight: np.ndarray) -> None:
        """`x` (rows, inputs) finite, `target` (rows, outputs), `weight` (rows,) not negative."""
        target, root = np.asarray(target, dtype=np.float64), np.sqrt(weight)

        def lane(number: int) -> None:
            z = self._rows[number]
            for start in range(number * _BLOCK_ROWS, len(x), _LANES * _BLOCK_ROWS):
                rows = slice(start, start + _BLOCK_ROWS)
                count = _fill(x[rows], target[rows], root[rows], self.shift, z)
                self._add_products(z[:count], self._lanes[number])

        # BLAS on one thread in each lane: the order of a sum would depend on their number.
        with threadpool_limits(1):
            parallel.each(lane, range(_LANES))

    @property
    def sums(self) -> np.ndarray:
        """(columns, columns) float64."""
        upper = sum(self._lanes, np.zeros_like(self._lanes[0]))
        return np.triu(upper) + np.triu(upper, 1).T


@njit(cache=True, nogil=True)
def _fill(x, target, root, shift, z):  # type: ignore[no-untyped-def]
    """z = √weight · ((x, target, 1) − shift), and the number of rows."""
    inputs, outputs = x.shape[1], target.shape[1]
    for row in range(len(x)):
        for at in range(inputs):
            z[row, at] = root[row] * (x[row, at] - shift[at])
        for at in range(outputs):
            z[row, inputs + at] = root[row] * (target[row, at] - shift[inputs + at])
        z[row, inputs + outputs] = root[row]
    return len(x)


def _blas_syrk():  # type: ignore[no-untyped-def]
    """dsyrk by its address: SciPy's own function keeps other threads waiting."""
    from numba.extending import get_cython_function_address

    pointer, text, integer = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    of = ctypes.POINTER
    kind = ctypes.CFUNCTYPE(
        None,
        text,
        text,
        of(integer),
        of(integer),
        of(ctypes.c_double),
        pointer,
        of(integer),
        of(ctypes.c_double),
        pointer,
        of(integer),
    )
    call = kind(get_cython_function_address("scipy.linalg.cython_blas", "dsyrk"))

    def add(z: np.ndarray, total: np.ndarray) -> None:
        """total += z'z, its upper half; z is C contiguous, total F contiguous."""
        size, rows, one = integer(z.shape[1]), integer(len(z)), ctypes.c_double(1.0)
        call(
            b"U",
            b"N",
            size,
            rows,
            one,
            z.ctypes.data,
            size,
            one,
            total.ctypes.data,
            size,
        )

    return add
