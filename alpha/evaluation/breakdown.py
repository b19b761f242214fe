"""Figures by UTC day and by volatility regime: is the skill everywhere, or on one lucky day?"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from alpha.evaluation import metrics
from alpha.evaluation.bootstrap import first_rows
from alpha.evaluation.details import Slice
from alpha.evaluation.metrics import Undefined
from alpha.evaluation.ranking import Ranked, rank_ic

REGIMES = ("low", "middle", "high")
_DAY_NS = 86400 * 10**9


@dataclass(frozen=True)
class Part:
    """A named part of a split's rows: a slice or a mask of them."""

    name: str
    rows: slice | np.ndarray


@dataclass(frozen=True)
class Regimes:
    """Cut points of past volatility between low, middle and high; or the reason of none."""

    cuts: tuple[float, ...] = ()
    reason: str | None = None

    @classmethod
    def fit(cls, time_ns: np.ndarray, volatility: np.ndarray) -> "Regimes":
        """The terciles of train's finite `volatility` (rows,), at ascending times."""
        known = volatility[np.isfinite(volatility)]
        if len(time_ns) == 0 or time_ns[-1] - time_ns[0] < _DAY_NS:
            return cls(reason="train spans less than a day")
        if len(known) == 0:
            return cls(reason="no row of train has a past volatility")
        if np.all(known == known[0]):
            return cls(reason="the past volatility of train is constant")
        low, high = np.quantile(known, (1 / 3, 2 / 3), overwrite_input=True)
        return cls(cuts=(float(low), float(high)))

    def parts(self, volatility: np.ndarray) -> list[Part]:
        """The rows of each regime; a row without a past volatility is in none."""
        if not self.cuts:
            return []
        low, high = self.cuts
        masks = (volatility <= low, (volatility > low) & (volatility <= high), volatility > high)
        return [
            Part(name, np.isfinite(volatility) & mask)
            for name, mask in zip(REGIMES, masks, strict=True)
        ]


def days(time_ns: np.ndarray) -> list[Part]:
    """The UTC days of ascending times (rows,), in time order."""
    return [
        Part(str(np.datetime64(int(time_ns[start]) // _DAY_NS, "D")), slice(start, stop))
        for start, stop in pairwise(first_rows(time_ns, _DAY_NS, 0).tolist())
    ]


def figures(
    part: Part,
    *,
    keep: np.ndarray,
    outcome: np.ndarray,
    prediction: np.ndarray,
    losses: np.ndarray,
    constant_losses: np.ndarray,
) -> Slice:
    """The figures of one part; arrays are (rows,) of the whole split.

    Rows that the mask `keep` leaves out count as rows and in loss and skill, for which they
    stand for the best constant, and in nothing else.
    """
    kept = keep[part.rows]
    y, f = outcome[part.rows][kept], prediction[part.rows][kept]
    everything = outcome[part.rows], losses[part.rows], constant_losses[part.rows]
    known, loss, constant = (values[: len(values) if len(y) else 0] for values in everything)
    found: dict[str, float | None] = {}
    undefined = {}
    for name, compute in (
        ("loss", lambda: metrics.mean(loss)),
        ("skill", lambda: metrics.skill(known, loss, constant)),
        ("rank_ic", lambda: rank_ic(Ranked.of(y).ranks, Ranked.of(f).ranks)),
        ("std_ratio", lambda: metrics.std_ratio(y, f)),
    ):
        try:
            found[name] = compute()
        except Undefined as reason:
            found[name] = None
            undefined[name] = "no prediction is finite" if len(kept) and not len(y) else str(reason)
    rows = len(kept) if isinstance(part.rows, slice) else int(np.count_nonzero(part.rows))
    return Slice(name=part.name, rows=rows, undefined=undefined, **found)
