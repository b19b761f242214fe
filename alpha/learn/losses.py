"""What is minimized and what skill compares: the loss of each row, and train's best constant. A
regression target is predicted as a number, (rows,), a class as probabilities (rows, classes)."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from alpha.data.params import Label, classes
from alpha.learn.params import Loss

# A class that is called impossible costs as much as one of this probability, not everything.
LEAST_PROBABILITY = 1e-6
_WORDS = {
    "mse": "squared error",
    "mae": "absolute error",
    "huber": "Huber loss",
    "quantile": "quantile loss",
    "tail_mse": "tail-weighted squared error",
}
# In sigmas: an error below it weighs no more than one of that size, as 1 / 0 is not a weight.
_LEAST_ERROR = 1e-3


def near_mean_tolerance(sigma: float) -> float:
    """How far from the train mean a prediction still counts as near it, of outcomes with `sigma`:
    if most are, a model is collapsed. A definition, so that any two runs can be compared."""
    return 0.01 * sigma


@dataclass(frozen=True)
class Objective:
    """A loss and what it needs to know of train's outcomes: `mean`, `sigma` (1 if all are equal),
    `tail`, the |outcome| beyond which tail_mse weighs more, `class_weights` (classes,) of the
    cross-entropy, and `constant`, the best one: a number, or probabilities (classes,)."""

    loss: Loss
    classes: tuple[float, ...]
    mean: float
    sigma: float
    tail: float
    class_weights: np.ndarray
    constant: np.ndarray

    @classmethod
    def fit(cls, outcome: np.ndarray, label: Label, loss: Loss) -> "Objective":
        """From train's outcomes (rows,), finite and at least one."""
        codes = classes(label)
        mean = _mean(outcome)
        # A mean of equal numbers is off from them by rounding, which is no variation. Squares of
        # the smallest numbers are 0 too.
        sigma = math.sqrt(float(np.square(outcome - mean).sum()) / len(outcome)) or 1.0
        tail = float(np.quantile(np.abs(outcome), loss.tail_quantile, overwrite_input=True))
        share = np.array([np.count_nonzero(outcome == code) for code in codes]) / len(outcome)
        weights = np.ones(len(codes))
        if loss.class_weights == "balanced" and codes:
            seen = share > 0
            weights = np.where(seen, 1 / np.where(seen, share, 1.0) / seen.sum(), 0.0)
        bare = cls(loss, codes, mean, sigma, tail, weights, np.array(mean))
        return replace(bare, constant=bare.best_constant(outcome))

    @property
    def words(self) -> str:
        """The loss as a reader knows it, such as "squared error"."""
        if self.classes:
            weighted = "weighted " if self.loss.class_weights == "balanced" else ""
            return f"{weighted}cross-entropy"
        return _WORDS[self.loss.name]

    @np.errstate(over="ignore", invalid="ignore")
    def losses(self, outcome: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """The loss of each row, (rows,): in the outcome's unit or its square, or in nats. NaN where
        `prediction`, of each row or one constant, is; infinite where a square overflows."""
        if self.classes:
            column = self.of_class(outcome)
            own = (np.arange(len(outcome)), column) if np.ndim(prediction) == 2 else column
            chosen = np.maximum(prediction[own], LEAST_PROBABILITY)
            return self.class_weights[column] * -np.log(chosen)
        error, loss = outcome - prediction, self.loss
        if loss.name == "mae":
            return np.abs(error)
        if loss.name == "huber":
            delta, size = loss.huber_delta * self.sigma, np.abs(error)
            return np.where(size <= delta, 0.5 * error**2, delta * (size - 0.5 * delta))
        if loss.name == "quantile":  # Koenker and Bassett (1978)
            return np.maximum(loss.quantile * error, (loss.quantile - 1) * error)
        return self.row_weights(outcome) * error**2 if loss.name == "tail_mse" else error**2

    def of_class(self, outcome: np.ndarray) -> np.ndarray:
        """The column of each outcome's class, (rows,) int64."""
        return np.searchsorted(self.classes, outcome)

    def row_weights(self, outcome: np.ndarray) -> np.ndarray:
        """How much each row counts in the loss, (rows,)."""
        if self.classes:
            return self.class_weights[self.of_class(outcome)]
        if self.loss.name == "tail_mse":
            return np.where(np.abs(outcome) > self.tail, self.loss.tail_weight, 1.0)
        return np.ones(len(outcome))

    def error_weights(self, error: np.ndarray) -> np.ndarray:
        """The weights (rows,), of mean 1, of iteratively reweighted least squares (Holland and
        Welsch 1977): the slope of each loss over its `error` e (outcome − prediction, (rows,)).

        For mae 1 / |e|; for huber 1 up to delta and delta / |e| beyond; for quantile q / |e| above
        the prediction and (1 − q) / |e| below it. An |e| under 0.001 sigma counts as that much.
        """
        least = self.loss.huber_delta if self.loss.name == "huber" else _LEAST_ERROR
        least *= self.sigma
        weights = least / np.maximum(np.abs(error), least)
        if self.loss.name == "quantile":
            weights *= np.where(error > 0, self.loss.quantile, 1 - self.loss.quantile)
        return weights / np.mean(weights)

    def best_constant(self, outcome: np.ndarray) -> np.ndarray:
        """The constant of the smallest loss on these outcomes, (rows,), finite and at least one: a
        number, or probabilities (classes,), zeros where no row's class has a weight."""
        if self.classes:
            share = [np.count_nonzero(outcome == code) for code in self.classes]
            weighted = np.array(share) / len(outcome) * self.class_weights
            return np.asarray(weighted / (weighted.sum() or 1.0))
        best: Any = _mean(outcome)
        if self.loss.name == "mae":
            best = np.median(outcome)
        elif self.loss.name == "quantile":
            # An order statistic: what is between two of them is not the best of few rows.
            best = np.quantile(outcome, self.loss.quantile, method="inverted_cdf")
        elif self.loss.name == "tail_mse":
            # Around the mean, so that the constant of equal outcomes is exactly that outcome.
            weight = self.row_weights(outcome)
            best = best + (weight * (outcome - best)).sum() / weight.sum()
        elif self.loss.name == "huber":
            # Where the pull of the outcomes, each bounded by delta, is in balance: by bisection.
            delta = self.loss.huber_delta * self.sigma
            low, high = float(outcome.min()), float(outcome.max())
            for _ in range(201):
                best = (low + high) / 2
                if not low < best < high:
                    break
                if np.clip(outcome - best, -delta, delta).sum() > 0:
                    low = best
                else:
                    high = best
        return np.array(best)


def _mean(outcome: np.ndarray) -> float:
    """Of equal numbers exactly that number."""
    low, high = float(outcome.min()), float(outcome.max())
    return low if low == high else float(outcome.sum()) / len(outcome)
