"""Importance of each family: the skill that is lost when what the family says is shuffled."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from alpha.learn.dataset import Known


def by_family(
    predict: Callable[[Known], np.ndarray],
    parts: Iterable[tuple[int, Known]],
    families: Sequence[str],
    *,
    time_ns: np.ndarray,
    losses: Callable[[slice, np.ndarray], np.ndarray],
    constant_loss: float,
    block_ns: int,
    seed: int,
) -> dict[str, float]:
    """Family -> (loss with the family permuted − loss) / constant_loss: the skill that it gives.

    `parts` are the rows of a split in order, at least one, each part with the number of its first
    row; `time_ns` (rows,) are the times of all; `families` has one name a feature. `losses` maps
    which rows they are, and what `predict` says of them, to the loss of each; `constant_loss` > 0
    is that of the best constant. A family's features are permuted together, row by row, within each
    block of time (`block_rows`), so that slow drifts stay and only what the family says within a
    block is destroyed, and every family in the same order. Families are in the order of their
    first feature; one that `predict` ignores gets exactly 0. Memory holds twice as many features
    as a part, or a block if that is longer.

    Source: Breiman (2001), permutation importance, with groups of features and blocks.
    """
    blocks = block_rows(time_ns, block_ns=block_ns)
    order = permutation_within(blocks, seed=seed)
    whole: list[float] = []
    permuted: dict[str, list[float]] = {name: [] for name in families}
    for start, known in _of_whole_blocks(parts, blocks):
        rows = slice(start, start + len(known))
        whole.append(float(np.sum(losses(rows, predict(known)))))
        x = known.x.copy()
        for name, sums in permuted.items():
            own = np.flatnonzero([family == name for family in families])
            x[:, own] = known.x[:, own][order[rows] - start]
            sums.append(float(np.sum(losses(rows, predict(Known(x, known.past))))))
            x[:, own] = known.x[:, own]
    mean = math.fsum(whole) / len(blocks)
    return {
        name: (math.fsum(sums) / len(blocks) - mean) / constant_loss
        for name, sums in permuted.items()
    }


def _of_whole_blocks(
    parts: Iterable[tuple[int, Known]], blocks: np.ndarray
) -> Iterator[tuple[int, Known]]:
    """The same rows in parts that are cut where blocks end."""
    waiting: list[Known] = []
    first = 0
    for row, known in parts:
        end = row + len(known)
        # The last block of this part may go on in the next.
        cut = int(np.searchsorted(blocks, blocks[end - 1])) if end < len(blocks) else end
        if cut > first:
            yield first, _joined([*waiting, known[: cut - row]])
            waiting, first = [], cut
        if first < end:
            waiting.append(known[max(first - row, 0) :])


def _joined(parts: Sequence[Known]) -> Known:
    if len(parts) == 1:
        return parts[0]
    return Known(*(np.concatenate([getattr(part, of) for part in parts]) for of in ("x", "past")))


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
