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
from alpha.evaluate.ranking import Order, RankedEvent, spearman
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
    ranked, events = found.in_order(parameters.thresholds_bps)
    figures = ranked | found.of_rows()
    checks = [found.check(threshold, parameters) for threshold in parameters.thresholds_bps]
    days = [found.slice(name, rows) for name, rows in split.days.items()]
    regimes = [found.slice(name, split.regime == code) for name, code in split.regimes.items()]
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
        self._score = predicted.score
        self.kept = split.rows - int(np.count_nonzero(np.isnan(self._score)))
        self._kept_by_cell = split.blocks.by_cell(~np.isnan(self._score))
        # Of each day and regime, by its name.
        self._products: dict[str, tuple[int, int, int]] = {}
        self.undefined: dict[str, str] = {}
        self.resamples: Resamples = {}

    def _scored(self, rows: slice | np.ndarray) -> ScoredRows:
        """Some of the rows, with their losses."""
        objective, y = self._split.standard.objective, self._split.outcome[rows]
        score, losses = self._score[rows], objective.losses(y, self._predicted.values[rows])
        constant = objective.losses(y, objective.constant)
        np.copyto(losses, constant, where=np.isnan(score))
        return ScoredRows(y, score, losses, constant)

    def reason(self, otherwise: str) -> str:
        return "no prediction is finite" if self._split.rows and not self.kept else otherwise

    def _figure(self, name: str, compute: Callable[[], float]) -> float | None:
        """A figure, or None with its reason under `undefined`; nothing is raised."""
        try:
            return compute()
        except Undefined as reason:
            self.undefined[name] = self.reason(str(reason))
            return None

    def of_rows(self) -> dict[str, float | None]:
        """Loss, the constant's loss and skill over all rows, and the errors, which have no
        interval."""
        scored = self._scored(slice(None))
        split, blocks = self._split, self._split.blocks
        of_loss = blocks.by_cell(scored.losses)
        figures: dict[str, Callable[[], float]] = {
            "loss": scored.loss,
            "constant_loss": scored.constant_loss,
            "skill": scored.skill,
            "std_ratio": scored.std_ratio,
        }
        found = {name: self._figure(name, compute) for name, compute in figures.items()}
        del scored, figures
        if found["loss"] is not None and blocks.reason is None:
            sums = blocks.sums((blocks.rows, of_loss, split.constant_by_cell))
            self.resamples["loss"] = ratio(sums[1], sums[0])
            if found["skill"] is not None and split.skill_reason is None:
                self.resamples["skill"] = 1.0 - ratio(sums[1], sums[2])
        with np.errstate(over="ignore", invalid="ignore"):
            error = np.abs(split.outcome - self._score)
            # Where there is no prediction it is NaN.
            np.copyto(error, 0.0, where=np.isnan(self._score))
            absolute, squared = np.sum(error), np.sum(np.square(error, out=error))
        zeros = split.rows - np.count_nonzero(split.outcome)
        for name, total, rows in (
            ("mse", squared, self.kept),
            ("mae", absolute, self.kept),
            ("label_zero_share", zeros, split.rows),
        ):
            found[name] = self._figure(name, partial(metrics.mean, float(total), rows))
        found["near_mean_share"] = self._figure("near_mean_share", self._near_mean_share)
        return found

    def _near_mean_share(self) -> float:
        standard = self._split.standard
        mean, tolerance = standard.mean, standard.near_mean_tolerance
        if mean is None or tolerance is None:
            raise Undefined("train's outcomes are too large for a mean and a standard deviation")
        with np.errstate(over="ignore"):
            near = np.count_nonzero(np.abs(self._score - mean) <= tolerance)
        return metrics.mean(float(near), self.kept)

    def slice(self, name: str, rows: slice | np.ndarray) -> Slice:
        """Of a day, whose rows are a slice, or a regime, whose rows are a mask."""
        return self._scored(rows).slice(name, self._products[name])

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
        split, x = self._split, self._split.ranks
        if self.kept < split.rows:
            x = split.ranks_of(Order.of(np.where(np.isnan(self._score), np.nan, split.outcome)))
        order = Order.of(self._score)
        y = split.ranks_of(order)
        for name, day in split.days.items():
            self._products[name] = ranking.products(x.by_day[day], y.by_day[day])
        for name, code in split.regimes.items():
            regime = split.regime == code
            self._products[name] = ranking.products(x.by_regime[regime], y.by_regime[regime])
        # Those within days and regimes are not needed any more.
        of_outcome, of_prediction = x.whole, y.whole
        del x, y
        both = ranking.products(of_outcome, of_prediction)
        rank_ic = self._figure("rank_ic", partial(spearman, both, self.kept))
        if rank_ic is not None and split.blocks.reason is None:
            sums = ranking.rank_ic_statistics(
                of_outcome, of_prediction, self._kept_by_cell, split.blocks
            )
            self.resamples["rank_ic"] = ranking.rank_ic_resampled(split.blocks.sums(sums))
        prediction, outcome = self._score[order.rows], split.outcome[order.rows]
        ascending_ranks = of_prediction[order.rows]
        del of_outcome, of_prediction
        figures = {
            "rank_ic": rank_ic,
            "prediction_quantiles": distribution.quantiles(prediction),
            "prediction_counts": distribution.counts(prediction, split.standard.bin_edges),
            "calibration": distribution.calibration(prediction, outcome, ascending_ranks),
        }
        del prediction, ascending_ranks
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
                chance = self._predicted.values[:, at]
                order = Order.of(np.where(np.isnan(self._score), np.nan, chance))
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
        if blocks.effective(ranked.by_cell[:, 1]) < LEAST_EFFECTIVE:
            self.undefined[f"interval of {name}"] = (
                f"the event falls into fewer than {LEAST_EFFECTIVE} blocks of time"
            )
        elif blocks.reason is None:
            sums = blocks.sums(ranked.statistics(self._kept_by_cell))
            of_statistic, events, of_top, both, rows = sums
            self.resamples[precision_name(name)] = np.clip(ratio(of_statistic, events), 0.0, 1.0)
            self.resamples[lift_name(name)] = ratio(ratio(both, of_top), ratio(events, rows))
        return Event(name=name, base_rate=base_rate, average_precision=precision, decile_lift=lift)
