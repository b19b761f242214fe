"""The types that params' sections are made of."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

# Strict: true is not 1, and "3" is not 3.
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
# Up to ten years, so that nanoseconds fit; a horizon is no shorter than timestamps tell apart.
Seconds = Annotated[float, Field(ge=1e-6, le=3e8, strict=True)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000, strict=True)]
Name = Annotated[str, Field(min_length=1)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
Seed = Annotated[int, Field(ge=0, lt=2**31, strict=True)]
SplitName = Literal["train", "valid", "test"]

SPLITS: tuple[SplitName, ...] = ("train", "valid", "test")


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)
