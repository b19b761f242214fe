"""Importance of each family: the skill that is lost when what the family says is shuffled."""

from collections.abc import Callable, Sequence

import numpy as np


def by_family(
    predict: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    families: Sequence[str],
    *,
    loss: Callable[[np.ndarray], float],
    constant_loss: float,
    time_ns: np.ndarray,
    block_ns: int,
    seed: int,
) -> dict[str, float]:
    """Family -> (loss with the family permuted − loss) / constant_loss: the skill it is worth.

    `x` (rows, features) finite, `families` one name a feature, `time_ns` (rows,) int64
    ascending, at least one row. `predict` maps x to predictions and `loss` those to their mean
    loss; `constant_loss` > 0 is that of the best constant. A family's features are permuted
    together, row by row, within each block of time (`block_rows`), so that slow drifts stay
    and only what the family says within a block is destroyed. Every family is permuted in the
    same order. Families are in the order of their first feature; one that `predict` ignores
    gets exactly 0. Beside `x`, which is as before afterwards even if `predict` fails, memory
    holds two copies of one family's columns.

    Source: Breiman (2001), permutation importance, with groups of features and blocks.
    """
    whole = loss(predict(x))
    order = permutation_within(block_rows(time_ns, block_ns=block_ns), seed=seed)
    found = {}
    for family in dict.fromkeys(families):
        columns = [at for at, name in enumerate(families) if name == family]
        kept = x[:, columns]
        x[:, columns] = kept[order]
        try:
            found[family] = (loss(predict(x)) - whole) / constant_loss
        finally:
            x[:, columns] = kept
    return found


def block_rows(time_ns: np.ndarray, *, block_ns: int) -> np.ndarray:
    """The number of each row's block, (rows,) int64: `block_ns` long from the first row on."""
    return (time_ns - time_ns[0]) // block_ns


def permutation_within(blocks: np.ndarray, *, seed: int) -> np.ndarray:
    """For each row the row that takes its place, (rows,) int64, drawn from its own block.

    `blocks` (rows,) ascending. A block of one row stays as it is.
    """
    keys = np.random.default_rng(seed).random(len(blocks))
    # Sorting by chance within a block is a fair shuffle of it.
    return np.lexsort((keys, blocks))
