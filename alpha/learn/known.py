"""What a model sees of a row, and what it says of it. Scoring imports this, and needs no library
beyond NumPy for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

# A file is read in parts of at most so many rows, which bounds memory.
PART_ROWS = 1 << 15
# TensorFlow takes an array without copying it where it starts at a multiple of so many bytes.
ALIGNED = 64


@dataclass(frozen=True)
class Known:
    """What is known at t: `x` (rows, features) float32, normalized and finite, without columns for
    a model that looks at no features; `past` (rows, 3) float64, the outcomes of the last completed
    windows over 1, 5 and 30 horizons, NaN where none is completed."""

    x: np.ndarray
    past: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: slice) -> "Known":
        """Views of these rows."""
        return Known(self.x[rows], self.past[rows])


class Predictor(Protocol):
    """A fitted model."""

    def predict(self, known: Known) -> np.ndarray:
        """Outcomes (rows,) float64, or of a classification target probabilities (rows, classes)
        that add up to 1. A row's prediction depends on that row alone."""

    def save(self, folder: Path) -> None:
        """Write everything `load` needs into an existing folder, as deterministic bytes."""


def expected(prediction: np.ndarray, classes: Sequence[float]) -> np.ndarray:
    """One number a row, (rows,), that ranks: of probabilities (rows, classes) the expected class
    code, without classes the prediction as it is."""
    if not classes:
        return prediction
    # Class by class: a matrix product adds in an order that depends on the cores.
    return sum((code * prediction[:, at] for at, code in enumerate(classes)), np.zeros(1))


def aligned(rows: int, columns: int) -> np.ndarray:
    """An array (rows, columns) float32 of any content that TensorFlow takes as it is."""
    size = rows * columns * 4
    raw = np.empty(size + ALIGNED, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNED
    found: Any = raw[start : start + size].view(np.float32).reshape(rows, columns)
    return found
