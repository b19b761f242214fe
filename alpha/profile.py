"""The label profile: how a run's labels are distributed, day by day, and what they were made of.

It is the artifact that the guard compares with a pin: the params and data that it belongs to
say whether its figures were free to move.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from alpha import artifacts
from alpha.errors import InputError
from alpha.objective import classes
from alpha.params import Data, Label

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
    """Rows by status code (alpha.status): why a row has a label, or none."""

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
    are the same data. `data_digest` is the SHA-256 of the feature files' names and bytes.
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
    """The profile in a folder that `alpha labels` wrote. Raises InputError if it is not one."""
    return artifacts.parse(Profile, labels / NAME)


def make(
    data: Data,
    label: Label,
    *,
    paths: Iterable[Path],
    days: Mapping[str, Day],
    outcomes: Sequence[np.ndarray],
) -> Profile:
    """The profile of `days`, by feature file, whose labelled `outcomes` are (rows,) each; `paths`
    are the feature files.

    Raises InputError if the name of one cannot be written down.
    """
    for name in days:
        if not name.isprintable():
            raise InputError(f"{name!r}: the name of a feature file must be printable UTF-8")
    outcome = np.concatenate(outcomes)
    counts = [day.status.model_dump(by_alias=True) for day in days.values()]
    total = Total(
        rows=sum(day.rows for day in days.values()),
        duplicates=sum(day.duplicates for day in days.values()),
        status=Status(**{code: sum(one[code] for one in counts) for code in counts[0]}),
        **_distribution(outcome, label),
    )
    return Profile(
        params=sections(data, label),
        data_digest=data_digest(paths),
        outcome="class" if classes(label) else "return",
        days=dict(days),
        total=total,
    )


def of_day(
    outcome: np.ndarray, status: np.ndarray, time_ns: np.ndarray, label: Label, *, duplicates: int
) -> Day:
    """The figures of one feature file's rows, (rows,) each: outcomes NaN where status is not 0,
    int64 times in UTC. `duplicates` rows of the file are not among them."""
    counts = np.bincount(status, minlength=len(Status.model_fields))
    labelled = status == 0
    return Day(
        rows=len(status),
        duplicates=duplicates,
        status=Status(**{str(code): int(count) for code, count in enumerate(counts)}),
        outcome_at_seconds=_when(outcome[labelled], time_ns[labelled]),
        **_distribution(outcome[labelled], label),
    )


def sections(data: Data, label: Label) -> Sections:
    """The params that labels depend on, as JSON."""
    return {
        "data": data.model_dump(mode="json", exclude={"dir"}),
        "label": label.model_dump(mode="json"),
    }


def data_digest(paths: Iterable[Path]) -> str:
    """SHA-256 over the name and the SHA-256 of the bytes of each file, in any order."""
    found = {}
    for path in paths:
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return artifacts.digest(found)


def _distribution(outcome: np.ndarray, label: Label) -> dict[str, Any]:
    """The figures of outcomes (rows,) without NaN; each None where there is no outcome."""
    if len(outcome) == 0:
        return dict.fromkeys(("zero_share", "mean", "quantiles", "shares"))
    quantiles = np.quantile(outcome, LEVELS)
    return {
        "zero_share": float(np.mean(outcome == 0)),
        "mean": float(np.mean(outcome)),
        "quantiles": {f"{q:g}": float(v) for q, v in zip(LEVELS, quantiles, strict=True)},
        "shares": _shares(outcome, classes(label)),
    }


def _shares(outcome: np.ndarray, codes: Sequence[float]) -> dict[str, float]:
    if codes:
        return {f"{code:g}": float(np.mean(outcome == code)) for code in codes}
    found = {}
    for tau in TAILS_BPS:
        found[f">{tau}"] = float(np.mean(outcome > tau * _BPS))
        found[f"<-{tau}"] = float(np.mean(outcome < -tau * _BPS))
    return found


def _when(outcome: np.ndarray, time_ns: np.ndarray) -> float | None:
    weight = np.abs(outcome)
    total = float(np.sum(weight))
    # Not as a dot product, which adds in an order that depends on the cores.
    return float(np.sum(time_ns % _DAY_NS * 1e-9 * weight)) / total if total else None
