"""A line of least loss: penalized least squares in closed form, from sums that stream over the
rows, and for a loss that is no square a few rounds of it under changing weights."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from alpha.core import parallel

if TYPE_CHECKING:
    from alpha.learn.losses import Objective

# Rows that one thread takes at a time.
_BLOCK_ROWS = 1 << 14
# Rows of one product: as many as stay in a core's cache. And how many sums are kept side by
# side, each by a thread of its own: fixed, so that results do not depend on the cores.
_PRODUCT_ROWS = 1 << 10
_LANES = 2
# The least probability of a class, where the line leaves the probabilities.
_LEAST = 1e-3
# Rounds of iteratively reweighted least squares: at most so many, until the loss gains no more.
_ROUNDS = 30
_LEAST_GAIN = 1e-4


@dataclass(frozen=True)
class LinearModel:
    """intercept + x · weights, in float64: weights (inputs, outputs), intercept (outputs,).

    A regression target has one output, a classification target one a class, whose values become
    probabilities: at least 0.001 each, scaled to add up to 1.
    """

    intercept: np.ndarray
    weights: np.ndarray

    def outcomes(self, x: np.ndarray) -> np.ndarray:
        """(rows,), or probabilities (rows, classes)."""
        out, weights = np.empty((len(x), len(self.intercept))), np.ascontiguousarray(self.weights.T)
        if x.shape[1] != weights.shape[1]:
            raise ValueError(f"must have {weights.shape[1]} inputs, found {x.shape[1]}")
        given = self.intercept, weights
        parallel.by_rows(_outcomes, x, *given, out=out, size=_BLOCK_ROWS)
        if len(self.intercept) == 1:
            return out[:, 0]
        bounded = np.maximum(out, _LEAST)
        return bounded / bounded.sum(axis=1, keepdims=True)


@njit(cache=True, nogil=True)
def _outcomes(x: np.ndarray, intercept: np.ndarray, weights: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` (rows, outputs), `weights` being (outputs, inputs). Summed row by row in a fixed
    order, unlike a matrix product, so that a prediction does not depend on the rows beside it, on
    threads or on the processor."""
    for row in range(len(x)):
        for at in range(len(intercept)):
            total = 0.0
            for i in range(x.shape[1]):
                total += x[row, i] * weights[at, i]
            out[row, at] = intercept[at] + total


# One pass over the inputs: (rows, inputs) finite, part by part, in the order of the rows.
Pass = Callable[[], Iterable[np.ndarray]]


def least_loss(x: Pass, y: np.ndarray, objective: "Objective", *, penalty: float) -> LinearModel:
    """Minimize Σ weight · |y − a − xw|² + penalty · |w|², a free (Hoerl and Kennard 1970).

    `x` gives the inputs of all rows once more at each call; of classes y is an indicator of each
    (a linear probability model). Rows weigh as they do in the loss. With mae, huber and quantile,
    weights depend on the errors: iteratively reweighted least squares (Holland and Welsch 1977),
    from equal weights on, and of all its lines the one of least mean loss. With penalty 0 and
    collinear inputs, the weights of least norm.
    """
    target = y[:, None]
    if objective.classes:
        target = (objective.of_class(y)[:, None] == np.arange(len(objective.classes))) * 1.0
    best, least, weight = None, np.inf, objective.row_weights(y)
    for _ in range(1 + _ROUNDS):
        line = _least_squares(x(), target, weight, penalty)
        if objective.classes or objective.loss.name in ("mse", "tail_mse"):
            return line
        prediction = np.concatenate([line.outcomes(part) for part in x()])
        loss, before = np.mean(objective.losses(y, prediction)), least
        if best is None or loss < least:
            best, least = line, loss
        if not loss < before * (1 - _LEAST_GAIN):
            break
        weight = objective.error_weights(y - prediction)
    assert best is not None
    return best


class SumsOfProducts:
    """Σ weight · z z' over rows that come part by part, z = (x, target, 1) − shift.

    `shift` (columns,) is near the means, so that no digits are lost in sums of squares; its last
    is 0. The same bits on any number of cores, but not for other parts of the same rows.
    """

    def __init__(self, shift: np.ndarray) -> None:
        self.shift = shift
        self._lanes = np.zeros((_LANES, len(shift), len(shift)))
        self._z = np.empty((_LANES, _PRODUCT_ROWS, len(shift)))

    def add(self, x: np.ndarray, target: np.ndarray, weight: np.ndarray) -> None:
        """`x` (rows, inputs) finite, `target` (rows, outputs), `weight` (rows,) not negative."""
        from threadpoolctl import threadpool_limits

        root, one = np.sqrt(weight)[:, None], np.ones((len(x), 1))

        def lane(number: int) -> None:
            for start in range(number * _PRODUCT_ROWS, len(x), _LANES * _PRODUCT_ROWS):
                rows = slice(start, start + _PRODUCT_ROWS)
                z, parts = self._z[number, : len(x[rows])], (x[rows], target[rows], one[rows])
                np.subtract(np.concatenate(parts, axis=1, out=z), self.shift, out=z)
                self._lanes[number] += z.T @ np.multiply(z, root[rows], out=z)

        # BLAS on one thread in each lane: the order of a sum would depend on their number.
        with threadpool_limits(1):
            parallel.each(lane, range(_LANES))

    @property
    def sums(self) -> np.ndarray:
        """(columns, columns) float64."""
        return self._lanes.sum(axis=0)


def _least_squares(
    x: Iterable[np.ndarray], target: np.ndarray, weight: np.ndarray, penalty: float
) -> LinearModel:
    """The line of `target` (rows, outputs) on `x` (rows, inputs); a row counts `weight` (rows,)."""
    from threadpoolctl import threadpool_limits

    found: SumsOfProducts | None = None
    row = inputs = 0
    for part in x:
        rows, inputs = slice(row, row + len(part)), part.shape[1]
        if found is None:
            # Near the means.
            both = part[:_BLOCK_ROWS], target[rows][:_BLOCK_ROWS]
            x_mean, y_mean = (values.mean(axis=0, dtype=np.float64) for values in both)
            found = SumsOfProducts(np.concatenate((x_mean, y_mean, [0.0])))
        found.add(part, target[rows], weight[rows])
        row += len(part)
    assert found is not None, "there is at least one row"
    sums = found.sums
    means = sums[-1] / sums[-1, -1]
    centered = sums[:-1, :-1] - np.outer(means, sums[-1])[:-1, :-1]
    products, moment = centered[:inputs, :inputs], centered[:inputs, inputs:]
    products[np.diag_indices(inputs)] += penalty
    # One thread: the order of a sum, and so its last bits, would depend on their number.
    with threadpool_limits(1):
        weights = np.linalg.lstsq(products, moment, rcond=None)[0]
    x_mean, y_mean = np.split((found.shift + means)[:-1], [inputs])
    return LinearModel(y_mean - np.einsum("i,ij->j", x_mean, weights), weights)
