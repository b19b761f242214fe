"""Importance of features and of families: the skill that is lost when what they say is shuffled."""

from collections.abc import Callable, Mapping

import numpy as np

from alpha.data.contract import Contract
from alpha.learn.dataset import Rows
from alpha.learn.known import Known, Predictor
from alpha.learn.losses import Objective

# Neighbouring windows overlap, so that so many rows of valid tell as much as all of them.
_MOST_ROWS = 1 << 14


def of_model(
    model: Predictor,
    valid: Rows,
    objective: Objective,
    contract: Contract,
    *,
    block_ns: int,
    seed: int,
) -> dict[str, dict[str, float]]:
    """The importance on valid of all `families` and all `features`, by name (`by_group`). It is
    of every k-th row of valid, with the least k by which these are no more than 16,384."""
    every = -(-len(valid.y) // _MOST_ROWS)
    features = {name: [at] for at, name in enumerate(contract.names)}
    families: dict[str, list[int]] = {}
    for at, family in enumerate(contract.families):
        families.setdefault(family, []).append(at)
    found, row = [], 0
    for part in valid.parts():
        found.append(part[-row % every :: every])
        row += len(part)
    known = Known(*(np.concatenate([getattr(of, name) for of in found]) for name in ("x", "past")))
    y, blocks = valid.y[::every], block_rows(valid.time_ns[::every], block_ns=block_ns)
    constant_loss = float(np.mean(objective.losses(y, objective.constant))) or 1.0

    def loss(known: Known) -> float:
        return float(np.mean(objective.losses(y, model.predict(known)))) / constant_loss

    groups = {"families": families, "features": features}
    return {of: by_group(loss, known, own, blocks, seed=seed) for of, own in groups.items()}


def by_group(
    loss: Callable[[Known], float],
    known: Known,
    groups: Mapping[str, list[int]],
    blocks: np.ndarray,
    *,
    seed: int,
) -> dict[str, float]:
    """Group -> loss with its columns permuted − loss: with losses over the best constant's, the
    skill that it gives.

    A group's columns of `known` are permuted together, row by row, within each of `blocks` (rows,),
    ascending numbers (`block_rows`), so that slow drifts stay and only what it says within a block
    is destroyed; every group in the same order. One that a model ignores gets exactly 0.

    Source: Breiman (2001), permutation importance, with groups of features and blocks.
    """
    order = permutation_within(blocks, np.random.default_rng(seed))
    whole, shuffled, found = loss(known), known.x.copy(), {}
    for name, own in groups.items():
        shuffled[:, own] = known.x[:, own][order]
        found[name] = loss(Known(shuffled, known.past)) - whole
        shuffled[:, own] = known.x[:, own]
    return found


def block_rows(time_ns: np.ndarray, *, block_ns: int) -> np.ndarray:
    """The number of each row's block, (rows,) int64, ascending: `block_ns` long from the first row
    on, and another where time goes back, as from symbol to symbol."""
    number = (time_ns - time_ns[0]) // block_ns
    return np.cumsum(np.diff(number, prepend=number[:1]) != 0)


def permutation_within(blocks: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """For each row the row that takes its place, (rows,) int64, drawn from its own block.

    `blocks` (rows,) ascending. A block of one row stays as it is.
    """
    # Sorting by chance within a block is a fair shuffle of it.
    return np.lexsort((chance.random(len(blocks)), blocks))
