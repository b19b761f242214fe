"""The distribution of label and prediction, in bins that are fitted on train's label."""

import numpy as np

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
    for low, high in (np.quantile(outcome, (_TAIL, 1 - _TAIL)), np.quantile(outcome, (0, 1))):
        edges = np.linspace(low, high, BINS + 1)
        if np.all(np.diff(edges) > 0):
            return edges
    beside = max(abs(float(low)), 1e-6) / 2
    return np.array([low - beside, low + beside])


def counts(values: np.ndarray, edges: np.ndarray) -> list[int]:
    """Finite `values` (rows,) in each bin; the outer bins also hold all beyond."""
    inner = np.searchsorted(edges[1:-1], values, side="right")
    return [int(count) for count in np.bincount(inner, minlength=len(edges) - 1)]
