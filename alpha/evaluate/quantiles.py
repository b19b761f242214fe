"""The distribution of one variable, far into its tail, where the money is."""

from collections.abc import Sequence

import numpy as np

from alpha.evaluate.metrics import finite_or_none

LEVELS = (0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)


class Quantiles:
    """Quantiles of `rows` finite values, linear between order statistics: `places` (n,) int64 are
    those of the ascending order that are needed."""

    def __init__(self, rows: int, levels: Sequence[float] = LEVELS) -> None:
        place = np.array(levels) * max(rows - 1, 0)
        below = np.floor(place).astype(np.int64)
        self._part, self._none = place - below, rows == 0
        self._ends = np.stack((below, np.minimum(below + 1, max(rows - 1, 0))))
        self.places = np.unique(self._ends)

    def of(self, values: np.ndarray) -> list[float | None]:
        """From the values at `places`, (n,), one per level: all None without rows; None where a
        value is too large to interpolate."""
        if self._none:
            return [None] * len(self._part)
        low, high = values[np.searchsorted(self.places, self._ends)]
        part = self._part
        with np.errstate(over="ignore", invalid="ignore"):
            # From the nearer end, as numpy does: the same bits, and never beyond either.
            up, down = low + (high - low) * part, high - (high - low) * (1 - part)
        return [finite_or_none(value) for value in np.where(part < 0.5, up, down)]
