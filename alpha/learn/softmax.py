"""Exponentials and softmax in fixed operations: a library's differ between processors, and between
the rows of a batch and one row, in their last bits."""

import numpy as np
from numba import njit

_compiled = njit(cache=True, nogil=True)
# ln 2 in two parts, of which the first has so few digits that its multiples are exact.
_LN2_HIGH, _LN2_LOW = 6.93145751953125e-1, 1.42860682030941723212e-6
_LOG2_E = 1.4426950408889634074
# Powers of two down to where exp is 0.
_POWERS = 2.0 ** -np.arange(1076.0)
_LEAST = -745.0


@_compiled
def exp(x: float) -> float:
    """e to the power of x ≤ 0 within 2 units in the last place; 0 below −745. By a rational
    function of what is left of x over ln 2 (S. L. Moshier: Cephes, exp.c)."""
    if not x > _LEAST:
        return 0.0
    halvings = int(0.5 - x * _LOG2_E)
    x = (x + halvings * _LN2_HIGH) + halvings * _LN2_LOW
    square = x * x
    odd = ((1.26177193074810590878e-4 * square + 3.02994407707441961300e-2) * square + 1.0) * x
    even = (3.00198505138664455042e-6 * square + 2.52448340349684104192e-3) * square
    even = (even + 2.27265548208155028766e-1) * square + 2.0
    return (1.0 + 2.0 * (odd / (even - odd))) * _POWERS[halvings]


@_compiled
def softmax(values: np.ndarray) -> np.ndarray:
    """Probabilities (rows, classes) of finite float64 `values` (rows, classes), row by row."""
    out = np.empty_like(values)
    for row in range(len(values)):
        most, total = values[row].max(), 0.0
        for at in range(values.shape[1]):
            out[row, at] = exp(values[row, at] - most)
            total += out[row, at]
        for at in range(values.shape[1]):
            out[row, at] /= total
    return out
