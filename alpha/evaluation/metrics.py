"""Loss, skill and rank IC of predictions: pure functions of arrays.

Outcome and prediction are float64 (rows,) and finite; whoever calls has dropped the rest.
Where a figure is not defined, `Undefined` says why, in words for a reader of the results.
"""

import math

import numpy as np


class Undefined(Exception):
    """A figure has no value here; the message is the reason, e.g. "no rows"."""


def mse(outcome: np.ndarray, prediction: np.ndarray | float) -> float:
    """Mean squared error, in the outcome's unit squared; a scalar prediction is a constant.

    Raises Undefined without rows, or if it is too large for a float.
    """
    _some(outcome)
    with np.errstate(over="ignore"):
        return finite(np.mean(np.square(outcome - prediction)))


def mae(outcome: np.ndarray, prediction: np.ndarray) -> float:
    """Mean absolute error, in the outcome's unit. Raises Undefined as `mse` does."""
    _some(outcome)
    with np.errstate(over="ignore"):
        return finite(np.mean(np.abs(outcome - prediction)))


def skill(outcome: np.ndarray, prediction: np.ndarray, *, constant: float) -> float:
    """1 − mse(prediction) / mse(constant), with the best constant fitted on train: its mean.

    0 is "no better than the average", negative is worse, 1 is perfect. Raises Undefined
    without rows, and where every outcome equals the constant (nothing is left to explain).
    """
    of_constant = mse(outcome, constant)
    # A mean of equal numbers is off from them by rounding, which is no variation to explain.
    rounding = 8 * np.finfo(np.float64).eps * float(np.max(np.abs(outcome)))
    if of_constant <= rounding**2:
        raise Undefined("every outcome equals the train mean")
    return finite(1.0 - mse(outcome, prediction) / of_constant)


def rank_ic(outcome: np.ndarray, prediction: np.ndarray) -> float:
    """Spearman's rank correlation, ties given their average rank.

    Source: Spearman (1904), as Pearson's correlation of the ranks. Raises Undefined with
    fewer than two rows, or where outcome or prediction is constant.
    """
    from scipy.stats import rankdata

    _some(outcome)
    if len(outcome) < 2:
        raise Undefined("fewer than two rows")
    for name, values in (("prediction", prediction), ("outcome", outcome)):
        if np.all(values == values[0]):
            raise Undefined(f"the {name} is constant")
    x = rankdata(outcome) - (len(outcome) + 1) / 2
    y = rankdata(prediction) - (len(outcome) + 1) / 2
    # Sums rather than dot products: BLAS adds in an order that depends on the core count.
    covariance = float(np.sum(x * y))
    return finite(covariance / math.sqrt(float(np.sum(x * x)) * float(np.sum(y * y))))


def std_ratio(outcome: np.ndarray, prediction: np.ndarray) -> float:
    """std(prediction) / std(outcome): near 0 is a collapsed model. Undefined if std is 0."""
    _some(outcome)
    if np.all(outcome == outcome[0]):
        raise Undefined("the outcome is constant")
    with np.errstate(over="ignore", invalid="ignore"):
        return finite(np.std(prediction) / np.std(outcome))


def share_within(values: np.ndarray, *, center: float, distance: float) -> float:
    """Share of `values` at most `distance` from `center`. Raises Undefined without rows."""
    _some(values)
    return float(np.mean(np.abs(values - center) <= distance))


def finite(value: float | np.floating) -> float:
    """`value` as a plain float. Raises Undefined if it overflowed."""
    if not math.isfinite(value):
        raise Undefined("too large for a number")
    return float(value)


def finite_or_none(value: float | np.floating) -> float | None:
    """`value` as a plain float, or None if it is not finite."""
    return float(value) if math.isfinite(value) else None


def _some(values: np.ndarray) -> None:
    if len(values) == 0:
        raise Undefined("no rows")
