"""The figures of one run on one split: its predictions in, figures and their resamples out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alpha.core import parallel
from alpha.evaluate import distribution, metrics, ranking, thresholds
from alpha.evaluate.bootstrap import LEAST_BLOCKS, LEAST_EFFECTIVE, ratio
from alpha.evaluate.details import Ends, Event, Slice, SplitFigures, Threshold
from alpha.evaluate.inputs import Columns
from alpha.evaluate.ranking import Order, RankedEvent
from alpha.evaluate.split_rows import SplitRows
from alpha.learn.losses import Objective

# A figure's value in each resample, (resamples,), by the figure's name; of a threshold check
# the two sums that its outcome after fees is made of, (2, resamples).
Resamples = dict[str, np.ndarray]
_NOT_FINITE = "no prediction is finite"
# Losses are computed of so many rows at once, which bounds the memory.
_PART_ROWS = 1 << 18


@dataclass(frozen=True)
class Parameters:
    """Of the evaluation; `thresholds_bps` is empty where outcomes are classes."""

    thresholds_bps: Sequence[float]
    round_trip_bps: float
    horizon_ns: int


def fees_name(threshold_bps: float) -> str:
    """The name of a threshold check's sums among Resamples."""
    return f"after_fees at {threshold_bps!r}"


def losses(
    objective: Objective, outcome: np.ndarray, score: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The losses of predictions and of the best constant, (rows,) each, of which the first are
    the second where there is no score (NaN); `values` are what the loss takes."""
    found, of_constant = np.empty(len(outcome)), np.empty(len(outcome))
    for first in range(0, len(outcome), _PART_ROWS):
        part = slice(first, first + _PART_ROWS)
        of_constant[part] = objective.losses(outcome[part], objective.constant)
        found[part] = objective.losses(outcome[part], values[part])
    np.copyto(found, of_constant, where=np.isnan(score))
    return found, of_constant


def figures_of_rows(
    products: tuple[int, int, int],
    outcome: np.ndarray,
    score: np.ndarray,
    losses: np.ndarray,
    constant_losses: np.ndarray,
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Loss, skill, rank IC and std ratio of some rows, (rows,) each, and of the `products` of
    their ranks; and the reason of each that is None.

    Rows without a score (NaN) count in loss and skill, and in nothing else.
    """
    keep = ~np.isnan(score)
    rows, kept = len(keep), int(np.count_nonzero(keep))
    # If nothing was predicted at all, loss and skill are of no rows.
    scored = rows if kept else 0
    total, of_constant = metrics.total(losses), metrics.total(constant_losses)
    constant = metrics.constant(outcome)
    # A mask would copy the rows.
    those = slice(None) if kept == rows else keep
    spread = metrics.std(outcome[those]), metrics.std(score[those])
    return metrics.defined(
        {
            "loss": lambda: metrics.mean(total, scored),
            "skill": lambda: metrics.skill(total, of_constant, scored, constant=constant),
            "rank_ic": lambda: ranking.spearman(products, kept),
            "std_ratio": lambda: metrics.std_ratio(*spread, kept),
        },
        instead=_NOT_FINITE if rows and not kept else None,
    )


def assess(
    split: SplitRows, predicted: Columns, parameters: Parameters, *, clipped: int, replaced: int
) -> tuple[SplitFigures, Resamples]:
    """Every figure of one run on one split, and the resamples of those with an interval.

    Rows whose prediction is not finite are counted. For loss and skill they stand for the best
    constant, so that to abstain gains nothing; of the other figures they are left out. A figure
    that is not defined is None, with its reason under `undefined`.
    """
    run = _Run(split, predicted)
    ordered, events = run.in_order(parameters.thresholds_bps)
    figures = run.of_rows()
    checks = [run.check(threshold, parameters) for threshold in parameters.thresholds_bps]
    days, regimes = (
        [run.slice(name, rows) for name, rows in parts.items()]
        for parts in (split.days, split.regimes)
    )
    events += run.of_classes()
    reasons = {
        "intervals": split.blocks.reason,
        "interval of skill": None if split.blocks.reason else split.skill_reason,
        "regimes": split.standard.regimes.reason,
        "thresholds": None if checks else "outcomes are classes, not returns",
        "calibration": None if run.kept else run.instead or "no rows",
    }
    run.undefined |= {name: reason for name, reason in reasons.items() if reason is not None}
    ends = {
        name: split.blocks.ends(run.resamples.get(name)) for name in ("skill", "rank_ic", "loss")
    }
    return SplitFigures(
        rows=split.rows,
        non_finite=split.rows - run.kept,
        label_quantiles=split.quantiles,
        thresholds=checks,
        events=events,
        days=days,
        regimes=regimes,
        intervals={name: Ends(low=one[0], high=one[1]) for name, one in ends.items() if one},
        clipped=clipped,
        replaced=replaced,
        undefined=run.undefined,
        **ordered,
        **figures,
    ), run.resamples


class _Run:
    """One run's predictions of a split; the resamples of its figures, and the reasons of those
    that are not defined, both of which its methods fill."""

    def __init__(self, split: SplitRows, predicted: Columns) -> None:
        self._split, self._score, self._values = split, predicted.score, predicted.values
        self._lost = np.isnan(predicted.score)
        self._kept_by_cell = split.blocks.by_cell(~self._lost)
        self.kept = split.rows - int(np.count_nonzero(self._lost))
        # The reason of all figures, if there is nothing to compute them from.
        self.instead = _NOT_FINITE if split.rows and not self.kept else None
        # Of the ranks of each day and regime, by its name, and of all rows.
        self._products: dict[str, tuple[int, int, int]] = {}
        self._rank_sums: list[np.ndarray] = []
        self.undefined: dict[str, str] = {}
        self.resamples: Resamples = {}

    def _scored(self, rows: slice | np.ndarray) -> tuple[np.ndarray, ...]:
        """Some rows' outcomes, scores, losses and those of the best constant."""
        objective, outcome = self._split.standard.objective, self._split.outcome[rows]
        score = self._score[rows]
        return outcome, score, *losses(objective, outcome, score, self._values[rows])

    def in_order(self, thresholds_bps: Sequence[float]) -> tuple[dict[str, Any], list[Event]]:
        """What the order of the predictions gives: the products of ranks, distribution and
        calibration; and the events of outcomes above each threshold."""
        split, x = self._split, self._split.ranks
        if self.kept < split.rows:
            x = split.ranks_of(Order(np.where(self._lost, np.nan, split.outcome)))
        order = Order(self._score)
        y = split.ranks_of(order)
        parts: list[Mapping[str, Any]] = [{"": slice(None)}, split.days, split.regimes]
        for of_x, of_y, slices in zip(x, y, parts, strict=True):
            for name, those in slices.items():
                self._products[name] = ranking.products(of_x[those], of_y[those])
        self._rank_sums = ranking.rank_ic_statistics(
            x.whole, y.whole, self._kept_by_cell, split.blocks
        )
        ascending_ranks = y.whole[order.rows]
        del x, y, of_x, of_y
        prediction, outcome = self._score[order.rows], split.outcome[order.rows]
        found = {
            "prediction_quantiles": distribution.quantiles(prediction),
            "prediction_counts": distribution.counts(prediction, split.standard.bin_edges),
            "calibration": distribution.calibration(prediction, outcome, ascending_ranks),
        }
        del prediction, outcome, ascending_ranks
        above = {
            f"outcome > {threshold:g} bps": split.outcome > threshold * thresholds.BPS
            for threshold in thresholds_bps
        }
        return found, self._events(order, above)

    def of_classes(self) -> list[Event]:
        """The event of each class but 0, by its probability."""
        found = []
        for at, code in enumerate(self._split.standard.objective.classes):
            if code != 0:
                came = {f"class {code:+g}": self._split.outcome == code}
                found += self._events(Order(self._values[:, at]), came)
        return found

    def _events(self, order: Order, came: Mapping[str, np.ndarray]) -> list[Event]:
        """How well an order of the predictions ranks rows in which an event came, (rows,) bool."""
        cells, cell = self._split.blocks.cells, self._split.blocks.of_rows[order.rows]

        def rank(event: np.ndarray) -> RankedEvent:
            return RankedEvent(event[order.rows], order, cell, cells=cells)

        return list(map(self._event, came, parallel.each(rank, came.values())))

    def _event(self, name: str, ranked: RankedEvent) -> Event:
        found, reasons = metrics.defined(
            {"average_precision": ranked.average_precision, "decile_lift": ranked.decile_lift},
            instead=self.instead,
        )
        blocks = self._split.blocks
        if reasons:
            self.undefined[name] = next(iter(reasons.values()))
        elif blocks.effective(ranked.by_cell[:, 1]) < LEAST_EFFECTIVE:
            self.undefined[f"interval of {name}"] = (
                f"the event falls into fewer than {LEAST_EFFECTIVE} blocks of time"
            )
        elif blocks.reason is None:
            sums = blocks.sums((*ranked.by_cell.T, self._kept_by_cell))
            of_statistic, events, of_top, both, rows = sums
            precisions = np.clip(ratio(of_statistic, events), 0.0, 1.0)
            self.resamples[f"average_precision of {name}"] = precisions
            lifts = ratio(ratio(both, of_top), ratio(events, rows))
            self.resamples[f"decile_lift of {name}"] = lifts
        base_rate = ranked.positives / self.kept if self.kept else None
        return Event(name=name, base_rate=base_rate, **found)

    def of_rows(self) -> dict[str, Any]:
        """The figures over all rows, after `in_order`."""
        split, kept, scored = self._split, self.kept, self._scored(slice(None))
        found, undefined = figures_of_rows(self._products[""], *scored)
        by_cell, constant = split.blocks.by_cell(scored[2]), metrics.total(scored[3])
        del scored
        with np.errstate(over="ignore", invalid="ignore"):
            # Where there is no prediction the error is NaN.
            error = np.abs(split.outcome - self._score)
            np.copyto(error, 0.0, where=self._lost)
            absolute, squared = float(np.sum(error)), float(np.sum(np.square(error, out=error)))
        zeros = float(split.rows - np.count_nonzero(split.outcome))
        others, reasons = metrics.defined(
            {
                "constant_loss": lambda: metrics.mean(constant, split.rows if kept else 0),
                "mse": lambda: metrics.mean(squared, kept),
                "mae": lambda: metrics.mean(absolute, kept),
                "label_zero_share": lambda: metrics.mean(zeros, split.rows),
                "near_mean_share": lambda: metrics.mean(split.standard.near(self._score), kept),
            },
            instead=self.instead,
        )
        self.undefined |= undefined | reasons
        self.resamples |= resampled(split, found, by_cell, split.constant_by_cell, self._rank_sums)
        return found | others

    def slice(self, name: str, rows: slice | np.ndarray) -> Slice:
        """The figures of a day, whose rows are a slice, or of a regime, whose rows are a mask."""
        scored = self._scored(rows)
        found, undefined = figures_of_rows(self._products[name], *scored)
        return Slice(name=name, rows=len(scored[0]), undefined=undefined, **found)

    def check(self, threshold_bps: float, parameters: Parameters) -> Threshold:
        split, blocks = self._split, self._split.blocks
        found, sums = thresholds.check(
            threshold_bps,
            time_ns=split.time_ns,
            outcome=split.outcome,
            prediction=self._score,
            horizon_ns=parameters.horizon_ns,
            round_trip_bps=parameters.round_trip_bps,
            blocks=blocks,
        )
        # Of fewer blocks a resample has all or nothing: that is one spell, however many windows.
        if blocks.reason is not None or blocks.effective(sums[1]) < LEAST_BLOCKS:
            return found
        of_check = self.resamples[fees_name(threshold_bps)] = blocks.sums(sums)
        after = thresholds.after_fees_resampled(of_check, round_trip_bps=parameters.round_trip_bps)
        return thresholds.with_ends(found, blocks.ends(after))


def resampled(
    split: SplitRows,
    figures: Mapping[str, float | None],
    losses: np.ndarray,
    constant_losses: np.ndarray,
    rank_sums: Sequence[np.ndarray],
) -> Resamples:
    """Those of loss, skill and rank IC, as far as they are among the `figures` and have an
    interval: from losses by cell, (cells,), and `rank_ic_statistics`."""
    blocks, found = split.blocks, {}
    if blocks.reason is not None:
        return {}
    if figures["loss"] is not None:
        rows, of_loss, of_constant = blocks.sums((blocks.rows, losses, constant_losses))
        found["loss"] = ratio(of_loss, rows)
        if figures["skill"] is not None and split.skill_reason is None:
            found["skill"] = 1.0 - ratio(of_loss, of_constant)
    if figures["rank_ic"] is not None:
        found["rank_ic"] = ranking.rank_ic_resampled(blocks.sums(rank_sums))
    return found
