"""The figures of one run on one split, and of one model over its seeds: arrays in, figures out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alpha.collapse import hair
from alpha.evaluation import metrics
from alpha.evaluation.details import (
    NOT_JUDGED,
    Model,
    ModelSplit,
    OverSeeds,
    Run,
    SplitFigures,
)
from alpha.evaluation.metrics import Undefined, finite_or_none
from alpha.evaluation.quantiles import quantiles
from alpha.evaluation.thresholds import check, pool


@dataclass(frozen=True)
class TrainLabel:
    """The train split's outcomes, of which skill needs the mean. None without rows."""

    rows: int
    mean: float | None
    std: float | None

    @classmethod
    def fit(cls, outcome: np.ndarray) -> "TrainLabel":
        """From finite outcomes (rows,)."""
        if len(outcome) == 0:
            return cls(0, None, None)
        with np.errstate(over="ignore", invalid="ignore"):
            mean, std = finite_or_none(np.mean(outcome)), finite_or_none(np.std(outcome))
        return cls(len(outcome), mean, std)

    @property
    def hair(self) -> float | None:
        return None if self.std is None else hair(self.std)


def split_figures(
    outcome: np.ndarray,
    prediction: np.ndarray,
    *,
    train: TrainLabel,
    thresholds_bps: Sequence[float],
    round_trip_bps: float,
    clipped: int,
    replaced: int,
) -> SplitFigures:
    """Every figure of one split. `outcome` (rows,) is finite; `prediction` (rows,) may not be.

    Rows whose prediction is not finite are counted and left out. A figure that is not
    defined is None, with its reason under `undefined`; nothing is raised. `thresholds_bps` is
    empty where outcomes are classes.
    """
    keep = np.isfinite(prediction)
    non_finite = len(prediction) - int(np.count_nonzero(keep))
    y, f = outcome[keep], prediction[keep]
    undefined: dict[str, str] = {}

    def figure(name: str, compute: Callable[[], float]) -> float | None:
        try:
            return compute()
        except Undefined as reason:
            undefined[name] = (
                "no prediction is finite" if non_finite and not len(y) else str(reason)
            )
            return None

    def of_train(value: float | None) -> float:
        if value is None:
            raise Undefined("train has no mean")
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
            "label_zero_share", lambda: metrics.share_within(outcome, center=0.0, distance=0.0)
        ),
        near_mean_share=figure(
            "near_mean_share",
            lambda: metrics.share_within(
                f, center=of_train(train.mean), distance=of_train(train.hair)
            ),
        ),
        label_quantiles=quantiles(outcome),
        prediction_quantiles=quantiles(f),
        thresholds=[
            check(y, f, threshold_bps=at, round_trip_bps=round_trip_bps) for at in thresholds_bps
        ],
        clipped=clipped,
        replaced=replaced,
        undefined=undefined,
    )


def model_figures(runs: Sequence[Run], *, round_trip_bps: float) -> Model:
    """The figures of one model's runs, over its seeds. Needs at least one run."""
    names = list(runs[0].splits)
    return Model(
        seeds=[run.seed for run in runs],
        splits={
            name: _model_split([run.splits[name] for run in runs], round_trip_bps) for name in names
        },
        verdict=NOT_JUDGED,
    )


def _model_split(seeds: Sequence[SplitFigures], round_trip_bps: float) -> ModelSplit:
    return ModelSplit(
        skill=over_seeds([seed.skill for seed in seeds]),
        rank_ic=over_seeds([seed.rank_ic for seed in seeds]),
        mse=over_seeds([seed.mse for seed in seeds]),
        mae=over_seeds([seed.mae for seed in seeds]),
        std_ratio=over_seeds([seed.std_ratio for seed in seeds]),
        near_mean_share=over_seeds([seed.near_mean_share for seed in seeds]),
        non_finite=sum(seed.non_finite for seed in seeds),
        label_quantiles=seeds[0].label_quantiles,
        prediction_quantiles=[
            over_seeds(list(level)).mean
            for level in zip(*(seed.prediction_quantiles for seed in seeds), strict=True)
        ],
        thresholds=[
            pool(checks, round_trip_bps=round_trip_bps)
            for checks in zip(*(seed.thresholds for seed in seeds), strict=True)
        ],
    )


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
