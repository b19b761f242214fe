"""What all runs are judged by: what train's label gives, and the rows of one split."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from alpha.core import parallel
from alpha.core.scratch import Scratch
from alpha.core.spool import Spool
from alpha.data.params import Label
from alpha.evaluate import breakdown, distribution, shift
from alpha.evaluate.bootstrap import LEAST_EFFECTIVE, Blocks
from alpha.evaluate.breakdown import OF_REGIMES, Regimes, Slots
from alpha.evaluate.buckets import Unordered, visit
from alpha.evaluate.details import Label as LabelFigures
from alpha.evaluate.distribution import Distribution
from alpha.evaluate.metrics import Moments, finite_or_none
from alpha.evaluate.params import Bootstrap
from alpha.evaluate.predicted import Predicted
from alpha.evaluate.ranks import TO_RANK, InRowOrder, Ranker, to_rank
from alpha.evaluate.stretches import Stretches, Totals
from alpha.learn import collapse
from alpha.learn.losses import Objective
from alpha.learn.params import Loss


@dataclass(frozen=True)
class Standard:
    """What is fitted on train's outcomes, and nothing else."""

    objective: Objective
    rows: int
    mean: float | None
    std: float | None
    bin_edges: np.ndarray
    regimes: Regimes
    reference: shift.Reference

    @classmethod
    def fit(cls, parts: Iterable[Predicted], label: Label, loss: Loss, folder: Path) -> "Standard":
        """From train's rows, at least one, in parts; scratch files are in `folder`."""
        times: list[int] = []
        moments = Moments()
        with Spool(folder) as outcome, Spool(folder) as volatility:
            for part in parallel.ahead(parts):
                outcome.add(part.outcome)
                volatility.add(part.volatility[np.isfinite(part.volatility)])
                moments.add(part.outcome)
                times = [*times[:1], *part.time_ns[[0, -1]].tolist()]
            with np.errstate(over="ignore", invalid="ignore"):
                objective = Objective.of(outcome, label, loss)
            return cls(
                objective,
                outcome.count,
                finite_or_none(objective.mean),
                finite_or_none(moments.std),
                distribution.bin_edges(outcome, objective.classes),
                Regimes.fit(times[-1] - times[0], volatility),
                shift.Reference.fit(outcome, objective.classes),
            )

    @property
    def hair(self) -> float | None:
        return None if self.std is None else collapse.hair(self.std)


@dataclass(frozen=True)
class SplitRows:
    """What is known of the rows of one split, the same for every run.

    `digest` is of times and outcomes: what makes two evaluations ones of the same split;
    `digests` are those of its parts (alpha.evaluate.predicted).
    `ranked` has the ranks of each row's outcome and its slots (alpha.evaluate.ranks), in a
    scratch file; `constant_by_cell` (cells,) the losses of the best constant, `block_means`
    (blocks,) the mean outcomes of blocks that do not overlap.
    """

    rows: int
    standard: Standard
    blocks: Blocks
    slots: Slots
    ranked: Scratch
    constant_by_cell: np.ndarray
    block_means: np.ndarray
    shares: shift.Shares
    zeros: int
    label: LabelFigures
    quantiles: list[float | None]
    digest: str
    digests: list[bytes]
    folder: Path

    @classmethod
    def of(
        cls,
        parts: Iterable[Predicted],
        *,
        standard: Standard,
        knobs: Bootstrap,
        horizon_seconds: float,
        folder: Path,
    ) -> "SplitRows":
        """From the split's rows in parts; scratch files are in `folder`."""
        seconds = knobs.block_horizons * horizon_seconds
        seen = _Seen(standard, seconds, folder)
        for part in parallel.ahead(parts):
            seen.add(part)
        rows, digest = seen.to_rank.count, seen.digest()
        slots = Slots.of(seen.days, seen.in_regimes, standard.regimes)
        cells = seen.cells.first
        found, order = Distribution(rows, standard.bin_edges), InRowOrder(rows, folder)
        visit(seen.to_rank, [Ranker(slots.rows, order), found])
        return cls(
            rows=rows,
            standard=standard,
            blocks=Blocks(cells, seconds, knobs.resamples, knobs.level, knobs.seed),
            slots=slots,
            ranked=order.ranked(),
            constant_by_cell=seen.constant.of(len(cells) - 1),
            block_means=seen.block_means(),
            shares=seen.shares,
            zeros=seen.zeros,
            label=seen.label(days=len(slots.days), counts=found.counts),
            quantiles=found.quantiles,
            digest=digest,
            digests=seen.digests,
            folder=folder,
        )

    @cached_property
    def skill_reason(self) -> str | None:
        """Why skill has no interval, or None if it has."""
        if self.blocks.reason is not None:
            return self.blocks.reason
        with np.errstate(over="ignore", invalid="ignore"):
            effective = self.blocks.effective(self.constant_by_cell)
        if effective >= LEAST_EFFECTIVE:
            return None
        return f"the constant's loss falls into fewer than {LEAST_EFFECTIVE} blocks of time"


class _Seen:
    """What was found of a split's rows so far, in time order."""

    def __init__(self, standard: Standard, seconds: float, folder: Path) -> None:
        self._standard = standard
        self.cells = Blocks.cutting(seconds)
        self.days = Stretches(breakdown.DAY_NS, 0)
        self._apart = Stretches(max(1, round(seconds * 1e9)))
        self.in_regimes = np.zeros(len(OF_REGIMES), dtype=np.int64)
        self.constant, self._of_blocks = Totals(), Totals()
        self.shares = standard.reference.counting()
        self._moments, self.zeros = Moments(), 0
        self._times = hashlib.sha256()
        self.digests: list[bytes] = []
        self.to_rank = Unordered(folder, TO_RANK)
        self._outcomes = Spool(folder)

    def add(self, part: Predicted) -> None:
        y, objective = part.outcome, self._standard.objective
        self._times.update(np.ascontiguousarray(part.time_ns, dtype="<i8").data)
        self.digests.append(part.digest())
        regime = self._standard.regimes.of(part.volatility)
        self.in_regimes += np.bincount(regime, minlength=len(OF_REGIMES))
        slots = breakdown.slots(self.days.add(part.time_ns), regime)
        self.to_rank.add(to_rank(y, slots, first=self.to_rank.count))
        self._outcomes.add(y)
        self.constant.add(objective.losses(y, objective.constant), self.cells.add(part.time_ns))
        self._of_blocks.add(y, self._apart.add(part.time_ns))
        self.shares.add(y)
        self._moments.add(y)
        self.zeros += int(np.count_nonzero(y == 0))

    def block_means(self) -> np.ndarray:
        rows = np.diff(self._apart.first)
        return self._of_blocks.of(len(rows)) / rows

    def digest(self) -> str:
        """Of all times, and then of all outcomes."""
        with self._outcomes as outcomes:
            for part in outcomes.parts():
                self._times.update(part.astype("<f8", copy=False).data)
        return self._times.hexdigest()

    def label(self, *, days: int, counts: list[int]) -> LabelFigures:
        """The label's own figures."""
        rows, moments = self._moments.count, self._moments
        return LabelFigures(
            rows=rows,
            days=days,
            zero_share=self.zeros / rows if rows else None,
            mean=finite_or_none(moments.mean) if rows else None,
            std=finite_or_none(moments.std) if rows else None,
            counts=counts,
        )
