"""Figures of all rows, by UTC day and by volatility regime: is the skill everywhere, or on one
lucky day?"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from alpha.evaluate import metrics
from alpha.evaluate.details import Slice
from alpha.evaluate.metrics import Undefined
from alpha.evaluate.ranking import spearman

REGIMES = ("low", "middle", "high")
DAY_NS = 86400 * 10**9


@dataclass(frozen=True)
class Regimes:
    """Cut points of past volatility between low, middle and high; or the reason of none."""

    cuts: tuple[float, ...] = ()
    reason: str | None = None

    @classmethod
    def fit(cls, span_ns: int, volatility: np.ndarray) -> "Regimes":
        """The terciles of train's finite past volatility, (rows,), over a span of time."""
        if span_ns < DAY_NS:
            return cls(reason="train spans less than a day")
        finite = volatility[np.isfinite(volatility)]
        if not len(finite):
            return cls(reason="no row of train has a past volatility")
        if metrics.constant(finite):
            return cls(reason="the past volatility of train is constant")
        low, high = np.quantile(finite, (1 / 3, 2 / 3), overwrite_input=True)
        return cls(cuts=(float(low), float(high)))

    def of(self, volatility: np.ndarray) -> np.ndarray:
        """The regime of each row, (rows,) int8; len(REGIMES) of one without a past volatility,
        and of all without cuts: it is in none."""
        if not self.cuts:
            return np.full(len(volatility), len(REGIMES), dtype=np.int8)
        # A volatility at a cut is below it.
        regime = np.searchsorted(self.cuts, volatility).astype(np.int8)
        regime[~np.isfinite(volatility)] = len(REGIMES)
        return regime


@dataclass(frozen=True)
class ScoredRows:
    """Some rows: outcomes, predictions, losses, and those of the best constant, (rows,) each.

    Rows without a prediction (NaN) count as rows and in loss and skill, for which they stand for
    the best constant, and in nothing else.
    """

    outcome: np.ndarray
    score: np.ndarray
    losses: np.ndarray
    constant_losses: np.ndarray

    @property
    def rows(self) -> int:
        return len(self.outcome)

    @cached_property
    def kept(self) -> int:
        """How many have a prediction."""
        return self.rows - int(np.count_nonzero(np.isnan(self.score)))

    @property
    def _known(self) -> int:
        """Rows that loss and skill are of: none if nothing was predicted at all."""
        return self.rows if self.kept else 0

    def loss(self) -> float:
        return metrics.mean(metrics.total(self.losses), self._known)

    def constant_loss(self) -> float:
        return metrics.mean(metrics.total(self.constant_losses), self._known)

    def skill(self) -> float:
        sums = metrics.total(self.losses), metrics.total(self.constant_losses)
        return metrics.skill(*sums, self._known, constant=metrics.constant(self.outcome))

    def std_ratio(self) -> float:
        keep = slice(None) if self.kept == self.rows else ~np.isnan(self.score)
        outcome = metrics.std(self.outcome[keep])
        return metrics.std_ratio(outcome, metrics.std(self.score[keep]), self.kept)

    def slice(self, name: str, products: tuple[int, int, int]) -> Slice:
        """The figures of these rows, with the products of their ranks (alpha.evaluate.ranking)."""
        found: dict[str, float | None] = {}
        undefined = {}
        for figure, compute in (
            ("loss", self.loss),
            ("skill", self.skill),
            ("rank_ic", lambda: spearman(products, self.kept)),
            ("std_ratio", self.std_ratio),
        ):
            try:
                found[figure] = compute()
            except Undefined as reason:
                found[figure] = None
                lost = self.rows and not self.kept
                undefined[figure] = "no prediction is finite" if lost else str(reason)
        return Slice(name=name, rows=self.rows, undefined=undefined, **found)
