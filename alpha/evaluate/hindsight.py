"""The skill that a constant cannot have, and what a split could have shown of it.

Train's best constant loses where the level of the outcome moves, to any model whose level happens
to be lower or higher; the constant that fits the judged rows, under the same loss, does not.
docs/verdicts.md has the formulas, and why that constant is not fitted anew in each resample. Over
folds it is one, by the loss of all their train rows; each fold's own measures what it loses.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from alpha.evaluate.bootstrap import CELLS_PER_BLOCK, Blocks
from alpha.evaluate.figures import Value
from alpha.evaluate.over_seeds import Widened
from alpha.learn.losses import Objective


class Part(NamedTuple):
    """Rows with one loss, those of a fold, and for each the best constant of the train rows that it
    is compared with: its fold's, of its own symbol if there are several."""

    rows: slice
    loss: Objective
    constant: np.ndarray  # (rows,), or of classes probabilities (rows, classes)


Parts = Sequence[Part]  # in order
# How often a skill of the size of `detectable` would be proven.
POWER = 0.8


def best_losses(
    objective: Objective, parts: Parts, outcome: np.ndarray, symbol: np.ndarray
) -> np.ndarray:
    """The losses of the constant that fits these rows best, (rows,) each; with rows' `symbol`, by
    number, of the one that fits the symbol's."""
    if not len(outcome):
        return np.zeros(0)
    with np.errstate(over="ignore", invalid="ignore"):
        of_symbols = [outcome[symbol == one] for one in np.unique(symbol)] or [outcome]
        best = by_row([objective.best_constant(of) for of in of_symbols], symbol, len(outcome))
        return np.concatenate([of.loss.losses(outcome[of.rows], best[of.rows]) for of in parts])


def by_row(constants: Sequence[np.ndarray], symbol: np.ndarray, rows: int) -> np.ndarray:
    """The constant of each row's symbol, (rows, ...); of one symbol, whose rows have no number, a
    view."""
    if len(constants) > 1:
        return np.stack(constants)[symbol]
    return np.broadcast_to(constants[0], (rows, *np.shape(constants[0])))


def power(value: Value, resampled: np.ndarray | None, widened: Widened) -> dict[str, Value]:
    """Of a skill with these resamples `detectable`, the smallest that would be proven with POWER:
    the distance to the interval's low end, which must be above 0, and z(POWER) standard errors of
    the bootstrap (Cohen 1988). Both shrink with the square root of time, hence `days_needed`, how
    many days as these would prove `value` so, None if it is not above 0. Empty without an interval.
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
    return blocks.cells * blocks.seconds / CELLS_PER_BLOCK / 86400
