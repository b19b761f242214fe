"""Ridge regression in closed form, from sums that stream over the rows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from alpha.artifacts import read_json, write_json
from alpha.dataset import Dataset
from alpha.params import Ridge

_BLOCK_ROWS = 1 << 14


@dataclass(frozen=True)
class LinearModel:
    """intercept + x · weights, in float64; weights (features,)."""

    intercept: float
    weights: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        # Summed row by row in a fixed order, unlike a matrix product, so that a prediction
        # does not depend on the rows beside it or on the number of threads.
        out = np.full(len(x), self.intercept)
        for start in range(0, len(x), _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            out[rows] += np.einsum("ij,j->i", x[rows].astype(np.float64), self.weights)
        return out

    def save(self, folder: Path) -> None:
        write_json(
            folder / "parameters.json",
            {"intercept": self.intercept, "weights": self.weights.tolist()},
        )


def fit(train: Dataset, knobs: Ridge) -> LinearModel:
    """Minimize |y − a − Xw|² + penalty · |w|² over train, a free (Hoerl and Kennard 1970).

    With penalty 0 and collinear features, the weights of least norm.
    """
    rows, features = train.x.shape
    x_mean = train.x.mean(axis=0, dtype=np.float64)
    y_mean = float(train.y.mean())
    gram = np.zeros((features, features))
    moment = np.zeros(features)
    # One thread: the order of a sum, and so its last bits, would depend on their number.
    with threadpool_limits(1):
        for start in range(0, rows, _BLOCK_ROWS):
            block = train.x[start : start + _BLOCK_ROWS].astype(np.float64) - x_mean
            gram += block.T @ block
            moment += block.T @ (train.y[start : start + _BLOCK_ROWS] - y_mean)
        gram[np.diag_indices(features)] += knobs.penalty
        weights = np.linalg.lstsq(gram, moment, rcond=None)[0]
    return LinearModel(y_mean - float(x_mean @ weights), weights)


def load(folder: Path) -> LinearModel:
    content = read_json(folder / "parameters.json")
    return LinearModel(content["intercept"], np.array(content["weights"]))
