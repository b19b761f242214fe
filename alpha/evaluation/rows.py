"""What all runs are judged by: what train's label gives, and the rows of one split."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from alpha import collapse
from alpha.evaluation import breakdown, distribution, shift
from alpha.evaluation.bootstrap import LEAST_EFFECTIVE, Blocks
from alpha.evaluation.breakdown import Part, Regimes
from alpha.evaluation.details import Label as LabelFigures
from alpha.evaluation.metrics import finite_or_none
from alpha.evaluation.quantiles import quantiles
from alpha.evaluation.ranking import Ranked
from alpha.objective import Objective
from alpha.params import Bootstrap, Label, Loss

# Rows whose losses are found at once.
_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Standard:
    """What is fitted on train's outcomes (rows,), finite and at least one, and nothing else."""

    objective: Objective
    rows: int
    mean: float | None
    std: float | None
    bin_edges: np.ndarray
    regimes: Regimes

    @classmethod
    def fit(
        cls,
        time_ns: np.ndarray,
        outcome: np.ndarray,
        volatility: np.ndarray,
        label: Label,
        loss: Loss,
    ) -> "Standard":
        with np.errstate(over="ignore", invalid="ignore"):
            objective = Objective.fit(outcome, label, loss)
            std = finite_or_none(np.std(outcome))
        return cls(
            objective,
            len(outcome),
            finite_or_none(objective.mean),
            std,
            distribution.bin_edges(outcome, objective.classes),
            Regimes.fit(time_ns, volatility),
        )

    @property
    def hair(self) -> float | None:
        return None if self.std is None else collapse.hair(self.std)


@dataclass(frozen=True)
class SplitRows:
    """The rows of one split, the same for every run: arrays (rows,), in time order."""

    time_ns: np.ndarray
    outcome: np.ndarray
    regimes: list[Part]
    standard: Standard
    blocks: Blocks

    @classmethod
    def of(
        cls,
        time_ns: np.ndarray,
        outcome: np.ndarray,
        volatility: np.ndarray,
        *,
        standard: Standard,
        knobs: Bootstrap,
        horizon_seconds: float,
    ) -> "SplitRows":
        blocks = Blocks.cut(
            time_ns,
            seconds=knobs.block_horizons * horizon_seconds,
            resamples=knobs.resamples,
            level=knobs.level,
            seed=knobs.seed,
        )
        return cls(time_ns, outcome, standard.regimes.parts(volatility), standard, blocks)

    @cached_property
    def digest(self) -> str:
        """Of times and outcomes: what makes two evaluations ones of the same split."""
        digest = hashlib.sha256(np.ascontiguousarray(self.time_ns, dtype="<i8").data)
        digest.update(np.ascontiguousarray(self.outcome, dtype="<f8").data)
        return digest.hexdigest()

    @cached_property
    def constant_losses(self) -> np.ndarray:
        return self.losses(self.standard.objective.constant)

    def losses(self, prediction: np.ndarray) -> np.ndarray:
        """The loss of each row, (rows,), of predictions or of one constant as
        Objective.losses takes them; found part by part, which bounds the memory."""
        objective, found = self.standard.objective, np.empty(len(self.outcome))
        constant = prediction.shape == objective.constant.shape
        for first in range(0, len(found), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            found[part] = objective.losses(
                self.outcome[part], prediction if constant else prediction[part]
            )
        return found

    @cached_property
    def skill_reason(self) -> str | None:
        """Why skill has no interval, or None if it has."""
        if self.blocks.reason is not None:
            return self.blocks.reason
        with np.errstate(over="ignore", invalid="ignore"):
            effective = self.blocks.effective(self.constant_losses)
        if effective >= LEAST_EFFECTIVE:
            return None
        return f"the constant's loss falls into fewer than {LEAST_EFFECTIVE} blocks of time"

    @cached_property
    def _of_order(self) -> tuple[np.ndarray, list[float | None], list[int]]:
        """What the outcomes' order is needed for, so that it need not be kept: their centered
        ranks, their quantiles, and how many are in each bin."""
        ranked = Ranked.of(self.outcome)
        return (
            ranked.ranks,
            quantiles(self.outcome, ranked.order),
            distribution.counts(self.outcome, ranked.order, self.standard.bin_edges),
        )

    @property
    def ranks(self) -> np.ndarray:
        """The outcomes' centered ranks, (rows,) int32."""
        return self._of_order[0]

    @property
    def quantiles(self) -> list[float | None]:
        return self._of_order[1]

    @cached_property
    def days(self) -> list[Part]:
        return breakdown.days(self.time_ns)

    @cached_property
    def label(self) -> LabelFigures:
        """The label's own figures."""
        some = len(self.outcome) > 0
        with np.errstate(over="ignore", invalid="ignore"):
            mean = finite_or_none(np.mean(self.outcome)) if some else None
            std = finite_or_none(np.std(self.outcome)) if some else None
        return LabelFigures(
            rows=len(self.outcome),
            days=len(self.days),
            zero_share=float(np.mean(self.outcome == 0)) if some else None,
            mean=mean,
            std=std,
            counts=self._of_order[2],
        )

    @cached_property
    def block_means(self) -> np.ndarray:
        return shift.block_means(self.time_ns, self.outcome, seconds=self.blocks.seconds)
