"""Label shift: how far the label's distribution on a split is from train's.

The population stability index looks at rows; its bins are fitted on train. It is descriptive:
labels overlap, so its rows are no independent evidence. The Kolmogorov-Smirnov test is made on
the means of blocks of time, which nearly are.
"""

import numpy as np

from alpha.evaluation.bootstrap import LEAST_BLOCKS, add_runs, first_rows
from alpha.evaluation.details import Shift
from alpha.evaluation.metrics import Undefined
from alpha.params import SplitName

# An empty bin would make the index infinite: its share is taken as this.
LEAST_SHARE = 1e-4
# Prices move in ticks, so outcomes come in clumps, which drift with the price: a clump that
# crosses the edge of a bin is no shift. So each outcome counts as spread evenly over this part
# of itself on both sides.
SPREAD = 0.25
_AT_ONCE = 1 << 16


def psi(train: np.ndarray, outcome: np.ndarray, classes: tuple[float, ...] = ()) -> float:
    """Population stability index of `outcome` against `train`, both (rows,) and finite.

    The sum over bins of (q − p) · log(q / p), p and q the shares of train and of the other.
    Bins are `classes`, or zero by itself and the deciles of train's other outcomes, of which
    equal ones are merged; there each outcome is spread by SPREAD. Source: Siddiqi (2006).
    Raises Undefined if train is constant or a side has no rows.
    """
    if not len(train) or not len(outcome):
        raise Undefined("no rows")
    if np.all(train == train[0]):
        raise Undefined("train's label is constant")
    if classes:
        codes = np.array(classes)
        p, q = (np.mean(side[:, None] == codes, axis=0) for side in (train, outcome))
    else:
        edges = np.unique(
            np.quantile(train[train != 0], np.arange(1, 10) / 10, overwrite_input=True)
        )
        p, q = (_shares(side, edges) for side in (train, outcome))
    p, q = np.maximum(p, LEAST_SHARE), np.maximum(q, LEAST_SHARE)
    return float(np.sum((q - p) * np.log(q / p)))


def block_means(time_ns: np.ndarray, outcome: np.ndarray, *, seconds: float) -> np.ndarray:
    """Mean outcome of each block of `seconds` that holds rows, (blocks,); times ascend."""
    first = first_rows(time_ns, max(1, round(seconds * 1e9)))
    return np.asarray(add_runs(outcome, first) / np.diff(first))


def compare(
    split: SplitName,
    train: np.ndarray,
    outcome: np.ndarray,
    *,
    train_blocks: np.ndarray,
    blocks: np.ndarray,
    classes: tuple[float, ...],
) -> Shift:
    """One split's label against train's, with the block means of both."""
    from scipy.stats import ks_2samp

    reasons = []
    index = ks = p_value = None
    try:
        index = psi(train, outcome, classes)
    except Undefined as reason:
        reasons.append(f"no stability index: {reason}")
    if min(len(train_blocks), len(blocks)) < LEAST_BLOCKS:
        reasons.append(f"no two-sample test: a split has fewer than {LEAST_BLOCKS} blocks")
    else:
        found = ks_2samp(train_blocks, blocks)
        ks, p_value = float(found.statistic), float(found.pvalue)
    return Shift(
        split=split,
        psi=index,
        ks=ks,
        p_value=p_value,
        blocks=len(blocks),
        reason="; ".join(reasons) or None,
    )


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Shares of `values` below, between and above `edges`, and last of those that are zero."""
    zeros, below = 0, np.zeros(len(edges))
    # A stretch at a time, which bounds the memory.
    for first in range(0, len(values), _AT_ONCE):
        part = values[first : first + _AT_ONCE]
        others = part[part != 0]
        reach = np.maximum(SPREAD * np.abs(others), np.finfo(np.float64).tiny)
        low = others - reach
        below += [np.sum(np.clip((edge - low) / (2 * reach), 0.0, 1.0)) for edge in edges]
        zeros += len(part) - len(others)
    bins = np.diff([0.0, *below, len(values) - zeros])
    return np.append(bins, zeros) / len(values)
