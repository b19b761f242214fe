"""The label profile: how a run's labels are distributed, day by day, and what they were made of.

It is the artifact that the guard compares with a pin: the params and data that it belongs to
say whether its figures were free to move.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from alpha.core import artifacts
from alpha.core.errors import InputError
from alpha.core.spool import Spool
from alpha.data.columns import LABELLED
from alpha.data.params import Data, Label, classes

NAME = "profile.json"
# Both tails, as far as a day of rows can tell.
LEVELS = (0.0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0)
TAILS_BPS = (2, 5, 10, 20, 50)
_BPS = 1e-4
_DAY_NS = 86_400 * 10**9

Count = Annotated[int, Field(ge=0)]
Figure = Annotated[float, Field(allow_inf_nan=False)]
_Level = Annotated[str, Field(pattern=r"^(0|0\.\d+|1)$")]
_Part = Annotated[str, Field(pattern=r"^[<>]?-?\d+$")]
# "return": a part of the price; "class": the code of a class.
Outcome = Literal["return", "class"]
Sections = dict[str, dict[str, Any]]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Status(Part):
    """Rows by status code (alpha.data.columns): why a row has a label, or none."""

    labelled: Count = Field(alias="0")
    end_of_data: Count = Field(alias="1")
    gap: Count = Field(alias="2")
    bad_quote: Count = Field(alias="3")


class Total(Part):
    """Counts of rows, and the distribution of their outcomes; None where no row has one.

    `quantiles` are by level. `shares` are those of outcomes beyond each τ in bps, as ">10" and
    "<-10", or of each class by its code.
    """

    rows: Count
    duplicates: Count
    status: Status
    zero_share: Figure | None
    mean: Figure | None
    quantiles: dict[_Level, Figure] | None
    shares: dict[_Part, Figure] | None


class Day(Total):
    """One feature file's. `outcome_at_seconds` is the mean time of day (UTC) of its rows, each
    weighted by its |outcome|: quantiles do not see labels that moved by a row, this does. None
    where all are 0."""

    outcome_at_seconds: Figure | None


class Profile(Part):
    """The format of profile.json, and of a pin.

    `params` are the sections that labels depend on, but for data.dir: the same files elsewhere
    are the same data. `data_digest` is the SHA-256 of the feature files' names, and of their
    timestamps and quotes as they are stored.
    """

    params: Sections
    data_digest: str
    outcome: Outcome
    days: dict[str, Day]
    total: Total

    @property
    def content(self) -> dict[str, Any]:
        """As JSON."""
        return self.model_dump(mode="json", by_alias=True)


def read(labels: Path) -> Profile:
    """The profile in a folder that `alpha label` wrote. Raises InputError if it is not one."""
    return artifacts.parse(Profile, labels / NAME)


class Profiler:
    """The profile of feature files that come one after the other. In memory is one of them; all
    outcomes are in a scratch file in `folder` until the end of the block."""

    def __init__(self, data: Data, label: Label, folder: Path) -> None:
        self._data, self._label = data, label
        self._spool = Spool(folder)
        self._days: dict[str, Day] = {}
        self._counts: list[_Counts] = []

    def __enter__(self) -> "Profiler":
        return self

    def __exit__(self, *error: object) -> None:
        self._spool.__exit__(*error)

    def add(
        self,
        name: str,
        outcome: np.ndarray,
        status: np.ndarray,
        time_ns: np.ndarray,
        *,
        duplicates: int,
    ) -> None:
        """The rows of the feature file of this name, (rows,) each: outcomes NaN where status is
        not 0, int64 times in UTC. `duplicates` rows of the file are not among them.

        Raises InputError if the name cannot be written down.
        """
        if not name.isprintable():
            raise InputError(f"{name!r}: the name of a feature file must be printable UTF-8")
        labelled = status == LABELLED
        known = outcome[labelled]
        counts = _Counts.of(known, self._label)
        codes = np.bincount(status, minlength=len(Status.model_fields))
        self._days[name] = Day(
            rows=len(status),
            duplicates=duplicates,
            status=Status(**{str(code): int(count) for code, count in enumerate(codes)}),
            outcome_at_seconds=_when(known, time_ns[labelled]),
            **_figures(counts, np.quantile(known, LEVELS).tolist() if len(known) else []),
        )
        self._counts.append(counts)
        self._spool.add(known)

    def _total(self) -> Total:
        days = self._days.values()
        counts = [day.status.model_dump(by_alias=True) for day in days]
        together = _Counts.together(self._counts)
        return Total(
            rows=sum(day.rows for day in days),
            duplicates=sum(day.duplicates for day in days),
            status=Status(**{code: sum(one[code] for one in counts) for code in counts[0]}),
            **_figures(together, self._spool.quantiles(LEVELS) if together.rows else []),
        )

    def profile(self, *, digest: str) -> Profile:
        """The profile of all files, of which `digest` is the `data_digest`."""
        return Profile(
            params=sections(self._data, self._label),
            data_digest=digest,
            outcome="class" if classes(self._label) else "return",
            days=dict(self._days),
            total=self._total(),
        )


def sections(data: Data, label: Label) -> Sections:
    """The params that labels depend on, as JSON."""
    return {
        "data": data.model_dump(mode="json", exclude={"dir"}),
        "label": label.model_dump(mode="json"),
    }


def data_digest(digests: Mapping[str, str]) -> str:
    """SHA-256 over the names and digests (FeatureFolder.digest) of files, in any order."""
    return artifacts.digest(dict(digests))


@dataclass(frozen=True)
class _Counts:
    """How many outcomes there are, are 0, and lie in each part of `shares`; and their sum."""

    rows: int
    zeros: int
    total: float
    parts: dict[str, int]

    @classmethod
    def of(cls, outcome: np.ndarray, label: Label) -> "_Counts":
        codes = classes(label)
        parts = {f"{code:g}": outcome == code for code in codes}
        for tau in () if codes else TAILS_BPS:
            parts[f">{tau}"] = outcome > tau * _BPS
            parts[f"<-{tau}"] = outcome < -tau * _BPS
        return cls(
            len(outcome),
            int(np.count_nonzero(outcome == 0)),
            float(np.sum(outcome)),
            {part: int(np.count_nonzero(inside)) for part, inside in parts.items()},
        )

    @classmethod
    def together(cls, counts: Sequence["_Counts"]) -> "_Counts":
        return cls(
            sum(one.rows for one in counts),
            sum(one.zeros for one in counts),
            math.fsum(one.total for one in counts),
            {part: sum(one.parts[part] for one in counts) for part in counts[0].parts},
        )


def _figures(counts: _Counts, quantiles: Sequence[float]) -> dict[str, Any]:
    """The figures of a distribution; each None where there is no outcome."""
    if counts.rows == 0:
        return dict.fromkeys(("zero_share", "mean", "quantiles", "shares"))
    return {
        "zero_share": counts.zeros / counts.rows,
        "mean": counts.total / counts.rows,
        "quantiles": {f"{level:g}": at for level, at in zip(LEVELS, quantiles, strict=True)},
        "shares": {part: count / counts.rows for part, count in counts.parts.items()},
    }


def _when(outcome: np.ndarray, time_ns: np.ndarray) -> float | None:
    weight = np.abs(outcome)
    total = float(np.sum(weight))
    # Not as a dot product, which adds in an order that depends on the cores.
    return float(np.sum(time_ns % _DAY_NS * 1e-9 * weight)) / total if total else None
