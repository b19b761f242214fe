"""figures.csv: every figure of an evaluation, one a row. All that is shown is a view of it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from alpha.core.artifacts import read_csv, write_csv

NAME = "figures.csv"
# Means over seeds of which the spread says something.
_SPREAD = (
    *("skill", "loss", "rank_ic", "mse", "mae", "std_ratio", "near_mean_share"),
    *("average_precision", "decile_lift", "importance", "feature_importance"),
)
# They compare a model with another.
COMPARED = ("skill_difference", "best_difference", "oracle_share")
_WITHIN = ["model", "split", "slice", "figure", "event"]
_NUMBERS = ["value", "low", "high"]
_TYPES: dict[str, Any] = {"seed": "Int64", "fold": "int64"} | dict.fromkeys(_NUMBERS, "float64")
_TEXTS = dict.fromkeys(("model", "split", "slice", "figure", "event"), "str")
Value = float | None
Ends = tuple[Value, Value]


class Row(NamedTuple):
    """A row of the table, in the order of its columns; None is an empty cell."""

    model: str = ""  # also `oracle`, what could be known, and `label`, the same for all models
    seed: int | None = None  # of one run; None for a figure over the seeds, which is their mean
    fold: int = 0  # the path of a run's test, where blocks of folds make several
    split: str = ""  # train, valid or test
    slice: str = ""  # `day 2024-01-01`, `regime low`, `fold 1`; empty for the whole split
    figure: str = ""  # `skill_spread` is the standard deviation of `skill` over the seeds
    event: str = ""  # an event, a threshold in bps, a quantile's level, a bin, a family
    value: float | None = None
    low: float | None = None  # the ends of its interval
    high: float | None = None
    reason: str | None = None  # why there is no value, or no interval


class Interval(NamedTuple):
    """A figure of the table."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None

    @property
    def least(self) -> float:
        """−∞ where it has no interval."""
        return -math.inf if self.low is None else self.low


@dataclass(frozen=True)
class Selection:
    """The figures of a model, or of a run, on one split, or of a slice or an event there. `found`
    has them by slice and event; one that is not in it is an empty Interval."""

    found: dict[tuple[str, str], dict[str, Interval]] = field(repr=False)
    slice: str = ""
    event: str = ""

    def __getitem__(self, figure: str) -> Interval:
        return self.found.get((self.slice, self.event), {}).get(figure, Interval())

    @property
    def name(self) -> str:
        """The event's, or the slice's without its kind."""
        return self.event or self.slice.partition(" ")[2]

    def events(self, figure: str) -> list["Selection"]:
        """Those that have `figure`, in the table's order."""
        return [
            Selection(self.found, *key)
            for key, figures in self.found.items()
            if key[0] == self.slice and key[1] and figure in figures
        ]

    @property
    def thresholds(self) -> list["Selection"]:
        """The threshold checks, each an event by its threshold in bps."""
        return self.events("prediction_above")

    @property
    def constant(self) -> bool:
        """Whether a model predicts the same for every row, or for every row of a fold."""
        quantiles = self.values("prediction_quantile")
        same = bool(quantiles) and quantiles[0] is not None and quantiles[0] == quantiles[-1]
        return same or {fold["std_ratio"].value for fold in self.folds} == {0.0}

    @property
    def proven(self) -> bool:
        """Whether a model's skill is: against train's best constant and in hindsight. Of a constant
        it never is: how much better it does is the level's doing."""
        return not self.constant and min(self["skill"].least, self["hindsight"].least) > 0

    def slices(self, kind: str) -> list["Selection"]:
        """Days or regimes, in the table's order: `kind` is day or regime."""
        found = (place for place, event in self.found if not event)
        return [Selection(self.found, place) for place in found if place.startswith(f"{kind} ")]

    @property
    def folds(self) -> list["Selection"]:
        """The blocks of test in time order; none if there is but one."""
        return self.slices("fold") or self.slices("block")

    def values(self, figure: str) -> list[float | None]:
        """`figure` at each of its events."""
        return [event[figure].value for event in self.events(figure)]

    def shares(self, counts: str) -> list[float]:
        """What each bin has of all that is counted; 0 where nothing is."""
        found = [count or 0.0 for count in self.values(counts)]
        return [count / max(sum(found), 1.0) for count in found]

    @property
    def undefined(self) -> dict[str, str]:
        """Why there is no value, by name of the figure, or of its event if it has one; but for
        what compares the model with another."""
        found = {
            event or name: figure.reason
            for (where, event), figures in self.found.items()
            for name, figure in figures.items()
            if where == self.slice and figure.value is None and figure.reason
            if name not in COMPARED
        }
        return dict(sorted(found.items()))


class Figures:
    """The table, and what is looked up in it."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table
        self._found: dict[tuple[str, int | None, str], Selection] = {}
        plain = table.astype(object).where(table.notna(), None)
        for row in map(Row._make, plain.itertuples(index=False, name=None)):
            key = row.model, row.seed, row.split
            found = self._found.setdefault(key, Selection({})).found
            found.setdefault((row.slice, row.event), {})[row.figure] = Interval(*row[-4:])

    def of(self, model: str, split: str = "test", seed: int | None = None) -> Selection:
        """Of a model over its seeds, or of the run with `seed`, on the last path if several."""
        return self._found.get((model, seed, split), Selection({}))

    def best(self, models: Iterable[str], split: str) -> str | None:
        """The model with the largest skill, the first of equals: the simplest; None without any."""
        skills = {model: self.of(model, split)["skill"].value for model in models}
        known = {model: skill for model, skill in skills.items() if skill is not None}
        return max(known, key=known.__getitem__, default=None)


def by_name(
    values: Mapping[str, float | None],
    reasons: Mapping[str, str | None] | None = None,
    ends: Mapping[str, Ends] | None = None,
    **at: Any,
) -> list[Row]:
    """A row of each figure."""
    why, around = reasons or {}, ends or {}
    return [
        Row(**at, figure=name, value=value, low=low, high=high, reason=why.get(name))
        for name, value in values.items()
        for low, high in [around.get(name, (None, None))]
    ]


def by_event(figure: str, values: Mapping[Any, float | None], **at: Any) -> list[Row]:
    """A row of each event."""
    return [Row(**at, figure=figure, event=str(name), value=values[name]) for name in values]


def table(rows: Iterable[Row]) -> pd.DataFrame:
    """The table of these rows, as `read` gives it."""
    return _typed(pd.DataFrame(rows, columns=list(Row._fields)))


def over_seeds(runs: pd.DataFrame) -> pd.DataFrame:
    """The mean of each figure of `runs` over the seeds and paths where it is defined, with two or
    more the sample standard deviation as a figure of its own; predictions that are not finite are
    summed. Without a value the reason is that of the first seed. Intervals are empty, but of slices
    the means of the seeds' ends: seeds are alike, and a mean of theirs is no further off."""
    by = runs.groupby(_WITHIN, sort=False)
    with np.errstate(over="ignore", invalid="ignore"):
        over = by["value"].agg(["mean", "std", "min", "max", "sum", "count"])
    # Seeds that change nothing must not seem to differ by rounding.
    same = over["min"] == over["max"]
    over["value"] = over["mean"].mask(same, over["min"])
    over["spread"] = over["std"].mask(same & (over["count"] > 1), 0.0)
    over["reason"] = by["reason"].first().where(over["value"].isna(), None)
    over = over.join(by[["low", "high"]].mean()).reset_index()
    over.loc[over["slice"] == "", ["low", "high"]] = np.nan
    over["value"] = over["value"].mask(over["figure"] == "non_finite", over["sum"])
    spread = over[over["figure"].isin(_SPREAD) & over["spread"].notna()]
    spread = spread.assign(figure=spread["figure"] + "_spread", value=spread["spread"], reason=None)
    spread[["low", "high"]] = np.nan
    seeds = over[(over["figure"] == "skill") & (over["slice"] == "")]
    seeds = seeds.assign(figure="skill_seeds", value=seeds["count"], reason=None)
    # Each beside its figure.
    together = pd.concat([over, spread, seeds]).sort_index(kind="stable").assign(fold=0)
    return _typed(together.reindex(columns=list(Row._fields)))


def write(path: Path, found: pd.DataFrame) -> None:
    write_csv(path, found, index=False)


def read(path: Path) -> Figures:
    """Raises InputError, naming the file, if it is missing or is not such a table."""
    found = read_csv(path, _TYPES | _TEXTS | {"reason": "str"}, Row._fields)
    return Figures(_typed(found[list(Row._fields)]))


def _typed(found: pd.DataFrame) -> pd.DataFrame:
    found = found.fillna(dict.fromkeys(_TEXTS, "")).astype(_TYPES | _TEXTS)
    found[_NUMBERS] = found[_NUMBERS].replace([np.inf, -np.inf], np.nan)
    found["reason"] = found["reason"].astype(object).where(found["reason"].fillna("") != "", None)
    return found.reset_index(drop=True)
