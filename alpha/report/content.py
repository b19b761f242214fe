"""What the page says that is not simply a figure: why figures are missing, what is wrong with the
data, its features by family, and slices side by side. Nothing here knows of HTML."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import pandas as pd
from pydantic import BaseModel, Field, model_validator

from alpha.core import text
from alpha.data.columns import SPLITS, SplitName
from alpha.data.params import Label
from alpha.evaluate.details import Details
from alpha.evaluate.figures import COMPARED
from alpha.label.profile import Profile

Count = Annotated[int, Field(ge=0)]


class RowCounts(BaseModel):
    """What became of rows; those of one split cannot be duplicates or outside."""

    duplicates: Count = 0
    outside: Count = 0
    embargoed: Count
    purged: Count
    unlabelled: Count
    bad: Count
    kept: Count

    @property
    def total(self) -> int:
        return sum(getattr(self, name) for name in RowCounts.model_fields)


class Split(RowCounts):
    start: str
    end: str
    rows: Count


class SplitSummary(BaseModel):
    """What the page shows of the splits' summary."""

    input_rows: Count
    counts: RowCounts
    splits: dict[SplitName, Split]


class Contract(BaseModel):
    """The normalization contract; lists are of one value per feature, over train rows."""

    names: list[str]
    families: dict[str, str]
    sigma: list[float]
    nan: list[Count]
    inf: list[Count]
    clip: float
    rows: Count

    @model_validator(mode="after")
    def _one_value_each(self) -> "Contract":
        for name in ("sigma", "nan", "inf"):
            if len(getattr(self, name)) != len(self.names):
                raise ValueError(f"{name} must have a value for each of names")
        return self

    @property
    def features(self) -> pd.DataFrame:
        """One a row: its name and family, whether it is constant, how much of it is not finite."""
        return pd.DataFrame(
            {
                "name": self.names,
                "family": [self.families.get(name, text.NOTHING) for name in self.names],
                "constant": [sigma == 0 for sigma in self.sigma],
                "nan": self.nan,
                "inf": self.inf,
            }
        )


class Defect(NamedTuple):
    """Something in the data that is not as it should be, and what was done about it."""

    rows: float
    what: str
    treatment: str


def slice_rows(details: Details, models: list[str], kind: str, figure: str) -> list[dict[str, Any]]:
    """A figure of `models` on test by slice, worst first by the mean over models; slices
    without any figure come last, in their order."""
    table = details.figures.table
    rows = table[table["seed"].isna() & (table["split"] == "test") & table["model"].isin(models)]
    rows = rows[rows["slice"].str.startswith(f"{kind} ")].set_index(["slice", "model"])
    counts = rows.loc[rows["figure"] == "rows", "value"].groupby("slice").first()
    values = rows.loc[rows["figure"] == figure, "value"].unstack(sort=False).reindex(columns=models)
    shown = values.astype(object).where(values.notna(), None)
    worst_first = values.mean(axis=1).sort_values(kind="stable").index
    return [
        {
            "name": place.removeprefix(f"{kind} "),
            "rows": counts.get(place),
            "figures": list(shown.loc[place]),
        }
        for place in map(str, worst_first)
    ]


def reason(details: Details, figure: str, split: SplitName = "test") -> str:
    """Why there is none of `figure` on `split`: the first reason that a run gives."""
    reasons = (details.run(name, split).undefined.get(figure) for name in details.runs)
    return next(filter(None, reasons), "no run has any")


def undefined(details: Details) -> list[tuple[str, list[str]]]:
    """Why figures are missing: for each reason "figure of runs on splits", in their order."""
    table = details.figures.table
    wanted = table["model"].isin(details.models) & ~table["figure"].isin(COMPARED)
    rows = table[wanted & table["value"].isna() & table["reason"].notna()]
    seeds = rows["seed"].astype("string")
    missing = rows.assign(
        name=rows["model"] + ("-" + seeds).fillna(""),
        kind=rows["slice"].str.partition(" ")[0],
        what=rows["event"].where(rows["event"] != "", rows["figure"]),
    )
    order = {name: at for at, name in enumerate([*details.runs, *details.models, *SPLITS])}
    missing = missing.sort_values(
        ["name", "split", "kind", "what"],
        key=lambda column: column.map(order) if column.name in ("name", "split") else column,
    )
    of_run, whole = missing["seed"].notna(), missing["kind"] == ""
    # What no run of the model has a reason for already.
    place = pd.MultiIndex.from_frame(missing[["model", "split", "what"]])
    of_model = whole & ~of_run & ~place.isin(place[of_run & whole])
    found = [
        *_lines(missing[of_run], {name: details.runs_of(name) for name in details.models}),
        *_lines(missing[of_model], {name: [name] for name in details.models}),
        *_of_all(details),
    ]
    by_reason: dict[str, list[str]] = {}
    for what, why in found:
        by_reason.setdefault(why, []).append(what)
    return list(by_reason.items())


def _lines(missing: pd.DataFrame, members: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Splits with the same reason become one line, then what is missing on these splits.

    `members` are the names of each model's own; a model stands for all of them.
    """
    figure = missing["what"].map(text.words)
    by = ("" if not kind else f" by {kind}" for kind in missing["kind"])
    missing = missing.assign(what=[a + b for a, b in zip(figure, by, strict=True)])
    same = missing.groupby(["reason", "what", "name"], sort=False)["split"].unique().map(tuple)
    names = same.reset_index().groupby(["reason", "what", "split"], sort=False)["name"].agg(list)
    for why, what, splits, those in names.reset_index().itertuples(index=False, name=None):
        where = "every split" if len(splits) == len(SPLITS) else _list(splits)
        who: list[str] = []
        for model, own in members.items():
            lacking = [name for name in own if name in those]
            who += [model] if lacking == own else lacking
        all_of_them = "every model" if len(members) > 1 and who == list(members) else _list(who)
        yield f"{what} of {all_of_them} on {where}", why


def _of_all(details: Details) -> Iterator[tuple[str, str]]:
    """What the ladder, the oracle and the label's shift lack."""
    on = details.on
    found = {
        f"difference in skill of {rung.model}": on(rung.model)["skill_difference"]
        for rung in details.ladder
        if rung.improves is not None
    }
    if details.oracle_reason is None:
        found |= {
            f"share of the oracle's skill of {name}": on(name)["oracle_share"]
            for name in details.models
        }
        found |= {
            f"{text.words(figure)} of the oracle on {split}": on("oracle", split)[figure]
            for figure in ("skill", "rank_ic")
            for split in SPLITS
        }
    for what, interval in found.items():
        if interval.reason:
            yield what if interval.value is None else f"interval of the {what}", interval.reason
    for split in SPLITS:
        if why := on("label", split)["psi"].reason:
            yield f"label shift on {split}", why


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def defects(
    details: Details, label: Label, labels: Profile, splits: SplitSummary, contract: Contract
) -> list[Defect]:
    """Every count that should have been zero and is not."""
    status, sigmas, zero = labels.total.status, f"{contract.clip:g} sigmas", "0 after normalization"
    window = f"rows with a step longer than {label.max_gap_seconds:g} s in their window"
    empty = sum(day.status.labelled == 0 for day in labels.days.values())
    constant = sum(sigma == 0 for sigma in contract.sigma)

    def most(figure: str, split: str) -> float:
        return max((details.run(run, split)[figure].value or 0 for run in details.runs), default=0)

    def non_finite(model: str) -> float:
        return sum(details.on(model, split)["non_finite"].value or 0 for split in SPLITS)

    found = [
        Defect(
            labels.total.duplicates,
            "rows with the timestamp of another row",
            "the last of them stands, the others are dropped",
        ),
        Defect(
            status.gap,
            f"{window}, or an empty window",
            "no label: a gap must not look like a flat market",
        ),
        Defect(
            status.bad_quote,
            "rows with a quote in their window that is not finite, not positive, or crossed",
            "no label",
        ),
        Defect(empty, "feature files without a single label", "nothing of them is used"),
        Defect(constant, "features that are constant in train", "all zeros after normalization"),
        Defect(sum(contract.nan), "values in train that are NaN", zero),
        Defect(sum(contract.inf), "values in train that are ±inf", zero),
    ]
    for split in SPLITS:
        what = f"feature values of {split} further than {sigmas} from the mean"
        found.append(Defect(most("clipped", split), what, f"clipped at {sigmas}"))
    for split in SPLITS[1:]:  # train's own counts are above
        what = f"feature values of {split} that are NaN or ±inf"
        found.append(Defect(most("replaced", split), what, zero))
    for name in details.models:
        treatment = "the best constant in loss and skill, left out of what ranks"
        what = f"predictions of {name} that are not finite"
        found.append(Defect(non_finite(name), what, treatment))
    counted = {"the input": (splits.input_rows, splits.counts)}
    for name, rows in splits.splits.items():
        counted[name] = rows.rows, rows
    for name, (total, counts) in counted.items():
        what = f"rows of {name} that its counts do not account for"
        found.append(Defect(abs(total - counts.total), what, "unknown"))
    return [defect for defect in found if defect.rows]


def families(contract: Contract) -> list[tuple[Any, ...]]:
    """Features by family, families in the order of their first feature: how many there are, how
    many are constant in train, and how many have how many values there that are NaN or ±inf."""
    features = contract.features
    features = features.assign(with_nan=features["nan"] > 0, with_inf=features["inf"] > 0)
    by = features.groupby("family", sort=False)
    counts = by[["constant", "with_nan", "nan", "with_inf", "inf"]].sum()
    counts.insert(0, "features", by.size())
    return list(counts.reset_index(names="name").itertuples(index=False, name="Family"))


def oddities(contract: Contract) -> list[tuple[Any, ...]]:
    """Features worth a look, the constant ones first, then by what is not finite."""
    found = contract.features.assign(wrong=lambda of: of["nan"] + of["inf"])
    found = found[found["constant"] | (found["wrong"] > 0)]
    found = found.sort_values(["constant", "wrong"], ascending=False, kind="stable")
    return list(found.itertuples(index=False, name="Feature"))
