"""The distribution of one variable, far into its tail, where the money is."""

from collections.abc import Sequence

import numpy as np

from alpha.evaluation.metrics import finite_or_none

LEVELS = (0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)


def quantiles(
    values: np.ndarray, order: np.ndarray, levels: Sequence[float] = LEVELS
) -> list[float | None]:
    """Quantiles of finite `values` (rows,), linear between order statistics, one per level.

    `order` (rows,) are the rows by ascending value. All None without rows; None where a value
    is too large to interpolate.
    """
    if len(values) == 0:
        return [None] * len(levels)
    last = len(values) - 1
    place = np.array(levels) * last
    below = np.floor(place).astype(np.int64)
    low, high = values[order[below]], values[order[np.minimum(below + 1, last)]]
    part = place - below
    with np.errstate(over="ignore", invalid="ignore"):
        # From the nearer end, as numpy does: the same bits, and never beyond either.
        found = np.where(part < 0.5, low + (high - low) * part, high - (high - low) * (1 - part))
    return [finite_or_none(value) for value in found]
