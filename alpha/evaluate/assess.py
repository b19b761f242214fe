"""The figures of one run on one split: its predictions in, figures and their resamples out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from alpha.core import parallel
from alpha.evaluate import distribution, metrics, ranking, thresholds
from alpha.evaluate.bootstrap import LEAST_BLOCKS, LEAST_EFFECTIVE, ratio
from alpha.evaluate.details import Ends, Event, Slice, SplitFigures, Threshold
from alpha.evaluate.inputs import Columns
from alpha.evaluate.metrics import Undefined
from alpha.evaluate.ranking import Order, RankedEvent, centered_ranks, spearman
from alpha.evaluate.slices import ScoredRows
from alpha.evaluate.split_rows import SplitRows

# A figure's value in each resample, (resamples,), by the figure's name; of a threshold check
# the two sums that its outcome after fees is made of, (2, resamples).
Resamples = dict[str, np.ndarray]


@dataclass(frozen=True)
class Parameters:
    """Of the evaluation; `thresholds_bps` is empty where outcomes are classes."""

    thresholds_bps: Sequence[float]
    round_trip_bps: float
    horizon_ns: int


def assess(
    split: SplitRows, predicted: Columns, parameters: Parameters, *, clipped: int, replaced: int
) -> tuple[SplitFigures, Resamples]:
    """Every figure of one run on one split, and the resamples of those with an interval.

    Rows whose prediction is not finite are counted. For loss and skill they stand for the best
    constant, so that to abstain gains nothing; of the other figures they are left out. A figure
    that is not defined is None, with its reason under `undefined`.
    """
    found = _Figures(split, predicted)
    figures: dict[str, Any] = found.of_loss() | found.of_errors()
    days = parallel.each(found.slice, split.days.items())
    regimes = [found.slice(one) for one in split.regimes.items()]
    # Nothing else needs each row's loss, and orders need the memory.
    del found.whole
    checks = [found.check(threshold, parameters) for threshold in parameters.thresholds_bps]
    ranked, events = found.in_order(parameters.thresholds_bps)
    events += found.of_classes()
    undefined, kept = found.undefined, found.kept
    for name, reason in (
        ("intervals", split.blocks.reason),
        ("interval of skill", None if split.blocks.reason else split.skill_reason),
        ("regimes", split.standard.regimes.reason),
        ("thresholds", None if checks else "outcomes are classes, not returns"),
        ("calibration", None if kept else found.reason("no rows")),
    ):
        if reason is not None:
            undefined[name] = reason
    return SplitFigures(
        rows=split.rows,
        non_finite=split.rows - kept,
        label_quantiles=split.quantiles,
        thresholds=checks,
        events=events,
        days=days,
        regimes=regimes,
        intervals={
            name: Ends(low=ends[0], high=ends[1])
            for name in ("skill", "rank_ic", "loss")
            if (ends := split.blocks.ends(found.resamples.get(name))) is not None
        },
        clipped=clipped,
        replaced=replaced,
        undefined=undefined,
        **figures,
        **ranked,
    ), found.resamples


def precision_name(event: str) -> str:
    """The name of an event's average precision among Resamples."""
    return f"average_precision of {event}"


def lift_name(event: str) -> str:
    """The name of an event's decile lift among Resamples."""
    return f"decile_lift of {event}"


def fees_name(threshold_bps: float) -> str:
    """The name of a threshold check's sums among Resamples."""
    return f"after_fees at {threshold_bps!r}"


class _Figures:
    """The figures, one after the other; with their resamples, and the reasons of those that are
    not defined."""

    def __init__(self, split: SplitRows, predicted: Columns) -> None:
        self._split, self._predicted = split, predicted
        self.undefined: dict[str, str] = {}
        self.resamples: Resamples = {}
        self._keep = predicted.finite
        self.kept = int(np.count_nonzero(self._keep))
        self._score, self._ranks = predicted.score, split.ranks
        objective, y = split.standard.objective, split.outcome
        constant = objective.losses(y, objective.constant)
        losses = objective.losses(y, predicted.values)
        if self.kept < split.rows:
            self._score = np.where(self._keep, predicted.score, np.nan)
            self._ranks = split.ranks_of(self._keep)
            np.copyto(losses, constant, where=~self._keep)
        self.whole = ScoredRows(y, self._score, losses, constant)
        self._kept_by_cell = split.blocks.by_cell(self._keep)

    def reason(self, otherwise: str) -> str:
        return "no prediction is finite" if self._split.rows and not self.kept else otherwise

    def _figure(self, name: str, compute: Callable[[], float]) -> float | None:
        """A figure, or None with its reason under `undefined`; nothing is raised."""
        try:
            return compute()
        except Undefined as reason:
            self.undefined[name] = self.reason(str(reason))
            return None

    def of_loss(self) -> dict[str, float | None]:
        """Loss, the constant's loss and skill, which share their sums, over all rows."""
        found = {
            "loss": self._figure("loss", self.whole.loss),
            "constant_loss": self._figure("constant_loss", self.whole.constant_loss),
            "skill": self._figure("skill", self.whole.skill),
        }
        split, blocks = self._split, self._split.blocks
        if found["loss"] is None or blocks.reason is not None:
            return found
        of_loss = blocks.by_cell(self.whole.losses)
        sums = blocks.sums((blocks.rows, of_loss, split.constant_by_cell))
        self.resamples["loss"] = ratio(sums[1], sums[0])
        if found["skill"] is not None and split.skill_reason is None:
            self.resamples["skill"] = 1.0 - ratio(sums[1], sums[2])
        return found

    def of_errors(self) -> dict[str, float | None]:
        """What is of single rows and has no interval."""
        with np.errstate(over="ignore", invalid="ignore"):
            error = self._split.outcome - self._score
            if self.kept < self._split.rows:
                error = error[self._keep]
            absolute = metrics.total(np.abs(error, out=error))
            squared = metrics.total(np.square(error, out=error))
        rows = self._split.rows
        zeros = rows - int(np.count_nonzero(self._split.outcome))
        figures: dict[str, Callable[[], float]] = {
            "mse": lambda: metrics.mean(squared, self.kept),
            "mae": lambda: metrics.mean(absolute, self.kept),
            "std_ratio": self.whole.std_ratio,
            "near_mean_share": self._near_mean_share,
            "label_zero_share": lambda: metrics.mean(zeros, rows),
        }
        return {name: self._figure(name, compute) for name, compute in figures.items()}

    def _near_mean_share(self) -> float:
        mean, hair = self._split.standard.mean, self._split.standard.hair
        if mean is None or hair is None:
            raise Undefined("train's outcomes are too large for a mean and a standard deviation")
        with np.errstate(over="ignore", invalid="ignore"):
            near = int(np.count_nonzero(np.abs(self._score - mean) <= hair))
        return metrics.mean(near, self.kept)

    def slice(self, named: tuple[str, slice | np.ndarray]) -> Slice:
        """Of a day, whose rows are a slice, or a regime, whose rows are a mask."""
        name, rows = named
        scored = self.whole.those(rows)
        ranks = self._ranks.by_day if isinstance(rows, slice) else self._ranks.by_regime

        def rank_ic() -> float:
            return spearman(ranks[rows], centered_ranks(scored.score), scored.kept)

        return scored.slice(name, rank_ic)

    def check(self, threshold_bps: float, parameters: Parameters) -> Threshold:
        blocks = self._split.blocks
        found, sums = thresholds.check(
            threshold_bps,
            time_ns=self._split.time_ns,
            outcome=self._split.outcome,
            prediction=self._score,
            horizon_ns=parameters.horizon_ns,
            round_trip_bps=parameters.round_trip_bps,
            blocks=blocks,
        )
        # Of fewer blocks a resample has all or nothing: that is one spell, however many windows.
        if blocks.reason is not None or blocks.effective(sums[1]) < LEAST_BLOCKS:
            return found
        resampled = blocks.sums(sums)
        self.resamples[fees_name(threshold_bps)] = resampled
        after = thresholds.after_fees_resampled(resampled, round_trip_bps=parameters.round_trip_bps)
        return thresholds.with_ends(found, blocks.ends(after))

    def in_order(self, thresholds_bps: Sequence[float]) -> tuple[dict[str, Any], list[Event]]:
        """What the order of the predictions gives: rank IC, distribution and calibration; and
        the events of outcomes above each threshold."""
        split, x = self._split, self._ranks.whole
        order = Order.of(self._score)
        y = order.centered_ranks(split.rows)
        rank_ic = self._figure("rank_ic", partial(spearman, x, y, self.kept))
        if rank_ic is not None and split.blocks.reason is None:
            sums = ranking.rank_ic_statistics(x, y, self._kept_by_cell, split.blocks)
            self.resamples["rank_ic"] = ranking.rank_ic_resampled(split.blocks.sums(sums))
        prediction, outcome = self._score[order.rows], split.outcome[order.rows]
        figures = {
            "rank_ic": rank_ic,
            "prediction_quantiles": distribution.quantiles(prediction),
            "prediction_counts": distribution.counts(prediction, split.standard.bin_edges),
            "calibration": distribution.calibration(prediction, outcome, y[order.rows]),
        }
        del prediction, y
        cell = split.blocks.of_rows[order.rows]

        def rank(threshold_bps: float) -> RankedEvent:
            came = outcome > threshold_bps * thresholds.BPS
            return RankedEvent.of(came, order, cell, cells=split.blocks.cells)

        ranked = parallel.each(rank, thresholds_bps)
        names = [f"outcome > {threshold:g} bps" for threshold in thresholds_bps]
        return figures, [self._event(*both) for both in zip(names, ranked, strict=True)]

    def of_classes(self) -> list[Event]:
        """The event of each class but 0, by its probability."""
        split, found = self._split, []
        for at, code in enumerate(split.standard.objective.classes):
            if code != 0:
                chance = np.where(self._keep, self._predicted.values[:, at], np.nan)
                order = Order.of(chance)
                came, cell = (split.outcome == code)[order.rows], split.blocks.of_rows[order.rows]
                ranked = RankedEvent.of(came, order, cell, cells=split.blocks.cells)
                found.append(self._event(f"class {code:+g}", ranked))
        return found

    def _event(self, name: str, ranked: RankedEvent) -> Event:
        base_rate = ranked.positives / self.kept if self.kept else None
        try:
            precision, lift = ranked.average_precision(), ranked.decile_lift()
        except Undefined as reason:
            self.undefined[name] = self.reason(str(reason))
            return Event(name=name, base_rate=base_rate, average_precision=None, decile_lift=None)
        blocks = self._split.blocks
        if blocks.effective(ranked.events_by_cell) < LEAST_EFFECTIVE:
            self.undefined[f"interval of {name}"] = (
                f"the event falls into fewer than {LEAST_EFFECTIVE} blocks of time"
            )
        elif blocks.reason is None:
            sums = blocks.sums(ranked.statistics(self._kept_by_cell))
            of_statistic, events, of_top, both, rows = sums
            self.resamples[precision_name(name)] = np.clip(ratio(of_statistic, events), 0.0, 1.0)
            self.resamples[lift_name(name)] = ratio(ratio(both, of_top), ratio(events, rows))
        return Event(name=name, base_rate=base_rate, average_precision=precision, decile_lift=lift)
