"""The label profile: how a run's labels are distributed, day by day, and what they were made of,
which says whether its figures were free to move. The guard compares it with a pin."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, Field

from alpha.core import artifacts
from alpha.data.columns import ALL, LABELLED
from alpha.data.params import Data, Label, classes

NAME = "profile.json"
# The row of all days in the table of figures: no file has this name.
TOTAL = "/"
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


class Status(BaseModel, extra="forbid"):
    """Rows by status code (alpha.data.columns): why a row has a label, or none."""

    labelled: Count = Field(alias="0")
    end_of_data: Count = Field(alias="1")
    gap: Count = Field(alias="2")
    bad_quote: Count = Field(alias="3")
    stale: Count = Field(alias="4")


class Total(BaseModel, extra="forbid"):
    """Counts of rows, and the distribution of their outcomes; None where no row has one.

    `shares` are those of outcomes beyond each τ in bps, as ">10" and "<-10", or of each class.
    `longest_frozen_seconds` is the longest time that any row's frozen run (FrozenRuns) had lasted:
    in the file before, too, if it began there.
    """

    rows: Count
    duplicates: Count
    status: Status
    longest_frozen_seconds: Figure
    zero_share: Figure | None
    mean: Figure | None
    quantiles: dict[_Level, Figure] | None
    shares: dict[_Part, Figure] | None


class Day(Total):
    """One feature file's. `outcome_at_seconds` is the mean time of day (UTC) of its rows, each
    weighted by its |outcome|: quantiles do not see labels that moved by a row, this does. None
    where all are 0."""

    outcome_at_seconds: Figure | None


# By the name of a feature file, after that of its symbol's folder if there are several.
Days = dict[Annotated[str, Field(pattern="^[^/]*(/[^/]+)?$")], Day]


class Profile(BaseModel, extra="forbid"):
    """The format of profile.json, and of a pin.

    `params` are the sections that labels depend on, but for data.dir: the same files elsewhere
    are the same data. `data_digest` is of the feature files' names, timestamps and quotes.
    """

    params: Sections
    data_digest: str
    outcome: Outcome
    days: Days
    total: Total

    @property
    def content(self) -> dict[str, Any]:
        """As JSON."""
        return self.model_dump(mode="json", by_alias=True)

    @property
    def figures(self) -> Any:
        """As a DataFrame: a row for TOTAL and each day, a column for each figure by its dotted key;
        None or NaN where it is not defined."""
        import pandas as pd

        rows = {TOTAL: self.total, **self.days}
        flat = [dotted(row.model_dump(by_alias=True)) for row in rows.values()]
        return pd.DataFrame(flat, index=list(rows), dtype=object)


def read(labels: Path) -> Profile:
    """The profile in a folder that `alpha label` wrote. Raises InputError if it is not one."""
    return artifacts.parse(Profile, labels / NAME)


def of_day(
    outcome: np.ndarray, status: np.ndarray, time_ns: np.ndarray, label: Label, **given: Any
) -> Day:
    """The profile of one feature file's rows, (rows,) each: outcomes NaN where status is not 0,
    int64 times in UTC. `given` are `duplicates`, which are not among them, and
    `longest_frozen_seconds`."""
    labelled = status == LABELLED
    known = outcome[labelled]
    size = np.abs(known)
    # Not as a dot product, which adds in an order that depends on the cores.
    seconds = np.sum(time_ns[labelled] % _DAY_NS * 1e-9 * size)
    return Day(
        rows=len(status),
        status=Status(**{str(code): int(np.sum(status == code)) for code in ALL}),
        outcome_at_seconds=seconds / size.sum() if size.any() else None,
        **given,
        **_figures(known, label),
    )


def of_all(
    data: Data, label: Label, days: Days, outcomes: list[np.ndarray], digests: dict[str, str]
) -> Profile:
    """The profile of all feature files, from that of each and its digest (FeatureFolder.quotes) by
    name, and their outcomes (NaN do not count)."""
    counts = [day.status.model_dump(by_alias=True) for day in days.values()]
    together = np.concatenate([outcome[~np.isnan(outcome)] for outcome in outcomes])
    return Profile(
        params=sections(data, label),
        data_digest=artifacts.digest(digests),
        outcome="class" if classes(label) else "return",
        days=days,
        total=Total(
            rows=sum(day.rows for day in days.values()),
            duplicates=sum(day.duplicates for day in days.values()),
            status=Status(**{code: sum(one[code] for one in counts) for code in counts[0]}),
            longest_frozen_seconds=max(day.longest_frozen_seconds for day in days.values()),
            **_figures(together, label),
        ),
    )


def sections(data: Data, label: Label) -> Sections:
    """The params that labels depend on, as JSON."""
    return {
        "data": data.model_dump(mode="json", exclude={"dir"}),
        "label": label.model_dump(mode="json"),
    }


def dotted(content: Mapping[str, Any]) -> dict[str, Any]:
    """Nested dicts as one, with dotted keys."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        inner = dotted(value) if isinstance(value, dict) else None
        found |= {key: value} if inner is None else {f"{key}.{name}": inner[name] for name in inner}
    return found


def _figures(outcome: np.ndarray, label: Label) -> dict[str, Any]:
    """The figures of a distribution; each None where there is no outcome."""
    if len(outcome) == 0:
        return dict.fromkeys(("zero_share", "mean", "quantiles", "shares"))
    codes = classes(label)
    shares = {f"{code:g}": np.mean(outcome == code) for code in codes}
    for tau in () if codes else TAILS_BPS:
        shares[f">{tau}"] = np.mean(outcome > tau * _BPS)
        shares[f"<-{tau}"] = np.mean(outcome < -tau * _BPS)
    levels = [f"{level:g}" for level in LEVELS]
    return {
        "zero_share": np.mean(outcome == 0),
        "mean": np.mean(outcome),
        "quantiles": dict(zip(levels, np.quantile(outcome, LEVELS), strict=True)),
        "shares": shares,
    }
