"""Params of the ladder: which rungs, what they minimize, and the knobs of each."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from alpha.params.types import Count, Name, NonNegative, Positive, Section

# A share that leaves something, of rows, units or features.
Drop = Annotated[float, Field(ge=0, lt=1, strict=True)]
Share = Annotated[float, Field(gt=0, le=1, strict=True)]
# TensorFlow starts so many at once.
Threads = Annotated[int, Field(ge=1, le=256, strict=True)]
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
    threads: Threads
    memory_mb: Positive


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


class Baselines(Section):
    """Fitted in one go with nothing random in them: no seed makes another model."""

    zero: NoKnobs
    mean: NoKnobs
    median: NoKnobs
    persistence: NoKnobs
    har: NoKnobs
    ridge: Ridge


class Networks(Section):
    """Trained by the loop in alpha/train.py, whose knobs are the section `train`."""

    mlp: Mlp
    silos: Silos


class Trees(Section):
    """Trees that stop early by themselves."""

    lightgbm: Lightgbm


class Ladder(Trees, Networks, Baselines):
    """Every rung and its knobs: a new one is a line in its kind, and a file in alpha/models/."""

    def rung(self, model: str) -> Rung:
        """The knobs of one rung."""
        knobs: Rung = getattr(self, model)
        return knobs


# Each kind is a list in params.yaml, and has stages of its own in dvc.yaml.
KINDS = {
    "baselines": tuple(Baselines.model_fields),
    "networks": tuple(Networks.model_fields),
    "trees": tuple(Trees.model_fields),
}
RUNGS = tuple(name for names in KINDS.values() for name in names)


def _of(kind: str) -> AfterValidator:
    def check(name: str) -> str:
        if name not in KINDS[kind]:
            raise ValueError(f"must be one of {', '.join(KINDS[kind])}, found {name!r}")
        return name

    return AfterValidator(check)


Baseline = Annotated[str, _of("baselines")]
Network = Annotated[str, _of("networks")]
Tree = Annotated[str, _of("trees")]
