"""Loss, skill and spread of predictions: pure functions of arrays.

Outcome and prediction are float64 (rows,) and finite; whoever calls has dropped the rest.
Where a figure is not defined, `Undefined` says why, in words for a reader of the results.
"""

import math

import numpy as np


class Undefined(Exception):
    """A figure has no value here; the message is the reason, e.g. "no rows"."""


def mean(values: np.ndarray) -> float:
    """Mean of (rows,). Raises Undefined without rows, or if it is too large for a float."""
    some(values)
    with np.errstate(over="ignore", invalid="ignore"):
        return finite(np.mean(values))


def mse(outcome: np.ndarray, prediction: np.ndarray) -> float:
    """Mean squared error, in the outcome's unit squared. Raises Undefined as `mean` does."""
    with np.errstate(over="ignore"):
        error = outcome - prediction
        return mean(np.square(error, out=error))


def mae(outcome: np.ndarray, prediction: np.ndarray) -> float:
    """Mean absolute error, in the outcome's unit. Raises Undefined as `mean` does."""
    with np.errstate(over="ignore"):
        error = outcome - prediction
        return mean(np.abs(error, out=error))


def skill(outcome: np.ndarray, losses: np.ndarray, constant_losses: np.ndarray) -> float:
    """1 − sum of `losses` / sum of `constant_losses`, all (rows,).

    0 is "no better than the best constant", negative is worse, 1 is perfect. Raises Undefined
    without rows, and where nothing is left to explain: the outcome does not vary (another
    constant would be perfect), or the constant makes no loss.
    """
    some(outcome)
    if np.all(outcome == outcome[0]):
        raise Undefined("the outcome is constant")
    of_constant = mean(constant_losses)
    if of_constant <= 0:
        raise Undefined("every outcome equals the best constant")
    return finite(1.0 - mean(losses) / of_constant)


def std_ratio(outcome: np.ndarray, prediction: np.ndarray) -> float:
    """std(prediction) / std(outcome): near 0 is a collapsed model. Undefined if std is 0."""
    some(outcome)
    if np.all(outcome == outcome[0]):
        raise Undefined("the outcome is constant")
    with np.errstate(over="ignore", invalid="ignore"):
        return finite(np.std(prediction) / np.std(outcome))


def share_within(values: np.ndarray, *, center: float, distance: float) -> float:
    """Share of `values` at most `distance` from `center`. Raises Undefined without rows."""
    some(values)
    away = values - center
    return float(np.mean(np.abs(away, out=away) <= distance))


def some(values: np.ndarray) -> None:
    """Raises Undefined without rows."""
    if len(values) == 0:
        raise Undefined("no rows")


def finite(value: float | np.floating) -> float:
    """`value` as a plain float. Raises Undefined if it overflowed."""
    if not math.isfinite(value):
        raise Undefined("too large for a number")
    return float(value)


def finite_or_none(value: float | np.floating) -> float | None:
    """`value` as a plain float, or None if it is not finite."""
    return float(value) if math.isfinite(value) else None
