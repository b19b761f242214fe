"""Params of the data: where it is, its features, and what is a label."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from alpha.core.params import Name, NonNegative, Positive, Seconds, Section

# Where the simulate step writes its market, and the default of data.dir.
SIMULATED = "results/simulate"
# Quotes and braces have a meaning in the commands and patterns of the two engines.
_DIR = r"""^[^'"{}$`\\\n]+$"""
# The codes that alpha_outcome takes, in the order of a prediction's columns.
CLASSES: dict[str, tuple[float, ...]] = {
    "direction": (-1.0, 0.0, 1.0),
    "large_move": (0.0, 1.0),
    "triple_barrier": (-1.0, 0.0, 1.0),
}


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]
Dir = Annotated[str, Field(pattern=_DIR, description="be a path without ' \" { } $ ` \\")]


def _in_folder(pattern: str) -> str:
    if pattern.strip(".") == "" or "**" in pattern:
        raise ValueError(f"must be a pattern of files' names, such as *.h5, found {pattern!r}")
    return pattern


class Data(Section):
    dir: Dir
    pattern: Annotated[
        str,
        Field(pattern=r"^[^/]+$", description="be a file's name, without /"),
        AfterValidator(_in_folder),
    ]
    key: Name
    timestamp: Name | None
    best_bid: Name
    best_ask: Name
    exclude: tuple[Pattern, ...]
    max_file_mb: Positive

    @model_validator(mode="after")
    def _tell_apart(self) -> "Data":
        if len({self.timestamp, self.best_bid, self.best_ask}) < 3:
            raise ValueError("timestamp, best_bid and best_ask must name different columns")
        return self


class Features(Section):
    families: dict[Name, Pattern]


class Label(Section):
    horizon_seconds: Annotated[float, Field(ge=1e-6, le=86400, strict=True)]
    price: Literal["touch", "mid"]
    target: Literal[
        "abs_max", "signed_max", "up", "down", "end_return",
        "direction", "large_move", "triple_barrier",
    ]  # fmt: skip
    max_gap_seconds: Seconds
    max_stale_seconds: Seconds | None
    threshold_bps: NonNegative
    barrier_bps: Positive

    @field_validator("target", mode="before")
    @classmethod
    def _refuse_old_name(cls, target: object) -> object:
        if target == "loud":
            raise ValueError("loud is now called large_move")
        return target

    @property
    def horizon_ns(self) -> int:
        return round(self.horizon_seconds * 1e9)

    @property
    def max_gap_ns(self) -> int:
        return round(self.max_gap_seconds * 1e9)

    @property
    def max_stale_ns(self) -> int | None:
        return None if self.max_stale_seconds is None else round(self.max_stale_seconds * 1e9)


def classes(label: Label) -> tuple[float, ...]:
    """The codes of a classification target, ascending; empty for a regression target."""
    return CLASSES.get(label.target, ())
