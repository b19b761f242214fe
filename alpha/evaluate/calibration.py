"""Calibration: what came, on average, of the rows in each decile of the predictions."""

import numpy as np

from alpha.evaluate.details import Bin
from alpha.evaluate.metrics import finite_or_none


class Calibration:
    """A taker (alpha.evaluate.ranks) of `rows` predictions with their outcomes."""

    def __init__(self, rows: int) -> None:
        self._all = rows
        self._rows = np.zeros(10, dtype=np.int64)
        self._predictions, self._outcomes = np.zeros((2, 10))

    def __call__(self, records: np.ndarray, ranks: np.ndarray) -> None:
        decile = (ranks[:, 0] + np.int64(self._all)) * 5
        decile //= max(self._all, 1)
        np.minimum(decile, 9, out=decile)
        self._rows += np.bincount(decile, minlength=10)
        with np.errstate(over="ignore", invalid="ignore"):
            self._predictions += np.bincount(decile, weights=records["value"], minlength=10)
            self._outcomes += np.bincount(decile, weights=records["outcome"], minlength=10)

    def bins(self) -> list[Bin]:
        """Ascending by prediction.

        Rows with equal predictions stay together, in the decile of their middle rank; a decile
        that none falls into is left out, as is one whose means are too large for a float.
        """
        bins = []
        for at in np.flatnonzero(self._rows):
            rows = self._rows[at]
            x = finite_or_none(self._predictions[at] / rows)
            y = finite_or_none(self._outcomes[at] / rows)
            if x is not None and y is not None:
                bins.append(Bin(rows=int(rows), prediction=x, outcome=y))
        return bins
