"""The skill that a constant cannot have: against the best constant of the judged rows themselves.

Train's best constant loses where the level of the outcome moves, to any model whose level happens
to be lower or higher. The constant that fits the judged rows, under the same loss, does not: a
skill against it (for mse the R² of those rows) is of telling rows apart. docs/verdicts.md has the
formulas.
"""

from statistics import NormalDist

import numpy as np

from alpha.evaluate import metrics
from alpha.evaluate.bootstrap import CELLS_PER_BLOCK, LEAST_EFFECTIVE, Blocks
from alpha.evaluate.figures import Value
from alpha.evaluate.over_seeds import Widened
from alpha.learn.losses import LEAST_PROBABILITY, Objective

# How often a skill of the size of `detectable` would be proven.
POWER = 0.8
_SECONDS_PER_DAY = 86400.0


class Hindsight:
    """The losses of the best constant of a split's rows: `total`, and `resampled` (resamples,),
    None where there is no interval.

    It is fitted again in each resample, from resampled sums, for mse, tail_mse and the
    cross-entropy; the others keep the constant of all rows, which is as good to first order.
    """

    def __init__(self, objective: Objective, outcome: np.ndarray, blocks: Blocks) -> None:
        """From the outcomes (rows,) of the rows of `blocks`."""
        self.resampled: np.ndarray | None = None
        if not len(outcome):
            self.total = 0.0
            return
        with np.errstate(over="ignore", invalid="ignore"):
            constant = objective.best_constant(outcome)
            losses = objective.losses(outcome, constant)
        self.total, by_cell = metrics.total(losses), blocks.by_cell(losses)
        if blocks.reason is not None or blocks.effective(by_cell) < LEAST_EFFECTIVE:
            return
        if objective.classes:
            weight, column = objective.row_weights(outcome), objective.of_class(outcome)
            of_class = [np.where(column == at, weight, 0.0) for at in range(len(constant))]
            sums = blocks.sums(map(blocks.by_cell, of_class))
            shares = np.maximum(sums / np.maximum(sums.sum(axis=0), 1e-300), LEAST_PROBABILITY)
            self.resampled = -(sums * np.log(shares)).sum(axis=0)
        elif objective.loss.name in ("mse", "tail_mse"):
            weight = objective.row_weights(outcome)
            with np.errstate(over="ignore", invalid="ignore"):
                off = blocks.by_cell(weight * (outcome - constant))
                square, total_off, weights = blocks.sums((by_cell, off, blocks.by_cell(weight)))
                self.resampled = square - total_off**2 / weights
        else:
            [self.resampled] = blocks.sums([by_cell])


def power(value: Value, resampled: np.ndarray | None, widened: Widened) -> dict[str, Value]:
    """What a split could have shown, of a skill with these resamples: `detectable`, the smallest
    skill that would be proven with POWER, and `days_needed`, how many days as these would prove
    `value` so, None if it is not above 0. Empty without an interval.

    It is the distance of the interval's low end plus z(POWER) standard errors of the bootstrap, as
    a skill is proven where that end is above 0 (Cohen 1988); both shrink with the square root of
    time. The interval may be widened for tries: so is this.
    """
    low, _ = widened.ends(value, resampled)
    if value is None or low is None or resampled is None:
        return {}
    error = float(np.std(resampled[np.isfinite(resampled)]))
    least = max(value - low, 0.0) + NormalDist().inv_cdf(POWER) * error
    needed = days(widened.blocks) * (least / value) ** 2 if value > 0 else None
    return {"detectable": least, "days_needed": needed}


def days(blocks: Blocks) -> float:
    """The time that was observed."""
    return blocks.cells * blocks.seconds / CELLS_PER_BLOCK / _SECONDS_PER_DAY
