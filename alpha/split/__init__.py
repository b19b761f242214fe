"""alpha split: its params and its command."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from alpha.core.cli import Option, step
from alpha.core.params import Section
from alpha.data.columns import SPLITS, SplitName
from alpha.data.params import Data, Label

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
        given = self.fractions or self.times or {}
        if set(given) != set(SPLITS):
            raise ValueError(f"must name exactly train, valid and test, found {sorted(given)}")
        if (total := sum((self.fractions or {}).values())) > 1 + 1e-9:
            raise ValueError(f"fractions must add up to at most 1, found {total:g}")
        return self


SUMMARY = "cut features and labels into train, valid and test by time, with purge and embargo"
OPTIONS = [
    Option("--features", "folder of feature files"),
    Option("--labels", "the folder labels/ in what `alpha label` wrote"),
    Option("--out", "folder for train/, valid/, test/ and summary.json"),
]
MANY_OUTS = True
SECTIONS = {"data": Data, "label": Label, "split": Split}
command = step("alpha.split.run")
