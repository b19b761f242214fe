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
from alpha.learn.losses import Objective

# How often a skill of the size of `detectable` would be proven.
POWER = 0.8
_SECONDS_PER_DAY = 86400.0


class Hindsight:
    """The losses of the best constant of a split's rows: `total`, and by cell (cells,), None where
    they fall into too few blocks for an interval.

    The constant stays that of all rows in every resample. A constant of each resample's own is one
    more fit to chance: on simulated levels that wander it put the low end above the truth in 0 to
    0.5 % of worlds, this one in 0.5 to 1.3 %, where 2.5 % are meant (docs/verdicts.md).
    """

    def __init__(self, objective: Objective, outcome: np.ndarray, blocks: Blocks) -> None:
        """From the outcomes (rows,) of the rows of `blocks`."""
        losses = np.zeros(0)
        if len(outcome):
            with np.errstate(over="ignore", invalid="ignore"):
                losses = objective.losses(outcome, objective.best_constant(outcome))
        self.total, self.by_cell = metrics.total(losses), None
        if blocks.reason is None:
            by_cell = blocks.by_cell(losses)
            self.by_cell = by_cell if blocks.effective(by_cell) >= LEAST_EFFECTIVE else None


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
