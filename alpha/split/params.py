"""Params of the split: ranges of time, and what is left out between them."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from alpha.core.params import Section
from alpha.data.columns import SPLITS, SplitName

Moment = dt.datetime | dt.date


class Split(Section):
    scheme: Literal["holdout"]
    fractions: dict[SplitName, Annotated[float, Field(gt=0, lt=1)]] | None
    times: dict[SplitName, tuple[Moment, Moment]] | None
    embargo_seconds: Annotated[float, Field(ge=0, le=3e8, strict=True)]

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> "Split":
        if (self.fractions is None) == (self.times is None):
            raise ValueError("give either fractions or times, and set the other to null")
        given = self.fractions if self.fractions is not None else self.times
        assert given is not None
        if set(given) != set(SPLITS):
            raise ValueError(f"must name exactly train, valid and test, found {sorted(given)}")
        if self.fractions is not None and sum(self.fractions.values()) > 1 + 1e-9:
            total = sum(self.fractions.values())
            raise ValueError(f"fractions must add up to at most 1, found {total:g}")
        return self
