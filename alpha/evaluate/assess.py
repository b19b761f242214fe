"""The figures of one run on one split: its rows in parts in, figures and their resamples out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from alpha.evaluate import metrics, sample, thresholds
from alpha.evaluate.bootstrap import LEAST_BLOCKS, LEAST_EFFECTIVE, ratio
from alpha.evaluate.details import Ends, Event, Slice, SplitFigures, Threshold
from alpha.evaluate.metrics import Undefined
from alpha.evaluate.predicted import Predicted
from alpha.evaluate.ranking import rank_ic_resampled
from alpha.evaluate.rows import SplitRows
from alpha.evaluate.sample import Sample
from alpha.evaluate.thresholds import Check

# A figure's value in each resample, (resamples,), by the figure's name; of a threshold check
# the two sums that its outcome after fees is made of, (2, resamples).
Resamples = dict[str, np.ndarray]


@dataclass(frozen=True)
class Knobs:
    """Of the evaluation; `thresholds_bps` is empty where outcomes are classes."""

    thresholds_bps: Sequence[float]
    round_trip_bps: float
    horizon_ns: int


def assess(
    rows: SplitRows, parts: Iterable[Predicted], knobs: Knobs, *, clipped: int, replaced: int
) -> tuple[SplitFigures, Resamples]:
    """Every figure of one run on one split, whose rows come in parts, and the resamples of those
    with an interval.

    Rows whose prediction is not finite are counted. For loss and skill they stand for the best
    constant, so that to abstain gains nothing; of the other figures they are left out. A figure
    that is not defined is None, with its reason under `undefined`.
    """
    checks = [
        Check(threshold, horizon_ns=knobs.horizon_ns, cells=rows.blocks.cells)
        for threshold in knobs.thresholds_bps
    ]
    found = _Figures(Sample.of(rows, parts, checks))
    figures = found.of_loss() | found.of_errors() | {"rank_ic": found.rank_ic()}
    events = [found.event(event) for event in found.sample.events]
    of_checks = [found.check(check, knobs) for check in checks]
    kept, undefined = found.sample.count, found.undefined
    for name, reason in (
        ("intervals", rows.blocks.reason),
        ("interval of skill", None if rows.blocks.reason else rows.skill_reason),
        ("regimes", rows.standard.regimes.reason),
        ("thresholds", None if checks else "outcomes are classes, not returns"),
        ("calibration", None if kept else found.reason("no rows")),
    ):
        if reason is not None:
            undefined[name] = reason
    return SplitFigures(
        rows=rows.rows,
        non_finite=rows.rows - kept,
        label_quantiles=rows.quantiles,
        prediction_quantiles=found.sample.distribution.quantiles,
        prediction_counts=found.sample.distribution.counts,
        thresholds=of_checks,
        events=events,
        calibration=found.sample.calibration.bins(),
        days=found.slices(rows.slots.days),
        regimes=found.slices(rows.slots.regimes),
        intervals={
            name: Ends(low=ends[0], high=ends[1])
            for name in ("skill", "rank_ic", "loss")
            if (ends := rows.blocks.ends(found.resamples.get(name))) is not None
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
    """The figures of a sample, one after the other; with their resamples, and the reasons of
    those that are not defined."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self.undefined: dict[str, str] = {}
        self.resamples: Resamples = {}
        self._rows, self._whole = sample.rows, sample.sums[0]

    def reason(self, otherwise: str) -> str:
        return self._whole.reason(otherwise)

    def _figure(self, name: str, compute: Callable[[], float]) -> float | None:
        """A figure, or None with its reason under `undefined`; nothing is raised."""
        try:
            return compute()
        except Undefined as reason:
            self.undefined[name] = self.reason(str(reason))
            return None

    def _sums(self, per_cell: Iterable[np.ndarray]) -> np.ndarray | None:
        """Resampled sums; None where there is no interval."""
        return None if self._rows.blocks.reason is not None else self._rows.blocks.sums(per_cell)

    def of_loss(self) -> dict[str, float | None]:
        """Loss, the constant's loss and skill, which share their sums, over all rows."""
        found = {
            "loss": self._figure("loss", self._whole.loss),
            "constant_loss": self._figure("constant_loss", self._whole.constant_loss),
            "skill": self._figure("skill", self._whole.skill),
        }
        rows = self._rows
        if found["loss"] is None or rows.blocks.reason is not None:
            return found
        count, of_loss, of_constant = rows.blocks.sums(
            (rows.blocks.rows, self.sample.loss, self.sample.constant_loss)
        )
        self.resamples["loss"] = ratio(of_loss, count)
        if found["skill"] is not None and rows.skill_reason is None:
            self.resamples["skill"] = 1.0 - ratio(of_loss, of_constant)
        return found

    def of_errors(self) -> dict[str, float | None]:
        """What is of single rows and has no interval."""
        one, kept, rows = self.sample, self.sample.count, self._rows
        figures: dict[str, Callable[[], float]] = {
            "mse": lambda: metrics.mean(one.squared_error, kept),
            "mae": lambda: metrics.mean(one.absolute_error, kept),
            "std_ratio": self._whole.std_ratio,
            "near_mean_share": self._near_mean,
            "label_zero_share": lambda: metrics.mean(rows.zeros, rows.rows),
        }
        return {name: self._figure(name, compute) for name, compute in figures.items()}

    def _near_mean(self) -> float:
        if self._rows.standard.mean is None or self._rows.standard.hair is None:
            raise Undefined("train's outcomes are too large for a mean and a standard deviation")
        return metrics.mean(self.sample.near_mean, self.sample.count)

    def rank_ic(self) -> float | None:
        products = self.sample.products
        found = self._figure("rank_ic", lambda: self.sample.rank_ic(0))
        if found is not None:
            sums = self._sums(products.statistics(self.sample.kept))
            if sums is not None:
                self.resamples["rank_ic"] = rank_ic_resampled(sums)
        return found

    def event(self, event: sample.Event) -> Event:
        of, at, kept = event.of, event.at, self.sample.count
        base_rate = of.positives[at] / kept if kept else None
        try:
            precision, lift = of.average_precision(at), of.decile_lift(at)
        except Undefined as reason:
            self.undefined[event.name] = self.reason(str(reason))
            return Event(
                name=event.name, base_rate=base_rate, average_precision=None, decile_lift=None
            )
        few = self._rows.blocks.effective(of.by_cell(at)) < LEAST_EFFECTIVE
        sums = None if few else self._sums(of.statistics(at, self.sample.kept))
        if few:
            self.undefined[f"interval of {event.name}"] = (
                f"the event falls into fewer than {LEAST_EFFECTIVE} blocks of time"
            )
        if sums is not None:
            of_statistic, events, of_top, both, rows = sums
            precisions = np.clip(ratio(of_statistic, events), 0.0, 1.0)
            self.resamples[precision_name(event.name)] = precisions
            lifts = ratio(ratio(both, of_top), ratio(events, rows))
            self.resamples[lift_name(event.name)] = lifts
        return Event(
            name=event.name, base_rate=base_rate, average_precision=precision, decile_lift=lift
        )

    def check(self, check: Check, knobs: Knobs) -> Threshold:
        found = check.figures(round_trip_bps=knobs.round_trip_bps)
        blocks = self._rows.blocks
        # Of fewer blocks a resample has all or nothing: that is one spell, however many windows.
        if blocks.effective(check.statistics[1]) < LEAST_BLOCKS:
            return found
        sums = self._sums(check.statistics)
        if sums is None:
            return found
        self.resamples[fees_name(check.threshold_bps)] = sums
        after = thresholds.after_fees_resampled(sums, round_trip_bps=knobs.round_trip_bps)
        return thresholds.with_ends(found, blocks.ends(after))

    def slices(self, named: dict[int, str]) -> list[Slice]:
        """Of days or regimes, by slot."""
        return [
            self.sample.sums[slot].slice(name, partial(self.sample.rank_ic, slot))
            for slot, name in named.items()
        ]
