"""The figures of one run on one split, and of one model over its seeds: arrays in, figures out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alpha.evaluation import metrics, thresholds
from alpha.evaluation.details import (
    NOT_JUDGED,
    Model,
    ModelSplit,
    OverSeeds,
    Run,
    SplitFigures,
    Threshold,
)
from alpha.evaluation.metrics import Undefined
from alpha.evaluation.quantiles import quantiles

# A prediction within this many of the train outcome's std from its mean is "near the mean".
HAIR_SIGMAS = 0.01


@dataclass(frozen=True)
class Train:
    """The train split's outcomes, of which skill needs the mean. None without rows."""

    rows: int
    mean: float | None
    std: float | None

    @classmethod
    def fit(cls, outcome: np.ndarray) -> "Train":
        """From finite outcomes (rows,)."""
        if len(outcome) == 0:
            return cls(0, None, None)
        return cls(len(outcome), float(np.mean(outcome)), float(np.std(outcome)))

    @property
    def hair(self) -> float | None:
        return None if self.std is None else HAIR_SIGMAS * self.std


@dataclass(frozen=True)
class Check:
    """What the threshold check needs: τ in bps (none for classes) and a round trip's fees."""

    thresholds_bps: Sequence[float]
    round_trip_bps: float


def split_figures(
    outcome: np.ndarray,
    prediction: np.ndarray,
    *,
    train: Train,
    check: Check,
    clipped: int,
    replaced: int,
) -> SplitFigures:
    """Every figure of one split. `outcome` (rows,) is finite; `prediction` (rows,) may not be.

    Rows whose prediction is not finite are counted and left out. A figure that is not
    defined is None, with its reason under `undefined`; nothing is raised.
    """
    keep = np.isfinite(prediction)
    non_finite = len(prediction) - int(np.count_nonzero(keep))
    y, f = outcome[keep], prediction[keep]
    undefined: dict[str, str] = {}

    def figure(name: str, compute: Callable[[], float]) -> float | None:
        try:
            return compute()
        except Undefined as reason:
            undefined[name] = "no prediction is finite" if non_finite and not len(y) else f"{reason}"
            return None

    def of_train(value: float | None) -> float:
        if value is None:
            raise Undefined("train has no rows")
        return value

    return SplitFigures(
        rows=len(outcome),
        non_finite=non_finite,
        mse=figure("mse", lambda: metrics.mse(y, f)),
        mae=figure("mae", lambda: metrics.mae(y, f)),
        constant_mse=figure("constant_mse", lambda: metrics.mse(y, of_train(train.mean))),
        skill=figure("skill", lambda: metrics.skill(y, f, constant=of_train(train.mean))),
        rank_ic=figure("rank_ic", lambda: metrics.rank_ic(y, f)),
        std_ratio=figure("std_ratio", lambda: metrics.std_ratio(y, f)),
        label_zero_share=figure(
            "label_zero_share", lambda: metrics.share_within(y, center=0.0, distance=0.0)
        ),
        near_mean_share=figure(
            "near_mean_share",
            lambda: metrics.share_within(
                f, center=of_train(train.mean), distance=of_train(train.hair)
            ),
        ),
        label_quantiles=quantiles(y),
        prediction_quantiles=quantiles(f),
        thresholds=[
            threshold_figures([thresholds.count(y, f, threshold_bps=at)], at, check.round_trip_bps)
            for at in check.thresholds_bps
        ],
        clipped=clipped,
        replaced=replaced,
        undefined=undefined,
    )


def threshold_figures(
    counts: Sequence[thresholds.Counts], threshold_bps: float, round_trip_bps: float
) -> Threshold:
    """The check at one τ over the rows of one or more seeds together."""
    total = counts[0]
    for more in counts[1:]:
        total = total + more
    realised = total.realised_bps
    return Threshold(
        threshold_bps=threshold_bps,
        seeds=len(counts),
        label_above=total.label_above,
        prediction_above=total.prediction_above,
        both=total.both,
        base_rate=total.base_rate,
        precision=total.precision,
        recall=total.recall,
        lift=total.lift,
        realised_bps=realised,
        after_fees_bps=None if realised is None else realised - round_trip_bps,
    )
