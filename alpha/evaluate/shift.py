"""Label shift: how far the label's distribution on a split is from train's.

The population stability index looks at rows; its bins are fitted on train. It is descriptive:
labels overlap, so its rows are no independent evidence. The Kolmogorov-Smirnov test is made on
the means of blocks of time, which nearly are.
"""

from dataclasses import dataclass

import numpy as np

from alpha.data.columns import SplitName
from alpha.evaluate import metrics
from alpha.evaluate.bootstrap import LEAST_BLOCKS
from alpha.evaluate.details import Shift
from alpha.evaluate.metrics import Undefined

# An empty bin would make the index infinite: its share is taken as this.
LEAST_SHARE = 1e-4
# Prices move in ticks, so outcomes come in clumps, which drift with the price: a clump that
# crosses the edge of a bin is no shift. So each outcome counts as spread evenly over this part
# of itself on both sides.
SPREAD = 0.25
# Spread at once, which bounds the memory.
_PART_ROWS = 1 << 18


@dataclass(frozen=True)
class Reference:
    """Train's outcomes as the stability index sees them: the deciles of those that are not zero,
    of which equal ones are merged, the share of each bin, and whether all are equal."""

    edges: np.ndarray
    classes: tuple[float, ...]
    shares: np.ndarray
    constant: bool

    @classmethod
    def fit(cls, outcome: np.ndarray, classes: tuple[float, ...] = ()) -> "Reference":
        """From (rows,) finite outcomes, at least one."""
        constant, edges = metrics.constant(outcome), np.empty(0)
        if not constant and not classes:
            others = outcome[outcome != 0]
            deciles = np.arange(1, 10) / 10
            edges = np.unique(np.quantile(others, deciles, overwrite_input=True))
        return cls(edges, classes, _shares(outcome, edges, classes), constant)


def _shares(outcome: np.ndarray, edges: np.ndarray, classes: tuple[float, ...]) -> np.ndarray:
    """The share of each bin: of `classes`; or of zero by itself, last, and what `edges` (n,) cut,
    where each outcome is spread by SPREAD. Raises Undefined without rows."""
    rows = len(outcome)
    if not rows:
        raise Undefined("no rows")
    if classes:
        return np.array([np.count_nonzero(outcome == code) for code in classes]) / rows
    zeros, below = 0, np.zeros(len(edges))
    for first in range(0, rows, _PART_ROWS):
        part = outcome[first : first + _PART_ROWS]
        others = part[part != 0]
        zeros += len(part) - len(others)
        reach = np.maximum(SPREAD * np.abs(others), np.finfo(np.float64).tiny)
        low = others - reach
        reach *= 2
        below += [np.sum(np.clip((edge - low) / reach, 0.0, 1.0)) for edge in edges]
    bins = np.diff([0.0, *below, rows - zeros])
    return np.append(bins, zeros) / rows


def psi(train: Reference, outcome: np.ndarray) -> float:
    """Population stability index of outcomes, (rows,) finite, against train's.

    The sum over bins of (q − p) · log(q / p), p and q the shares of train and of the other.
    Source: Siddiqi (2006). Raises Undefined if train is constant or there are no rows.
    """
    if train.constant:
        raise Undefined("train's label is constant")
    shares = train.shares, _shares(outcome, train.edges, train.classes)
    p, q = (np.maximum(side, LEAST_SHARE) for side in shares)
    return float(np.sum((q - p) * np.log(q / p)))


def compare(
    split: SplitName,
    train: Reference,
    outcome: np.ndarray,
    *,
    train_blocks: np.ndarray,
    blocks: np.ndarray,
) -> Shift:
    """One split's outcomes against train's, with the block means of both, (blocks,)."""
    from scipy.stats import ks_2samp

    reasons = []
    index = ks = p_value = None
    try:
        index = psi(train, outcome)
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
