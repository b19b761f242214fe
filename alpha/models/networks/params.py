"""Params of the networks, and of the loop that trains them."""

from typing import Annotated

from pydantic import Field

from alpha.core.params import Count, Name, NonNegative, Positive, Section

# A share that leaves something, of rows, units or features.
Drop = Annotated[float, Field(ge=0, lt=1, strict=True)]
Layers = Annotated[tuple[Count, ...], Field(min_length=1)]


class Train(Section):
    learning_rate: Positive
    batch_size: Count
    epochs: Count
    patience: Count
    # TensorFlow starts so many at once.
    threads: Annotated[int, Field(ge=1, le=256, strict=True)]
    memory_mb: Positive


class Mlp(Section):
    hidden: Layers
    dropout: Drop
    weight_decay: NonNegative


class Silos(Section):
    units: Count
    embeddings: Count
    fusion: Layers
    dropout: Drop
    silo_dropout: Drop
    weight_decay: NonNegative
    family_weight_decay: dict[Name, NonNegative]


SECTIONS: dict[str, type[Section]] = {"mlp": Mlp, "silos": Silos}
