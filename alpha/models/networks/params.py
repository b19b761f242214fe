"""Params of the networks."""

from typing import Annotated

from pydantic import Field

from alpha.core.params import Name, NonNegative, Section

# A share that leaves something, of rows, units or features.
Drop = Annotated[float, Field(ge=0, lt=1, strict=True)]
# The largest of each would take a few gigabytes.
Layer = Annotated[int, Field(ge=1, le=4096, strict=True)]
Layers = Annotated[tuple[Layer, ...], Field(min_length=1, max_length=16)]
Silo = Annotated[int, Field(ge=1, le=1024, strict=True)]


class Mlp(Section):
    hidden: Layers
    dropout: Drop
    weight_decay: NonNegative


class Silos(Section):
    units: Silo
    embeddings: Silo
    fusion: Layers
    dropout: Drop
    silo_dropout: Drop
    weight_decay: NonNegative
    family_weight_decay: dict[Name, NonNegative]


SECTIONS: dict[str, type[Section]] = {"mlp": Mlp, "silos": Silos}
