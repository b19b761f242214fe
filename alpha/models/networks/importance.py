"""Importance of each family: the skill that is lost when what the family says is shuffled."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from alpha.learn.dataset import Known


def by_family(
    predict: Callable[[Known], np.ndarray],
    parts: Iterable[Known],
    families: Sequence[str],
    *,
    time_ns: np.ndarray,
    losses: Callable[[slice, np.ndarray], np.ndarray],
    constant_loss: float,
    block_ns: int,
    seed: int,
) -> dict[str, float]:
    """Family -> (loss with the family permuted − loss) / constant_loss: the skill that it gives.

    `parts` are the rows of a split in order, at least one, and `time_ns` (rows,) their times;
    `families` has one name a feature. `losses` maps which rows they are, and what `predict` says
    of them, to the loss of each; `constant_loss` > 0 is that of the best constant. A family's
    features are permuted together, row by row, within each block of time (`block_rows`), so that
    slow drifts stay and only what the family says within a block is destroyed; every family in the
    same order. Families are in the order of their first feature; one that `predict` ignores gets
    exactly 0. Memory holds three times as many features as a part, or a block if that is longer.

    Source: Breiman (2001), permutation importance, with groups of features and blocks.
    """
    blocks, chance = block_rows(time_ns, block_ns=block_ns), np.random.default_rng(seed)
    names = np.array(families)
    whole: list[float] = []
    permuted: dict[str, list[float]] = {family: [] for family in families}
    start = 0
    for known in _of_whole_blocks(parts, blocks):
        rows = slice(start, start := start + len(known))
        order = permutation_within(blocks[rows], chance)
        whole.append(float(np.sum(losses(rows, predict(known)))))
        x = known.x.copy()
        for family, sums in permuted.items():
            own = names == family
            x[:, own] = known.x[:, own][order]
            sums.append(float(np.sum(losses(rows, predict(Known(x, known.past))))))
            x[:, own] = known.x[:, own]
    mean = math.fsum(whole) / len(blocks)
    return {
        family: (math.fsum(sums) / len(blocks) - mean) / constant_loss
        for family, sums in permuted.items()
    }


def _of_whole_blocks(parts: Iterable[Known], blocks: np.ndarray) -> Iterator[Known]:
    """The same rows in parts that are cut where blocks end."""
    left, end = None, 0
    for known in parts:
        end += len(known)
        if left is not None:
            x, past = (left.x, known.x), (left.past, known.past)
            known = Known(np.concatenate(x), np.concatenate(past))
        # The last block may go on in the next part.
        last = int(np.count_nonzero(blocks[end - len(known) : end] == blocks[end - 1]))
        cut = len(known) - last if end < len(blocks) else len(known)
        if cut:
            yield known[:cut]
        left = known[cut:] if cut < len(known) else None


def block_rows(time_ns: np.ndarray, *, block_ns: int) -> np.ndarray:
    """The number of each row's block, (rows,) int64: `block_ns` long from the first row on."""
    return (time_ns - time_ns[0]) // block_ns


def permutation_within(blocks: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """For each row the row that takes its place, (rows,) int64, drawn from its own block.

    `blocks` (rows,) ascending. A block of one row stays as it is.
    """
    # Sorting by chance within a block is a fair shuffle of it.
    return np.lexsort((chance.random(len(blocks)), blocks))
