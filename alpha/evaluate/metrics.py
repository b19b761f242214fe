"""Loss, skill and spread of predictions, from sums over rows that come in parts.

Outcome and prediction are float64 and finite; whoever adds them up has dropped the rest. Where a
figure is not defined, `Undefined` says why, in words for a reader of the results.
"""

import math
from dataclasses import dataclass

import numpy as np


class Undefined(Exception):
    """A figure has no value here; the message is the reason, e.g. "no rows"."""


@dataclass
class Moments:
    """Count, sum, extremes and sum of squared deviations from the mean of values that come in
    parts."""

    count: int = 0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    squares: float = 0.0

    def add(self, values: np.ndarray) -> None:
        """The next values, (rows,)."""
        count = len(values)
        if not count:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            total = np.sum(values)
            away = values - total / count
            self.squares += float(np.sum(np.square(away, out=away)))
            if self.count:
                # Chan, Golub and LeVeque (1979).
                apart = np.float64(self.total / self.count) - total / count
                weight = self.count * count / (self.count + count)
                self.squares += float(apart * apart * weight)
        self.count += count
        self.total += float(total)
        self.low = min(self.low, float(np.min(values)))
        self.high = max(self.high, float(np.max(values)))

    @property
    def mean(self) -> float:
        """Of at least one value; infinite or NaN if it is too large for a float."""
        return self.total / self.count

    @property
    def std(self) -> float:
        """The population's, of at least one value; as `mean` if too large."""
        # The mean of equal numbers is off from them by rounding, which is no variation.
        return 0.0 if self.constant else math.sqrt(self.squares / self.count)

    @property
    def constant(self) -> bool:
        return self.low == self.high


def mean(total: float, rows: int) -> float:
    """Raises Undefined without rows, or if it is too large for a float."""
    if not rows:
        raise Undefined("no rows")
    return finite(total / rows)


def skill(losses: float, constant_losses: float, rows: int, *, constant: bool) -> float:
    """1 − sum of `losses` / sum of `constant_losses`, over `rows` rows, of which all outcomes
    are equal if `constant`.

    0 is "no better than the best constant", negative is worse, 1 is perfect. Raises Undefined
    without rows, and where nothing is left to explain: the outcome does not vary (another
    constant would be perfect), or the constant makes no loss.
    """
    _varies(rows, constant)
    of_constant = mean(constant_losses, rows)
    if of_constant <= 0:
        raise Undefined("every outcome equals the best constant")
    return finite(1.0 - mean(losses, rows) / of_constant)


def std_ratio(outcome: Moments, prediction: Moments) -> float:
    """std(prediction) / std(outcome): near 0 is a collapsed model. Undefined if std is 0."""
    _varies(outcome.count, outcome.constant)
    with np.errstate(all="ignore"):
        return finite(np.float64(prediction.std) / outcome.std)


def _varies(rows: int, constant: bool) -> None:
    if not rows:
        raise Undefined("no rows")
    if constant:
        raise Undefined("the outcome is constant")


def finite(value: float | np.floating) -> float:
    """`value` as a plain float. Raises Undefined if it overflowed."""
    if not math.isfinite(value):
        raise Undefined("too large for a number")
    return float(value)


def finite_or_none(value: float | np.floating) -> float | None:
    """`value` as a plain float, or None if it is not finite."""
    return float(value) if math.isfinite(value) else None
