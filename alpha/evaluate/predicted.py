"""What one run predicts of some rows of one split."""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np


@dataclass(frozen=True)
class Predicted:
    """Consecutive rows in time order: arrays (rows,).

    `time_ns` int64, `outcome` finite, past `volatility` NaN where unknown. `score` is the number
    that is compared with the outcome; `values` is what the loss takes: the score, or a
    probability of each class (rows, classes).
    """

    time_ns: np.ndarray
    outcome: np.ndarray
    volatility: np.ndarray
    score: np.ndarray
    values: np.ndarray

    @property
    def finite(self) -> np.ndarray:
        """Where there is a prediction, (rows,) bool."""
        finite = np.isfinite(self.score)
        if self.values.ndim == 2:
            for column in self.values.T:
                finite &= np.isfinite(column)
        return finite

    def those(self, rows: np.ndarray) -> "Predicted":
        """The rows of a mask."""
        return Predicted(
            self.time_ns[rows],
            self.outcome[rows],
            self.volatility[rows],
            self.score[rows],
            self.values[rows],
        )

    def digest(self) -> bytes:
        """SHA-256 of times and outcomes, by which other rows are told apart."""
        found = sha256(np.ascontiguousarray(self.time_ns).data)
        found.update((self.outcome + 0.0).data)  # −0 is 0
        return found.digest()
