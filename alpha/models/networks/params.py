"""Params of the networks."""

from typing import Annotated

from pydantic import Field

from alpha.core.params import Count, Name, NonNegative, Section

# A share that leaves something, of rows, units or features.
Drop = Annotated[float, Field(ge=0, lt=1, strict=True)]
Layers = Annotated[tuple[Count, ...], Field(min_length=1)]


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
