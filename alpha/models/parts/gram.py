"""Weighted sums of products of all pairs of columns, the work of least squares."""

import ctypes
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit
from threadpoolctl import threadpool_limits

# Rows of one product: as many as stay in a core's cache. And how many sums are kept side by
# side, each by a thread of its own: fixed, so that results do not depend on the cores.
_BLOCK_ROWS = 1 << 10
_LANES = 2


def gram(x: np.ndarray, target: np.ndarray, weight: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Σ weight · z z' over the rows, z = (x, target, 1) − shift: (columns, columns) float64.

    `x` (rows, inputs) finite, `target` (rows, outputs), `weight` (rows,) not negative, `shift`
    (columns,) near the means, so that no digits are lost in sums of squares; its last is 0.
    """
    target, root = np.asarray(target, dtype=np.float64), np.sqrt(weight)

    def lane(number: int) -> np.ndarray:
        total = np.zeros((len(shift), len(shift)), order="F")
        z = np.empty((_BLOCK_ROWS, len(shift)))
        for start in range(number * _BLOCK_ROWS, len(x), _LANES * _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            count = _fill(x[rows], target[rows], root[rows], shift, z)
            add_products(z[:count], total)
        return total

    add_products = _blas_syrk()
    # BLAS on one thread in each lane: the order of a sum would depend on their number.
    with threadpool_limits(1), ThreadPoolExecutor(_LANES) as lanes:
        upper = sum(lanes.map(lane, range(_LANES)), np.zeros((len(shift), len(shift))))
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
