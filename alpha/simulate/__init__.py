"""alpha simulate: its params and its command."""

import datetime as dt
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from alpha.core.cli import Option, step
from alpha.core.params import FileName, InTime, Positive, Section, Seed

PerDay = Annotated[float, Field(ge=0, le=10_000)]
Share = Annotated[float, Field(ge=0, le=0.5)]


class Defects(Section):
    gaps_per_day: PerDay
    gap_seconds: Annotated[float, Field(ge=31, le=43200)]
    duplicates_per_day: PerDay
    nan_share: Share
    inf_share: Share
    constant_hours_per_day: Annotated[float, Field(ge=0, le=24)]
    crossed_per_day: PerDay


class Simulate(Section):
    seed: Seed
    symbol: FileName
    start: Annotated[dt.date, InTime]
    days: Annotated[int, Field(ge=1, le=3660)]
    rows_per_day: Annotated[int, Field(ge=100, le=864_000)]
    tick: Positive
    price: Positive
    signal_strength: Annotated[float, Field(ge=0, le=3)]
    volatility_strength: Annotated[float, Field(ge=0, le=1.5)]
    activity_change: Annotated[float, Field(ge=0.1, le=10)]
    activity_change_day: Annotated[int, Field(ge=0, le=3660)]
    defects: Defects

    @model_validator(mode="after")
    def _of_a_size(self) -> "Simulate":
        if not 100 <= self.price / self.tick <= 1e9:
            found = f"{self.price:g} / {self.tick:g}"
            raise ValueError(f"price must be 100 to 1e9 ticks, found {found}")
        if (rows := self.days * self.rows_per_day) > 100_000_000:
            raise ValueError(f"days must hold at most 100,000,000 rows together, found {rows:,}")
        return self

    def times(self, day: int) -> np.ndarray:
        """Of a day's rows, (rows_per_day,) int64, evenly spaced, to the nanosecond below."""
        first = (np.datetime64(self.start, "D") + day).astype("datetime64[ns]").astype(np.int64)
        # In two parts, because row · 86400e9 would overflow.
        whole, rest = divmod(86400 * 10**9, self.rows_per_day)
        row = np.arange(self.rows_per_day)
        return np.asarray(first + row * whole + row * rest // self.rows_per_day)


SUMMARY = "write a simulated market: daily feature files, and the oracle beside them"
OPTIONS = [Option("--out", "folder for the feature files; the oracle goes to its subfolder oracle")]
SECTIONS = {"simulate": Simulate}
command = step("alpha.simulate.run")
