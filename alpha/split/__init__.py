"""alpha split: its params and its command."""

import datetime as dt
import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from alpha.core.cli import Option, step
from alpha.core.params import InTime, Positive, Seconds, Section
from alpha.data.columns import SPLITS, SplitName
from alpha.data.params import Data, Label

Moment = Annotated[dt.datetime | dt.date, InTime]
MOST_FOLDS = 1000
Fold = Annotated[int, Field(ge=0, lt=MOST_FOLDS, strict=True)]
Groups = Annotated[int, Field(ge=1, le=100, strict=True)]
SPANS = (*SPLITS, "step")


def _must_name(given: dict[Any, Any], names: tuple[str, ...]) -> None:
    if set(given) != set(names):
        *most, last = names
        wanted = f"{', '.join(most)} and {last}"
        raise ValueError(f"must name exactly {wanted}, found {sorted(given)}")


class WalkForward(Section):
    window: Literal["rolling", "expanding"]
    days: dict[str, Positive] | None
    seconds: dict[str, Seconds] | None

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> "WalkForward":
        if (self.days is None) == (self.seconds is None):
            raise ValueError("give either days or seconds, and set the other to null")
        _must_name(self.spans, SPANS)
        if any(days % 1 for days in (self.days or {}).values()):
            raise ValueError(f"days must be whole, found {self.days}; seconds need not be")
        if self.spans["step"] < self.spans["test"]:
            must = f"step must be at least test ({self.spans['test']:g}), as no row is tested twice"
            raise ValueError(f"{must}, found {self.spans['step']:g}")
        return self

    @property
    def spans(self) -> dict[str, float]:
        return self.days or self.seconds or {}


class Combinatorial(Section):
    groups: Groups
    test_groups: Groups

    @model_validator(mode="after")
    def _groups_to_train_on(self) -> "Combinatorial":
        if self.test_groups > (most := self.groups - 2):
            must = "test_groups must leave a group to train on and one to watch"
            raise ValueError(f"{must}, at most {most} of {self.groups}, found {self.test_groups}")
        if (folds := math.comb(self.groups, self.test_groups)) > MOST_FOLDS:
            raise ValueError(f"must give at most {MOST_FOLDS} folds, found {folds:,}")
        return self


class Split(Section):
    scheme: Literal["holdout", "walk_forward", "combinatorial"]
    folds: Annotated[tuple[Fold, ...], Field(min_length=1)]
    fractions: dict[SplitName, Annotated[float, Field(gt=0, lt=1)]] | None
    times: dict[SplitName, tuple[Moment, Moment]] | None
    walk_forward: WalkForward
    combinatorial: Combinatorial
    embargo_seconds: Annotated[float, Field(ge=0, le=3e8, strict=True)]

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> "Split":
        if (self.fractions is None) == (self.times is None):
            raise ValueError("give either fractions or times, and set the other to null")
        _must_name(self.fractions or self.times or {}, SPLITS)
        if (total := sum((self.fractions or {}).values())) > 1 + 1e-9:
            raise ValueError(f"fractions must add up to at most 1, found {total:g}")
        if list(self.folds) != sorted(set(self.folds)):
            raise ValueError(f"folds must ascend, found {list(self.folds)}")
        return self

    @property
    def embargo_ns(self) -> int:
        return round(self.embargo_seconds * 1e9)


SUMMARY = "cut features and labels into train, valid and test by time, with purge and embargo"
OPTIONS = [
    Option("--features", "folder of feature files"),
    Option("--labels", "the folder labels/ in what `alpha label` wrote"),
    Option("--out", "folder for paths.json, and for each fold's train/, valid/, test/"),
]
SECTIONS = {"data": Data, "label": Label, "split": Split}
command = step("alpha.split.run")
