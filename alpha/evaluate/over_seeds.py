"""The figures of one model over its seeds, with the intervals of their means.

Seeds see the same rows, and the same resamples of them, so an interval is that of the mean
over seeds inside each resample: what the data could have been, not what the seed could.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alpha.evaluate import tries
from alpha.evaluate.assess import Resamples, fees_name, lift_name, precision_name
from alpha.evaluate.bootstrap import Blocks
from alpha.evaluate.details import (
    EventOverSeeds,
    Interval,
    ModelSplit,
    OverSeeds,
    Slice,
    SliceOverSeeds,
    SplitFigures,
    Threshold,
)
from alpha.evaluate.metrics import finite_or_none
from alpha.evaluate.thresholds import after_fees_resampled, pool, with_ends

_FIGURES = ("skill", "loss", "rank_ic", "mse", "mae", "std_ratio", "near_mean_share")


@dataclass(frozen=True)
class Widened:
    """The ends of figures on one split, widened for how many configurations were tried."""

    blocks: Blocks
    tries: int

    def ends(
        self, value: float | None, resampled: np.ndarray | None
    ) -> tuple[float | None, float | None]:
        """Around `value`, from its resamples (resamples,); None where there are none."""
        found = self.blocks.ends(resampled)
        if found is None or value is None:
            return None, None
        return tries.widen(value, *found, tries=self.tries, level=self.blocks.level)

    def interval(
        self, value: float | None, resampled: np.ndarray | None, reason: str | None = None
    ) -> Interval:
        """As `ends`. `reason` is why there is no value, or no ends, if there are none."""
        low, high = self.ends(value, resampled)
        if low is None and reason is None:
            reason = self.blocks.reason or "too few resamples have a value"
        return Interval(value=value, low=low, high=high, reason=reason if low is None else None)


def over_seeds(values: Sequence[float | None]) -> OverSeeds:
    """Mean and sample standard deviation (n − 1) of the values that are defined.

    Without any the mean is None, with fewer than two the spread is None.
    """
    defined = np.array([value for value in values if value is not None], dtype=np.float64)
    if len(defined) and np.all(defined == defined[0]):
        # Seeds that change nothing must not seem to differ by rounding.
        spread = 0.0 if len(defined) > 1 else None
        return OverSeeds(mean=float(defined[0]), spread=spread, seeds=len(defined))
    with np.errstate(over="ignore", invalid="ignore"):
        mean = finite_or_none(np.mean(defined)) if len(defined) else None
        spread = finite_or_none(np.std(defined, ddof=1)) if len(defined) > 1 else None
    return OverSeeds(mean=mean, spread=spread, seeds=len(defined))


def mean_resampled(resamples: Sequence[Resamples], name: str) -> np.ndarray | None:
    """The mean over seeds of a figure inside each resample, (resamples,); None without any."""
    known = [seed[name] for seed in resamples if name in seed]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.mean(known, axis=0) if known else None


def model_split(
    seeds: Sequence[SplitFigures],
    resamples: Sequence[Resamples],
    widened: Widened,
    *,
    round_trip_bps: float,
) -> ModelSplit:
    """One model on one split, from the figures and the resamples of each of its seeds."""

    def figure(name: str, values: Sequence[float | None]) -> OverSeeds:
        found = over_seeds(values)
        low, high = widened.ends(found.mean, mean_resampled(resamples, name))
        return found.model_copy(update={"low": low, "high": high})

    figures = {name: figure(name, [getattr(seed, name) for seed in seeds]) for name in _FIGURES}
    days = _slices([seed.days for seed in seeds])
    undefined = {
        name: reason for seed in reversed(seeds) for name, reason in seed.undefined.items()
    }
    for name, found in figures.items():
        if found.mean is not None:
            undefined.pop(name, None)
    by_day = [day.rank_ic.mean for day in days]
    if sum(value is not None for value in by_day) < 2:
        undefined["rank_ic_days"] = "fewer than two days have a rank IC"
        by_day = []
    return ModelSplit(
        rank_ic_days=over_seeds(by_day),
        non_finite=sum(seed.non_finite for seed in seeds),
        label_quantiles=seeds[0].label_quantiles,
        prediction_quantiles=[
            over_seeds(level).mean
            for level in zip(*(seed.prediction_quantiles for seed in seeds), strict=True)
        ],
        prediction_counts=[
            float(np.mean(counts))
            for counts in zip(*(seed.prediction_counts for seed in seeds), strict=True)
        ],
        thresholds=[
            _pooled(checks, resamples, widened, round_trip_bps)
            for checks in zip(*(seed.thresholds for seed in seeds), strict=True)
        ],
        events=[
            EventOverSeeds(
                name=events[0].name,
                base_rate=over_seeds([event.base_rate for event in events]).mean,
                average_precision=figure(
                    precision_name(events[0].name), [event.average_precision for event in events]
                ),
                decile_lift=figure(
                    lift_name(events[0].name), [event.decile_lift for event in events]
                ),
            )
            for events in zip(*(seed.events for seed in seeds), strict=True)
        ],
        days=days,
        regimes=_slices([seed.regimes for seed in seeds]),
        undefined=undefined,
        **figures,
    )


def skill_difference(
    values: tuple[float | None, float | None],
    resamples: tuple[Sequence[Resamples], Sequence[Resamples]],
    widened: Widened,
    reason: str | None,
) -> Interval:
    """Skill of a model less that of another, over the seeds of each, in the same resamples.

    `reason` is why skill has no interval on this split, if it has none.
    """
    (value, of_other), (mine, other) = values, [mean_resampled(r, "skill") for r in resamples]
    if value is None or of_other is None:
        return Interval(reason="one of them has no skill on test")
    paired = None if mine is None or other is None else mine - other
    return widened.interval(value - of_other, paired, reason)


def _pooled(
    checks: Sequence[Threshold],
    resamples: Sequence[Resamples],
    widened: Widened,
    round_trip_bps: float,
) -> Threshold:
    pooled = pool(checks, round_trip_bps=round_trip_bps)
    name = fees_name(pooled.threshold_bps)
    known: list[np.ndarray] = [seed[name] for seed in resamples if name in seed]
    # A seed that acts in too few blocks would hide behind the others.
    if len(known) < sum(check.prediction_above > 0 for check in checks) or not known:
        return pooled
    acted = np.sum(known, axis=0)
    after = after_fees_resampled(acted, round_trip_bps=round_trip_bps)
    return with_ends(pooled, widened.ends(pooled.after_fees_bps, after))


def _slices(seeds: Sequence[Sequence[Slice]]) -> list[SliceOverSeeds]:
    def figure(slices: Sequence[Slice], of: Callable[[Slice], float | None]) -> OverSeeds:
        return over_seeds([of(one) for one in slices])

    return [
        SliceOverSeeds(
            name=slices[0].name,
            rows=slices[0].rows,
            skill=figure(slices, lambda one: one.skill),
            rank_ic=figure(slices, lambda one: one.rank_ic),
            std_ratio=figure(slices, lambda one: one.std_ratio),
        )
        for slices in zip(*seeds, strict=True)
    ]
