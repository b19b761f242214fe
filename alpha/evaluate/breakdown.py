"""Figures of all rows, by UTC day and by volatility regime: is the skill everywhere, or on one
lucky day?

Rows are put into slots: 0 is all of them, then come the regimes, what is in no regime, and the
days. Each row is in three: all, its regime, its day.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from alpha.evaluate import metrics
from alpha.evaluate.details import Slice
from alpha.evaluate.metrics import Moments, Undefined
from alpha.evaluate.stretches import Stretches
from alpha.learn.losses import Values

REGIMES = ("low", "middle", "high")
DAY_NS = 86400 * 10**9


@dataclass(frozen=True)
class Regimes:
    """Cut points of past volatility between low, middle and high; or the reason of none."""

    cuts: tuple[float, ...] = ()
    reason: str | None = None

    @classmethod
    def fit(cls, span_ns: int, volatility: Values) -> "Regimes":
        """The terciles of train's finite `volatility`, of which there may be none, over a span
        of time."""
        if span_ns < DAY_NS:
            return cls(reason="train spans less than a day")
        if not volatility.count:
            return cls(reason="no row of train has a past volatility")
        lowest, low, high, highest = volatility.quantiles((0.0, 1 / 3, 2 / 3, 1.0))
        if lowest == highest:
            return cls(reason="the past volatility of train is constant")
        return cls(cuts=(low, high))

    def of(self, volatility: np.ndarray) -> np.ndarray:
        """The regime of each row, (rows,) int64; len(REGIMES) of one without a past volatility,
        and of all without cuts: it is in none."""
        if not self.cuts:
            return np.full(len(volatility), len(REGIMES))
        # A volatility at a cut is below it.
        regime = np.searchsorted(self.cuts, volatility)
        return np.where(np.isfinite(volatility), regime, len(REGIMES))


# Slots of the regimes, and of rows that are in none; those of the days follow.
OF_REGIMES = range(1, 1 + len(REGIMES) + 1)


@dataclass(frozen=True)
class Slots:
    """The slots of one split: how many `rows` each has, (slots,) int64, and the names of those
    that have one, by slot."""

    rows: np.ndarray
    days: dict[int, str]
    regimes: dict[int, str]

    @classmethod
    def of(cls, days: Stretches, in_regimes: np.ndarray, regimes: Regimes) -> "Slots":
        """From the days, and how many rows are in each regime and in none."""
        first = days.first
        named = (str(np.datetime64(int(number), "D")) for number in days.numbers)
        return cls(
            rows=np.concatenate(([first[-1]], in_regimes, np.diff(first))),
            days=dict(enumerate(named, OF_REGIMES.stop)),
            regimes=dict(enumerate(REGIMES, OF_REGIMES.start)) if regimes.cuts else {},
        )


def slots(day: np.ndarray, regime: np.ndarray) -> np.ndarray:
    """The slots that rows of these days and regimes, numbered from 0, are in beside 0: (rows, 2)
    int32."""
    return np.column_stack((regime + OF_REGIMES.start, day + OF_REGIMES.stop)).astype(np.int32)


class Judged(NamedTuple):
    """Some rows, their losses, and those of the best constant: (rows,) each. Rows that `keep`
    leaves out count as rows and in loss and skill, for which they stand for the best constant,
    and in nothing else."""

    keep: np.ndarray
    outcome: np.ndarray
    score: np.ndarray
    losses: np.ndarray
    constant_losses: np.ndarray

    def those(self, rows: slice | np.ndarray) -> "Judged":
        return Judged(*(values[rows] for values in self))


class Sums:
    """What the figures of rows that come in parts are made of."""

    def __init__(self) -> None:
        self.rows = 0
        self.outcome, self.prediction = Moments(), Moments()
        self._loss = self._constant = 0.0
        self._low, self._high = math.inf, -math.inf

    def add(self, judged: Judged) -> None:
        if not len(judged.outcome):
            return
        y, f = judged.outcome, judged.score
        self._low, self._high = min(self._low, np.min(y)), max(self._high, np.max(y))
        if not judged.keep.all():
            y, f = y[judged.keep], f[judged.keep]
        self.rows += len(judged.keep)
        self.outcome.add(y)
        self.prediction.add(f)
        with np.errstate(over="ignore", invalid="ignore"):
            self._loss += float(np.sum(judged.losses))
            self._constant += float(np.sum(judged.constant_losses))

    @property
    def kept(self) -> int:
        return self.outcome.count

    @property
    def _known(self) -> int:
        """Rows that loss and skill are of: none if nothing was predicted at all."""
        return self.rows if self.kept else 0

    def loss(self) -> float:
        return metrics.mean(self._loss, self._known)

    def constant_loss(self) -> float:
        return metrics.mean(self._constant, self._known)

    def skill(self) -> float:
        constant = self._low == self._high
        return metrics.skill(self._loss, self._constant, self._known, constant=constant)

    def std_ratio(self) -> float:
        return metrics.std_ratio(self.outcome, self.prediction)

    def reason(self, otherwise: str) -> str:
        """Why a figure is not defined."""
        return "no prediction is finite" if self.rows and not self.kept else otherwise

    def slice(self, name: str, rank_ic: Callable[[], float]) -> Slice:
        """The figures of these rows."""
        found: dict[str, float | None] = {}
        undefined = {}
        for figure, compute in (
            ("loss", self.loss),
            ("skill", self.skill),
            ("rank_ic", rank_ic),
            ("std_ratio", self.std_ratio),
        ):
            try:
                found[figure] = compute()
            except Undefined as reason:
                found[figure] = None
                undefined[figure] = self.reason(str(reason))
        return Slice(name=name, rows=self.rows, undefined=undefined, **found)


def by_slot(slots: np.ndarray) -> Iterator[tuple[int, slice | np.ndarray]]:
    """The slots of some consecutive rows beside 0, from their (rows, 2), and the rows of each: a
    slice or a mask."""
    regimes, days = slots.T
    for slot in np.unique(regimes).tolist():
        yield slot, regimes == slot
    ends = [0, *(np.flatnonzero(days[1:] != days[:-1]) + 1).tolist(), len(days)]
    for start, stop in pairwise(ends):
        if stop > start:
            yield int(days[start]), slice(start, stop)
