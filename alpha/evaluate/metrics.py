"""Loss, skill and spread of finite float64; where a figure is not defined, the reason in words."""

import math
from collections.abc import Callable, Mapping

import numpy as np


class Undefined(Exception):
    """A figure has no value here; the message is the reason, e.g. "no rows"."""


def defined(
    figures: Mapping[str, Callable[[], float]], *, instead: str | None = None
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Each figure, None where it is Undefined, and the reason of each None: `instead`, if given."""
    found: dict[str, float | None] = dict.fromkeys(figures)
    reasons = {}
    for name, compute in figures.items():
        try:
            found[name] = compute()
        except Undefined as reason:
            reasons[name] = instead or str(reason)
    return found, reasons


def total(values: np.ndarray) -> float:
    """The sum, infinite or NaN where it is too large for a float."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sum(values))


def constant(values: np.ndarray) -> bool:
    return not len(values) or bool(np.min(values) == np.max(values))


def std(values: np.ndarray) -> float:
    """The population's, 0 without values; infinite or NaN if it is too large for a float."""
    with np.errstate(over="ignore", invalid="ignore"):
        # The mean of equal numbers is off from them by rounding, which is no variation.
        return 0.0 if constant(values) else float(np.std(values))


def mean(total: float, rows: int) -> float:
    """Raises Undefined without rows, or if it is too large for a float."""
    if not rows:
        raise Undefined("no rows")
    return finite(total / rows)


def skill(losses: float, constant_losses: float, rows: int, *, constant: bool) -> float:
    """1 − `losses` / `constant_losses`, sums: 0 is no better than the best constant. Raises
    Undefined without rows, and where nothing is left to explain: all outcomes are equal
    (`constant`: another constant would be perfect), or the best constant makes no loss."""
    if constant:
        raise Undefined("the outcome is constant" if rows else "no rows")
    of_constant = mean(constant_losses, rows)
    if of_constant <= 0:
        raise Undefined("every outcome equals the best constant")
    return finite(1.0 - mean(losses, rows) / of_constant)


def std_ratio(outcome: float, prediction: float, rows: int) -> float:
    """std(prediction) / std(outcome): near 0 is a collapsed model. Raises Undefined without rows,
    or if the outcome does not vary."""
    if not rows or outcome == 0:
        raise Undefined("the outcome is constant" if rows else "no rows")
    with np.errstate(all="ignore"):
        return finite(np.float64(prediction) / outcome)


def finite(value: float | np.floating) -> float:
    """`value` as a plain float. Raises Undefined if it overflowed."""
    if not math.isfinite(value):
        raise Undefined("too large for a number")
    return float(value)


def finite_or_none(value: float | np.floating) -> float | None:
    return float(value) if math.isfinite(value) else None
