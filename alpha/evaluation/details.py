"""The format of details.json: written by `alpha evaluate`, read by the report and the table.

Every figure is a finite number, or None where it is not defined.
"""

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alpha.artifacts import read_json
from alpha.errors import InputError
from alpha.params import SplitName

Figure = Annotated[float, Field(allow_inf_nan=False)] | None
NOT_JUDGED = "not yet judged"
AnyModel = TypeVar("AnyModel", bound=BaseModel)


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Threshold(Part):
    """The threshold check at one τ. `seeds` runs are counted together."""

    threshold_bps: float
    seeds: int
    rows: int
    label_above: int
    prediction_above: int
    both: int
    base_rate: Figure
    precision: Figure
    recall: Figure
    lift: Figure
    realised_bps: Figure  # mean outcome of the rows with prediction > τ
    after_fees_bps: Figure  # the same less a taker's round trip


class SplitFigures(Part):
    """One run on one split. `undefined` gives the reason of each figure that is None."""

    rows: int
    non_finite: int  # predictions that are NaN or ±inf: counted, and left out of the figures
    mse: Figure
    mae: Figure
    constant_mse: Figure  # of the best constant fitted on train
    skill: Figure
    rank_ic: Figure
    std_ratio: Figure
    label_zero_share: Figure
    near_mean_share: Figure
    label_quantiles: list[Figure]  # at Details.quantile_levels
    prediction_quantiles: list[Figure]
    thresholds: list[Threshold]
    clipped: int  # feature values of this split beyond the clip
    replaced: int  # feature values of this split that were NaN or ±inf, and became 0
    undefined: dict[str, str]


class Run(Part):
    """One model trained with one seed."""

    model: str
    seed: int
    epochs: int  # trained; 0 for a closed form
    best_epoch: int | None  # whose weights were kept: the best loss on valid
    splits: dict[SplitName, SplitFigures]


class OverSeeds(Part):
    """A figure over the seeds where it is defined: their mean and sample standard deviation."""

    mean: Figure
    spread: Figure  # None with fewer than two seeds
    seeds: int


class ModelSplit(Part):
    """One model on one split, over its seeds."""

    skill: OverSeeds
    rank_ic: OverSeeds
    mse: OverSeeds
    mae: OverSeeds
    std_ratio: OverSeeds
    near_mean_share: OverSeeds
    non_finite: int  # summed over seeds
    label_quantiles: list[Figure]
    prediction_quantiles: list[Figure]  # mean over seeds
    thresholds: list[Threshold]  # all seeds' rows together


class Model(Part):
    seeds: list[int]
    splits: dict[SplitName, ModelSplit]
    verdict: str


class Details(Part):
    models: list[str]  # in the ladder's order
    runs: list[str]
    train_rows: int
    train_mean: Figure  # of the outcome: the constant that skill compares with
    train_std: Figure
    hair: Figure  # a prediction at most this far from the train mean counts as "near"
    quantile_levels: list[float]
    round_trip_bps: float  # what a taker pays in fees to get in and out
    threshold_meaning: str  # what the realised outcome is, or why there is no check
    by_run: dict[str, Run]
    by_model: dict[str, Model]


def read(evaluation: Path) -> Details:
    """Read details.json of a folder that `alpha evaluate` wrote.

    Raises InputError if it is missing or is not of this format.
    """
    return parse(Details, evaluation / "details.json")


def parse(model: type[AnyModel], path: Path) -> AnyModel:
    """Read a JSON artifact as `model`. Raises InputError naming the first key that is wrong."""
    try:
        return model.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the content"
        raise InputError(f"{path}: {key}: {first['msg'].lower()}") from None
