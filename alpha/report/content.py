"""What the page says that is not simply a figure, as tables: why figures are missing, what is wrong
with the data, its features, and models side by side. Nothing here knows of HTML."""

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel

import alpha
from alpha.core import text
from alpha.data.columns import SPLITS, SplitName
from alpha.data.contract import Contract
from alpha.data.params import Data, Label
from alpha.evaluate.details import Details
from alpha.label.profile import Count, Profile

# They always predict the same, so a line of theirs carries nothing.
CONSTANTS = ("zero", "mean", "median")
_SLICES = ("day", "hour", "regime", "fold", "block", "symbol")
_LIBRARIES = ("numpy", "pandas", "tensorflow", "lightgbm")


class Rows(BaseModel):
    """What became of rows; those of one split cannot be duplicates or outside."""

    duplicates: Count = 0
    outside: Count = 0
    embargoed: Count
    purged: Count
    unlabelled: Count
    bad: Count
    kept: Count


class Split(Rows):
    start: str
    end: str
    rows: Count


class SplitSummary(BaseModel):
    """What the page shows of the splits' summary."""

    input_rows: Count
    counts: Rows
    splits: dict[SplitName, Split]


def by_feature(contract: Contract) -> pd.DataFrame:
    """One a row: its name and family, whether it is constant, how much of it is not finite."""
    names = {"name": contract.names, "family": contract.families, "constant": contract.sigma == 0}
    return pd.DataFrame(names | {"nan": contract.nan, "inf": contract.inf})


def varying(details: Details) -> list[str]:
    """The models that are not constants, in the ladder's order; all, if there are no others."""
    return [name for name in details.models if name not in CONSTANTS] or details.models


def as_good(details: Details) -> str | None:
    """The simplest proven model that the best on valid is not proven to beat on test, if that is:
    the best itself if it beats all of them."""
    best = details.best
    for name in details.models[: details.models.index(best)] if best else []:
        if details.on(name).proven and details.on(name)["best_difference"].least <= 0:
            return name
    return best if best and details.on(best).proven else None


def market(labels: Profile, data: Data, *, simulated: bool) -> str:
    """What the names of the feature files begin with, or their folder."""
    symbols = {name.partition("-data-")[0] for name in labels.days}
    found = symbols.pop() if len(symbols) == 1 else f"feature files of {Path(data.dir).name}"
    return f"simulated {found}" if simulated else found


def made_with() -> str:
    """Versions and processor, the same wherever requirements.lock is in use."""
    versions = [f"alpha {alpha.__version__}", f"Python {sys.version_info[0]}.{sys.version_info[1]}"]
    versions += [f"{name} {version(name)}" for name in _LIBRARIES]
    held = all(os.environ.get(name) == value for name, value in alpha.FLOOR.items())
    instructions = "AVX2 at most" if held else "any instructions"
    return f"{', '.join(versions)}, on {platform.machine()}, {instructions}"


def by_place(details: Details, kind: str, figure: str) -> list[pd.DataFrame]:
    """A figure on test, and the low and high ends of its interval, NaN where not defined: a column
    a model that varies; a row a slice if `kind` is one, else a row an event."""
    table, models = details.figures.table, varying(details)
    wanted = table["seed"].isna() & (table["split"] == "test") & (table["figure"] == figure)
    rows = table[wanted & table["model"].isin(models)]
    # One of them is empty.
    place, prefix = rows["slice"] + rows["event"], f"{kind} " if kind in _SLICES else ""
    rows = rows.assign(place=place.str.removeprefix(prefix))[place.str.startswith(prefix)]
    found = [rows.set_index(["place", "model"])[name] for name in ("value", "low", "high")]
    return [one.unstack(sort=False).reindex(columns=models) for one in found]


def worst_first(details: Details, kind: str, figure: str) -> pd.DataFrame:
    """A figure on test by slice, a column for each model beside the slice's rows: the worst slice
    first by the mean over models, those without any figure last. None where not defined."""
    found, rows = (by_place(details, kind, name)[0] for name in (figure, "rows"))
    found = found.loc[found.mean(axis=1).sort_values(kind="stable").index]
    found.insert(0, "rows", rows.bfill(axis=1).iloc[:, 0])
    return found.astype(object).where(found.notna(), None)


def reason(details: Details, figure: str) -> str:
    """Why there is none of `figure` on test: the first reason that a run gives."""
    reasons = (details.run(name).undefined.get(figure) for name in details.runs)
    return next(filter(None, reasons), "no run has any")


def undefined(details: Details) -> dict[str, list[str]]:
    """Why figures or their intervals are missing: for each reason "figure of models on splits"."""
    table, first = details.figures.table, details.models[0]
    lowest = (table["figure"] == "skill_difference") & (table["model"] == first)
    rows = table[table["seed"].isna() & table["reason"].notna() & ~lowest]
    rows = rows[~rows["reason"].isin([details.oracle_reason]) & (rows["model"] != "label")]
    by, what = rows["slice"].str.partition(" ")[0], rows["event"].where(rows["event"] != "")
    what = what.fillna(rows["figure"]).map(text.words) + (" by " + by).where(by != "", "")
    rows = rows.assign(what=what.where(rows["value"].isna(), "interval of the " + what))
    same = rows.groupby(["reason", "what", "model"], sort=False)["split"].unique().map(tuple)
    found: dict[str, list[str]] = {}
    by_splits: Any = same.reset_index().groupby(["reason", "what", "split"], sort=False)["model"]
    for (why, name, splits), models in by_splits:
        who = "every model" if len(models) == len(details.models) > 1 else _list(list(models))
        where = "every split" if len(splits) == len(SPLITS) else _list(splits)
        found.setdefault(why, []).append(f"{name} of {who} on {where}")
    return found


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def defects(
    details: Details, label: Label, labels: Profile, splits: SplitSummary, contract: Contract
) -> pd.DataFrame:
    """Every count that should have been zero and is not, what it is of, and what was done."""
    features, status = by_feature(contract), labels.total.status
    sigmas = f"{contract.clip:g} sigmas"
    zero, constant = "0 after normalization", "all zeros after normalization"
    empty = sum(day.status.labelled == 0 for day in labels.days.values())
    gap = f"a step longer than {label.max_gap_seconds:g} s in their window, or an empty window"
    quote = "a quote in their window that is not finite, not positive, or crossed"
    stale = f"quotes in their window that stood still for over {label.max_stale_seconds or 0:g} s"
    duplicates = "the last of them stands, the others are dropped"
    found: list[tuple[float, str, str]] = [
        (labels.total.duplicates, "rows with the timestamp of another row", duplicates),
        (status.gap, f"rows with {gap}", "no label: a gap must not look like a flat market"),
        (status.bad_quote, f"rows with {quote}", "no label"),
        (status.stale, f"rows with {stale}", "no label: a frozen book is not a flat market"),
        (empty, "feature files without a single label", "nothing of them is used"),
        (features["constant"].sum(), "features that are constant in train", constant),
        (features["nan"].sum(), "values in train that are NaN", zero),
        (features["inf"].sum(), "values in train that are ±inf", zero),
    ]

    def most(figure: str, split: str) -> float:
        return max((details.run(run, split)[figure].value or 0 for run in details.runs), default=0)

    for split in SPLITS:
        what = f"feature values of {split} further than {sigmas} from the mean"
        found.append((most("clipped", split), what, f"clipped at {sigmas}"))
    for split in SPLITS[1:]:  # train's own counts are above
        what = f"feature values of {split} that are NaN or ±inf"
        found.append((most("replaced", split), what, zero))
    for name in details.models:
        count = sum(details.on(name, split)["non_finite"].value or 0 for split in SPLITS)
        treatment = "the best constant in loss and skill, left out of what ranks"
        found.append((count, f"predictions of {name} that are not finite", treatment))
    counted = [("the input", splits.input_rows, splits.counts)]
    counted += [(name, one.rows, one) for name, one in splits.splits.items()]
    for place, rows, counts in counted:
        what = f"rows of {place} that its counts do not account for"
        total = sum(getattr(counts, of) for of in Rows.model_fields)
        found.append((abs(rows - total), what, "unknown"))
    table = pd.DataFrame(found, columns=["rows", "what", "treatment"])
    return table[table["rows"] != 0]


def families(contract: Contract) -> pd.DataFrame:
    """Families in the order of their first feature: how many features they have, are constant in
    train, and have how many values there that are NaN or ±inf."""
    features = by_feature(contract)
    features = features.assign(with_nan=features["nan"] > 0, with_inf=features["inf"] > 0)
    by = features.groupby("family", sort=False)
    counts = by[["constant", "with_nan", "nan", "with_inf", "inf"]].sum()
    counts.insert(0, "features", by.size())
    return counts.reset_index(names="name")
