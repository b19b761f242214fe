"""Label shift: how far the label's distribution on a split is from train's.

The population stability index looks at rows; its bins are fitted on train. It is descriptive:
labels overlap, so its rows are no independent evidence. The Kolmogorov-Smirnov test is made on
the means of blocks of time, which nearly are.
"""

from dataclasses import dataclass

import numpy as np

from alpha.data.columns import SplitName
from alpha.evaluate.bootstrap import LEAST_BLOCKS
from alpha.evaluate.details import Shift
from alpha.evaluate.metrics import Undefined
from alpha.learn.losses import Values, extremes

# An empty bin would make the index infinite: its share is taken as this.
LEAST_SHARE = 1e-4
# Prices move in ticks, so outcomes come in clumps, which drift with the price: a clump that
# crosses the edge of a bin is no shift. So each outcome counts as spread evenly over this part
# of itself on both sides.
SPREAD = 0.25


class Shares:
    """How outcomes that come in parts fall into bins: `classes`; or zero by itself, and what
    `edges` (n,) cut, where each outcome is spread by SPREAD."""

    def __init__(self, edges: np.ndarray, classes: tuple[float, ...]) -> None:
        self._edges, self._classes = edges, classes
        self._rows = self._zeros = 0
        self._counts = np.zeros(len(classes) or len(edges))

    def add(self, outcome: np.ndarray) -> None:
        """The next outcomes, (rows,), finite."""
        self._rows += len(outcome)
        if self._classes:
            self._counts += [np.count_nonzero(outcome == code) for code in self._classes]
            return
        others = outcome[outcome != 0]
        self._zeros += len(outcome) - len(others)
        reach = np.maximum(SPREAD * np.abs(others), np.finfo(np.float64).tiny)
        low = others - reach
        reach *= 2
        self._counts += [np.sum(np.clip((edge - low) / reach, 0.0, 1.0)) for edge in self._edges]

    def __call__(self) -> np.ndarray:
        """The share of each bin. Raises Undefined without rows."""
        if not self._rows:
            raise Undefined("no rows")
        if self._classes:
            return self._counts / self._rows
        bins = np.diff([0.0, *self._counts, self._rows - self._zeros])
        return np.append(bins, self._zeros) / self._rows


@dataclass(frozen=True)
class Reference:
    """Train's outcomes as the stability index sees them: the deciles of those that are not zero,
    of which equal ones are merged, the share of each bin, and whether all are equal."""

    edges: np.ndarray
    classes: tuple[float, ...]
    shares: np.ndarray
    constant: bool

    @classmethod
    def fit(cls, outcome: Values, classes: tuple[float, ...] = ()) -> "Reference":
        low, high = extremes(outcome)
        edges = np.empty(0)
        if low != high and not classes:
            edges = np.unique(
                np.array(outcome.quantiles([at / 10 for at in range(1, 10)], _others))
            )
        found = Shares(edges, classes)
        for part in outcome.parts():
            found.add(part)
        return cls(edges, classes, found(), low == high)

    def counting(self) -> Shares:
        """In the same bins, for the outcomes of another split."""
        return Shares(self.edges, self.classes)


def _others(outcome: np.ndarray) -> np.ndarray:
    return outcome[outcome != 0]


def psi(train: Reference, shares: Shares) -> float:
    """Population stability index of outcomes against train's.

    The sum over bins of (q − p) · log(q / p), p and q the shares of train and of the other.
    Source: Siddiqi (2006). Raises Undefined if train is constant or there are no rows.
    """
    if train.constant:
        raise Undefined("train's label is constant")
    p, q = (np.maximum(side, LEAST_SHARE) for side in (train.shares, shares()))
    return float(np.sum((q - p) * np.log(q / p)))


def compare(
    split: SplitName,
    train: Reference,
    shares: Shares,
    *,
    train_blocks: np.ndarray,
    blocks: np.ndarray,
) -> Shift:
    """One split's label against train's, with the block means of both, (blocks,)."""
    from scipy.stats import ks_2samp

    reasons = []
    index = ks = p_value = None
    try:
        index = psi(train, shares)
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
