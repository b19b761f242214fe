"""Params of the ladder: which rungs, what they minimize, and the knobs of each."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from alpha.params.types import Count, Name, NonNegative, Positive, Section

# A share that leaves something, of rows, units or features.
Drop = Annotated[float, Field(ge=0, lt=1, strict=True)]
Share = Annotated[float, Field(gt=0, le=1, strict=True)]
Layers = Annotated[tuple[Count, ...], Field(min_length=1)]


class Loss(Section):
    name: Literal["mse", "mae", "huber", "quantile", "tail_mse"]
    huber_delta: Positive
    quantile: Annotated[float, Field(gt=0, lt=1, strict=True)]
    tail_quantile: Annotated[float, Field(gt=0, lt=1, strict=True)]
    tail_weight: Annotated[float, Field(ge=1, allow_inf_nan=False, strict=True)]
    class_weights: Literal["none", "balanced"]


class Train(Section):
    learning_rate: Positive
    batch_size: Count
    epochs: Count
    patience: Count


class NoKnobs(Section):
    """A rung without any."""


class Ridge(Section):
    penalty: NonNegative


class Mlp(Section):
    hidden: Layers
    dropout: Drop
    weight_decay: NonNegative


class Silos(Section):
    units: Count
    codes: Count
    fusion: Layers
    dropout: Drop
    silo_dropout: Drop
    weight_decay: NonNegative
    family_weight_decay: dict[Name, NonNegative]


class Lightgbm(Section):
    learning_rate: Positive
    trees: Count
    patience: Count
    leaves: Annotated[int, Field(ge=2, le=131072, strict=True)]
    rows_per_leaf: Count
    feature_share: Share
    row_share: Share


Rung = NoKnobs | Ridge | Mlp | Silos | Lightgbm


class Ladder(Section):
    """Every rung and its knobs: a new one is a line here, and a file in alpha/models/."""

    zero: NoKnobs
    mean: NoKnobs
    median: NoKnobs
    persistence: NoKnobs
    har: NoKnobs
    ridge: Ridge
    mlp: Mlp
    silos: Silos
    lightgbm: Lightgbm

    def rung(self, model: str) -> Rung:
        """The knobs of one rung."""
        knobs: Rung = getattr(self, model)
        return knobs


RUNGS = tuple(Ladder.model_fields)
# The rungs that another seed makes another model.
RANDOM = ("mlp", "silos", "lightgbm")


def _is_rung(name: str) -> str:
    if name not in RUNGS:
        raise ValueError(f"must be one of {', '.join(RUNGS)}, found {name!r}")
    return name


Model = Annotated[str, AfterValidator(_is_rung)]
