"""Params of the data: where it is, its features, its labels and its splits."""

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from alpha.params.types import (
    SPLITS,
    FileName,
    Name,
    NonNegative,
    Positive,
    Seconds,
    Section,
    Seed,
    SplitName,
)

# Where the simulate step writes its market, and the default of data.dir.
SIMULATED = "results/simulate"


class Data(Section):
    # Quotes and braces have a meaning in the commands and patterns of the two engines.
    dir: Annotated[str, Field(min_length=1, pattern=r"""^[^'"{}$`\\\n]+$""")]
    pattern: Annotated[str, Field(pattern=r"^[^/]+$")]
    key: Name
    timestamp: Name | None
    best_bid: Name
    best_ask: Name
    exclude: tuple[str, ...]
    max_file_mb: Positive

    @model_validator(mode="after")
    def _patterns_compile(self) -> "Data":
        for pattern in self.exclude:
            _compile(pattern)
        return self


class Features(Section):
    families: dict[Name, str]

    @model_validator(mode="after")
    def _patterns_compile(self) -> "Features":
        for pattern in self.families.values():
            _compile(pattern)
        return self


PerDay = Annotated[float, Field(ge=0, le=10_000)]


class Defects(Section):
    gaps_per_day: PerDay
    gap_seconds: Annotated[float, Field(ge=31, le=43200)]
    duplicates_per_day: PerDay
    nan_share: Annotated[float, Field(ge=0, le=0.5)]
    inf_share: Annotated[float, Field(ge=0, le=0.5)]
    constant_hours_per_day: Annotated[float, Field(ge=0, le=24)]
    crossed_per_day: PerDay


class Simulate(Section):
    seed: Seed
    symbol: FileName
    # Nanoseconds since 1970 must fit the timestamps.
    start: Annotated[dt.date, Field(ge=dt.date(1970, 1, 1), le=dt.date(2200, 1, 1))]
    days: Annotated[int, Field(ge=1, le=3660)]
    rows_per_day: Annotated[int, Field(ge=100, le=864_000)]
    tick: Positive
    price: Positive
    signal_strength: Annotated[float, Field(ge=0, le=3)]
    volatility_strength: Annotated[float, Field(ge=0, le=1.5)]
    defects: Defects

    @model_validator(mode="after")
    def _price_in_ticks(self) -> "Simulate":
        if not 100 <= self.price / self.tick <= 1e9:
            raise ValueError(
                f"price must be 100 to 1e9 ticks, found {self.price:g} / {self.tick:g}"
            )
        return self


class Label(Section):
    horizon_seconds: Annotated[float, Field(ge=1e-6, le=86400, strict=True)]
    price: Literal["touch", "mid"]
    target: Literal[
        "abs_max",
        "signed_max",
        "up",
        "down",
        "end_return",
        "direction",
        "loud",
        "triple_barrier",
    ]
    max_gap_seconds: Seconds
    threshold_bps: NonNegative
    barrier_bps: Positive

    @property
    def horizon_ns(self) -> int:
        return round(self.horizon_seconds * 1e9)

    @property
    def max_gap_ns(self) -> int:
        return round(self.max_gap_seconds * 1e9)


Moment = dt.datetime | dt.date


class Splits(Section):
    scheme: Literal["holdout"]
    fractions: dict[SplitName, Annotated[float, Field(gt=0, lt=1)]] | None
    times: dict[SplitName, tuple[Moment, Moment]] | None
    embargo_seconds: Annotated[float, Field(ge=0, le=3e8, strict=True)]

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> "Splits":
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


class Normalization(Section):
    clip: Positive


def _compile(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
