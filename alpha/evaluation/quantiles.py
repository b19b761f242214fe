"""The distribution of one variable, far into its tail, where the money is."""

import numpy as np

from alpha.evaluation.metrics import finite_or_none

LEVELS = (0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)


def quantiles(values: np.ndarray, levels: tuple[float, ...] = LEVELS) -> list[float | None]:
    """Quantiles of finite `values` (rows,), linear between order statistics, one per level.

    All None without rows; None where a value is too large to interpolate.
    """
    if len(values) == 0:
        return [None] * len(levels)
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.quantile(values, levels)
    return [finite_or_none(value) for value in found]
