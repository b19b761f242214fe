"""The distribution of label and prediction, in bins that are fitted on train's label."""

import numpy as np
from numba import njit

BINS = 60
_TAIL = 0.001


def bin_edges(outcome: np.ndarray, classes: tuple[float, ...] = ()) -> np.ndarray:
    """Ascending edges, (bins + 1,), from train's outcomes (rows,).

    BINS equal bins between the 0.1 % and the 99.9 % quantile, or between the extremes if these
    are equal; a single bin around a constant; a bin for each of `classes`, ascending.
    """
    if classes:
        codes = np.array(classes)
        return np.concatenate(([codes[0] - 0.5], (codes[1:] + codes[:-1]) / 2, [codes[-1] + 0.5]))
    for levels in ((_TAIL, 1 - _TAIL), (0.0, 1.0)):
        low, high = np.quantile(outcome, levels)
        edges = np.linspace(low, high, BINS + 1)
        if np.all(np.diff(edges) > 0):
            return edges
    beside = max(abs(float(low)), 1e-6) / 2
    return np.array([low - beside, low + beside])


def counts(values: np.ndarray, order: np.ndarray, edges: np.ndarray) -> list[int]:
    """Finite `values` (rows,) in each bin; the outer bins also hold all beyond. `order` (rows,)
    are the rows by ascending value."""
    below = [_below(values, order, edge) for edge in edges[1:-1]]
    return [int(count) for count in np.diff([0, *below, len(values)])]


@njit(cache=True, nogil=True)
def _below(values: np.ndarray, order: np.ndarray, edge: float) -> int:
    """How many values are below `edge`, by bisection."""
    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        if values[order[middle]] < edge:
            low = middle + 1
        else:
            high = middle
    return low
