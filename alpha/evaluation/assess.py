"""The figures of one run on one split: arrays in, figures and their resamples out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from alpha.evaluation import breakdown, calibration, distribution, metrics, thresholds
from alpha.evaluation.bootstrap import LEAST_BLOCKS, LEAST_EFFECTIVE, ratio
from alpha.evaluation.details import Ends, Event, Slice, SplitFigures, Threshold
from alpha.evaluation.metrics import Undefined
from alpha.evaluation.quantiles import quantiles
from alpha.evaluation.ranking import (
    Ranked,
    average_precision,
    decile_lift,
    event_statistics,
    rank_ic,
    rank_ic_resampled,
    rank_ic_statistics,
)
from alpha.evaluation.rows import SplitRows
from alpha.evaluation.thresholds import BPS

# A figure's value in each resample, (resamples,), by the figure's name; of a threshold check
# the two sums that its outcome after fees is made of, (2, resamples).
Resamples = dict[str, np.ndarray]


@dataclass(frozen=True)
class Prediction:
    """What one run predicts of one split.

    `score` (rows,) is the number that is compared with the outcome; `values` is what the loss
    takes: the score, or a probability of each class (rows, classes).
    """

    score: np.ndarray
    values: np.ndarray

    @property
    def finite(self) -> np.ndarray:
        finite = np.isfinite(self.score)
        if self.values.ndim == 2:
            for column in self.values.T:
                finite &= np.isfinite(column)
        return finite


@dataclass(frozen=True)
class Knobs:
    """Of the evaluation; `thresholds_bps` is empty where outcomes are classes."""

    thresholds_bps: Sequence[float]
    round_trip_bps: float
    horizon_ns: int


def assess(
    rows: SplitRows, prediction: Prediction, knobs: Knobs, *, clipped: int, replaced: int
) -> tuple[SplitFigures, Resamples]:
    """Every figure of one run on one split, and the resamples of those with an interval.

    Rows whose prediction is not finite are counted. For loss and skill they stand for the best
    constant, so that to abstain gains nothing; of the other figures they are left out. A figure
    that is not defined is None, with its reason under `undefined`.
    """
    sample = _Sample(rows, prediction)
    y, f, undefined = sample.y, sample.f, sample.undefined
    losses = sample.losses()
    figures = _of_loss(sample, losses)
    days = [_slice(sample, part, losses) for part in rows.days]
    regimes = [_slice(sample, part, losses) for part in rows.regimes]
    # What takes 8 bytes a row is let go when it is not needed any more.
    del losses
    figures |= {
        "mse": sample.figure("mse", lambda: metrics.mse(y, f)),
        "mae": sample.figure("mae", lambda: metrics.mae(y, f)),
        "rank_ic": _rank_ic(sample),
        "std_ratio": sample.figure("std_ratio", lambda: metrics.std_ratio(y, f)),
        "near_mean_share": sample.figure("near_mean_share", lambda: _near_mean(sample)),
        "label_zero_share": sample.figure(
            "label_zero_share",
            lambda: metrics.share_within(rows.outcome, center=0.0, distance=0.0),
        ),
    }
    events = [_event(sample, *event) for event in _events(sample, knobs)]
    checks = [_check(sample, threshold, knobs) for threshold in knobs.thresholds_bps]
    for name, reason in (
        ("intervals", rows.blocks.reason),
        ("interval of skill", None if rows.blocks.reason else rows.skill_reason),
        ("regimes", rows.standard.regimes.reason),
        ("thresholds", None if checks else "outcomes are classes, not returns"),
        ("calibration", None if len(y) else sample.reason("no rows")),
    ):
        if reason is not None:
            undefined[name] = reason
    return SplitFigures(
        rows=len(rows.outcome),
        non_finite=len(rows.outcome) - len(y),
        label_quantiles=rows.quantiles,
        prediction_quantiles=quantiles(f, sample.ranked.order),
        prediction_counts=distribution.counts(f, sample.ranked.order, rows.standard.bin_edges),
        thresholds=checks,
        events=events,
        calibration=calibration.by_decile(y, f, sample.ranked),
        days=days,
        regimes=regimes,
        intervals={
            name: Ends(low=ends[0], high=ends[1])
            for name in ("skill", "rank_ic", "loss")
            if (ends := rows.blocks.ends(sample.resamples.get(name))) is not None
        },
        clipped=clipped,
        replaced=replaced,
        undefined=undefined,
        **figures,
    ), sample.resamples


def precision_name(event: str) -> str:
    """The name of an event's average precision among Resamples."""
    return f"average_precision of {event}"


def lift_name(event: str) -> str:
    """The name of an event's decile lift among Resamples."""
    return f"decile_lift of {event}"


def fees_name(threshold_bps: float) -> str:
    """The name of a threshold check's sums among Resamples."""
    return f"after_fees at {threshold_bps!r}"


class _Sample:
    """The rows of a split where a run's prediction is finite, and what was found of them."""

    def __init__(self, rows: SplitRows, prediction: Prediction) -> None:
        self.rows = rows
        self.prediction = prediction
        self.keep = prediction.finite
        self.whole = bool(self.keep.all())
        self.y, self.f = self.kept(rows.outcome), self.kept(prediction.score)
        self.undefined: dict[str, str] = {}
        self.resamples: Resamples = {}

    def losses(self) -> np.ndarray:
        """The loss of each row of the split, (rows,): of the constant where none is kept."""
        losses = self.rows.losses(self.prediction.values)
        if not self.whole:
            np.copyto(losses, self.rows.constant_losses, where=~self.keep)
        return losses

    @cached_property
    def ranked(self) -> Ranked:
        return Ranked.of(self.f)

    def figure(self, name: str, compute: Callable[[], float]) -> float | None:
        """A figure, or None with its reason under `undefined`; nothing is raised."""
        try:
            return compute()
        except Undefined as reason:
            self.undefined[name] = self.reason(str(reason))
            return None

    def kept(self, values: np.ndarray) -> np.ndarray:
        """Those of `values` (rows, ...) whose prediction is finite: themselves if all are."""
        return values if self.whole else values[self.keep]

    def reason(self, otherwise: str) -> str:
        return "no prediction is finite" if len(self.keep) and not len(self.y) else otherwise

    def effective(self, values: np.ndarray) -> float:
        """How many blocks the sum of values of the kept rows, none below 0, is spread over."""
        if not len(self.keep):
            return 0.0
        return self.rows.blocks.effective(values, None if self.whole else self.keep)

    def sums(self, statistics: Iterable[np.ndarray]) -> np.ndarray | None:
        """Resampled sums of statistics of the kept rows; None where there is no interval."""
        if self.rows.blocks.reason is not None:
            return None
        return self.rows.blocks.sums(statistics, None if self.whole else self.keep)


def _of_loss(sample: _Sample, loss: np.ndarray) -> dict[str, float | None]:
    """Loss, the constant's loss and skill, which share their sums, over all rows."""
    rows = sample.rows
    outcome, constant = rows.outcome, rows.constant_losses
    if not len(sample.y):
        # Nothing was predicted at all.
        outcome, loss, constant = (values[:0] for values in (outcome, loss, constant))
    found = {
        "loss": sample.figure("loss", lambda: metrics.mean(loss)),
        "constant_loss": sample.figure("constant_loss", lambda: metrics.mean(constant)),
        "skill": sample.figure("skill", lambda: metrics.skill(outcome, loss, constant)),
    }
    if found["loss"] is None or rows.blocks.reason is not None:
        return found
    count, of_loss, of_constant = rows.blocks.sums((np.ones(len(loss), dtype=bool), loss, constant))
    sample.resamples["loss"] = ratio(of_loss, count)
    if found["skill"] is not None and rows.skill_reason is None:
        sample.resamples["skill"] = 1.0 - ratio(of_loss, of_constant)
    return found


def _rank_ic(sample: _Sample) -> float | None:
    ranks = (
        sample.rows.ranks if sample.whole else Ranked.of(sample.y).ranks,
        sample.ranked.ranks,
    )
    found = sample.figure("rank_ic", lambda: rank_ic(*ranks))
    if found is not None:
        sums = sample.sums(rank_ic_statistics(*ranks))
        if sums is not None:
            sample.resamples["rank_ic"] = rank_ic_resampled(sums)
    return found


def _near_mean(sample: _Sample) -> float:
    mean, hair = sample.rows.standard.mean, sample.rows.standard.hair
    if mean is None or hair is None:
        raise Undefined("train's outcomes are too large for a mean and a standard deviation")
    return metrics.share_within(sample.f, center=mean, distance=hair)


def _events(sample: _Sample, knobs: Knobs) -> Iterator[tuple[str, np.ndarray, Ranked]]:
    """What predictions should foresee, one by one: its name, whether it came, and what ranks
    the rows.

    Of classes it is each but 0, which is that nothing happened, ranked by its probability.
    """
    y, classes = sample.y, sample.rows.standard.objective.classes
    if not classes:
        for threshold in knobs.thresholds_bps:
            yield f"outcome > {threshold:g} bps", y > threshold * BPS, sample.ranked
    for at, code in enumerate(classes):
        if code != 0:
            chances = sample.kept(sample.prediction.values[:, at])
            yield f"class {code:+g}", y == code, Ranked.of(chances)


def _event(sample: _Sample, name: str, event: np.ndarray, ranked: Ranked) -> Event:
    base_rate = float(np.mean(event)) if len(event) else None
    try:
        precision = average_precision(event, ranked)
        lift = decile_lift(event, ranked)
    except Undefined as reason:
        sample.undefined[name] = sample.reason(str(reason))
        return Event(name=name, base_rate=base_rate, average_precision=None, decile_lift=None)
    few = sample.effective(event) < LEAST_EFFECTIVE
    sums = None if few else sample.sums(event_statistics(event, ranked))
    if few:
        sample.undefined[f"interval of {name}"] = (
            f"the event falls into fewer than {LEAST_EFFECTIVE} blocks of time"
        )
    if sums is not None:
        of_statistic, events, of_top, both, rows = sums
        sample.resamples[precision_name(name)] = np.clip(ratio(of_statistic, events), 0.0, 1.0)
        sample.resamples[lift_name(name)] = ratio(ratio(both, of_top), ratio(events, rows))
    return Event(name=name, base_rate=base_rate, average_precision=precision, decile_lift=lift)


def _check(sample: _Sample, threshold_bps: float, knobs: Knobs) -> Threshold:
    rows, y, f = sample.rows, sample.y, sample.f
    check = thresholds.check(
        y,
        f,
        sample.kept(rows.time_ns),
        threshold_bps=threshold_bps,
        round_trip_bps=knobs.round_trip_bps,
        horizon_ns=knobs.horizon_ns,
    )
    # Of fewer blocks a resample has all or nothing: that is one spell, however many windows.
    if sample.effective(f > threshold_bps * BPS) < LEAST_BLOCKS:
        return check
    sums = sample.sums(thresholds.after_fees_statistics(y, f, threshold_bps=threshold_bps))
    if sums is None:
        return check
    sample.resamples[fees_name(threshold_bps)] = sums
    after = thresholds.after_fees_resampled(sums, round_trip_bps=knobs.round_trip_bps)
    return thresholds.with_ends(check, rows.blocks.ends(after))


def _slice(sample: _Sample, part: breakdown.Part, losses: np.ndarray) -> Slice:
    return breakdown.figures(
        part,
        keep=sample.keep,
        outcome=sample.rows.outcome,
        prediction=sample.prediction.score,
        losses=losses,
        constant_losses=sample.rows.constant_losses,
    )
