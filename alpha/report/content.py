"""What the page says that is not simply a figure: why figures are missing, what is wrong with the
data, its features by family, and slices side by side. Nothing here knows of HTML."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import BaseModel, Field, model_validator

from alpha.core import text
from alpha.data.columns import SPLITS, SplitName
from alpha.data.params import Label
from alpha.evaluate.details import Details
from alpha.label.profile import Profile

Count = Annotated[int, Field(ge=0)]
# A run or model, a split, a figure in words, and why it is missing.
_Missing = tuple[str, str, str, str]


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
    def features(self) -> list["Feature"]:
        of = (self.families.get(name, text.NOTHING) for name in self.names)
        constant = (sigma == 0 for sigma in self.sigma)
        return list(map(Feature, self.names, of, constant, self.nan, self.inf))


class Feature(NamedTuple):
    name: str
    family: str
    constant: bool
    nan: int
    inf: int


class Family(NamedTuple):
    """How many features it has, and how many of them are constant in train or have values there
    that are NaN or ±inf."""

    name: str
    features: int
    constant: int
    with_nan: int
    nan: int
    with_inf: int
    inf: int


class Defect(NamedTuple):
    """Something in the data that is not as it should be, and what was done about it."""

    rows: float
    what: str
    treatment: str


@dataclass(frozen=True)
class SliceRow:
    """One day or regime: a figure of each model, in the models' order."""

    name: str
    rows: float | None
    figures: list[float | None]


def slice_rows(details: Details, models: Sequence[str], kind: str, figure: str) -> list[SliceRow]:
    """A figure of `models` on test by slice, worst first by the mean over models; slices
    without any figure come last, in their order."""
    of = {model: {one.name: one for one in details.on(model).slices(kind)} for model in models}
    rows = []
    for name in dict.fromkeys(name for slices in of.values() for name in slices):
        found = [slices.get(name) for slices in of.values()]
        rows.append(
            SliceRow(
                name,
                next(one["rows"].value for one in found if one),
                [one[figure].value if one else None for one in found],
            )
        )

    def mean(row: SliceRow) -> float:
        known = [value for value in row.figures if value is not None]
        return sum(known) / len(known) if known else float("inf")

    return sorted(rows, key=mean)


def reason(details: Details, figure: str, split: SplitName = "test") -> str:
    """Why there is none of `figure` on `split`: the first reason that a run gives."""
    reasons = (details.run(name, split).undefined.get(figure) for name in details.runs)
    return next(filter(None, reasons), "no run has any")


def undefined(details: Details) -> list[tuple[str, list[str]]]:
    """Why figures are missing: for each reason "figure of runs on splits", in their order."""
    found: dict[str, list[str]] = {}
    runs = {name: details.runs_of(name) for name in details.models}
    _gather(found, _of_runs(details), runs)
    _gather(found, _of_models(details, runs), {name: [name] for name in details.models})
    for what, why in _of_all(details):
        found.setdefault(why, []).append(what)
    return list(found.items())


def _gather(
    found: dict[str, list[str]], reasons: Iterator[_Missing], members: dict[str, list[str]]
) -> None:
    """Splits with the same reason become one line, then what is missing on these splits.

    `members` are the names of each model's own; a model stands for all of them.
    """
    places: dict[tuple[str, str, str], list[str]] = {}
    for name, split, figure, why in reasons:
        splits = places.setdefault((why, figure, name), [])
        if split not in splits:
            splits.append(split)
    names: dict[tuple[str, str, str], list[str]] = {}
    for (why, figure, name), splits in places.items():
        where = "every split" if len(splits) == len(SPLITS) else _list(splits)
        names.setdefault((why, figure, where), []).append(name)
    for (why, figure, where), those in names.items():
        who: list[str] = []
        for model, own in members.items():
            missing = [name for name in own if name in those]
            who += [model] if missing == own else missing
        all_of_them = "every model" if len(members) > 1 and who == list(members) else _list(who)
        found.setdefault(why, []).append(f"{figure} of {all_of_them} on {where}")


def _of_runs(details: Details) -> Iterator[_Missing]:
    for run in details.runs:
        for split in SPLITS:
            figures = details.run(run, split)
            for name, why in figures.undefined.items():
                yield run, split, text.words(name), why
            for kind in ("day", "regime"):
                for one in figures.slices(kind):
                    for name, why in one.undefined.items():
                        yield run, split, f"{text.words(name)} by {kind}", why


def _of_models(details: Details, runs: dict[str, list[str]]) -> Iterator[_Missing]:
    """What no run of the model has a reason for already."""
    for name, own in runs.items():
        for split in SPLITS:
            known = {figure for run in own for figure in details.run(run, split).undefined}
            for figure, why in details.on(name, split).undefined.items():
                if figure not in known:
                    yield name, split, text.words(figure), why


def _of_all(details: Details) -> Iterator[tuple[str, str]]:
    """Of the ladder, the oracle and the label's shift."""
    found = [
        (f"difference in skill of {rung.model}", details.on(rung.model)["skill_difference"])
        for rung in details.ladder
        if rung.improves is not None
    ]
    if details.oracle_reason is None:
        found += [
            (f"share of the oracle's skill of {name}", details.on(name)["oracle_share"])
            for name in details.models
        ]
        found += [
            (f"{text.words(figure)} of the oracle on {split}", details.on("oracle", split)[figure])
            for figure in ("skill", "rank_ic")
            for split in SPLITS
        ]
    for what, interval in found:
        if interval.reason:
            yield what if interval.value is None else f"interval of the {what}", interval.reason
    for split in SPLITS:
        if why := details.on("label", split)["psi"].reason:
            yield f"label shift on {split}", why


def _list(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def defects(
    details: Details, label: Label, labels: Profile, splits: SplitSummary, contract: Contract
) -> list[Defect]:
    """Every count that should have been zero and is not."""
    status, sigmas = labels.total.status, f"{contract.clip:g} sigmas"

    def most(figure: str, split: str) -> float:
        return max((details.run(run, split)[figure].value or 0 for run in details.runs), default=0)

    found: list[tuple[float, str, str]] = [
        (
            labels.total.duplicates,
            "rows with the timestamp of another row",
            "the last of them stands, the others are dropped",
        ),
        (
            status.gap,
            f"rows with a step longer than {label.max_gap_seconds:g} s in their window, or an "
            "empty window",
            "no label: a gap must not look like a flat market",
        ),
        (
            status.bad_quote,
            "rows with a quote in their window that is not finite, not positive, or crossed",
            "no label",
        ),
        (
            sum(day.status.labelled == 0 for day in labels.days.values()),
            "feature files without a single label",
            "nothing of them is used",
        ),
        (
            sum(feature.constant for feature in contract.features),
            "features that are constant in train",
            "all zeros after normalization",
        ),
        (sum(contract.nan), "values in train that are NaN", "0 after normalization"),
        (sum(contract.inf), "values in train that are ±inf", "0 after normalization"),
    ]
    for split in SPLITS:
        what = f"feature values of {split} further than {sigmas} from the mean"
        found.append((most("clipped", split), what, f"clipped at {sigmas}"))
    for split in SPLITS[1:]:  # train's own counts are above
        what = f"feature values of {split} that are NaN or ±inf"
        found.append((most("replaced", split), what, "0 after normalization"))
    for name in details.models:
        wrong = sum(details.on(name, split)["non_finite"].value or 0 for split in SPLITS)
        treatment = "the best constant in loss and skill, left out of what ranks"
        found.append((wrong, f"predictions of {name} that are not finite", treatment))
    for what, rows, counts in (
        ("the input", splits.input_rows, splits.counts),
        *((name, split.rows, split) for name, split in splits.splits.items()),
    ):
        unknown = f"rows of {what} that its counts do not account for"
        found.append((abs(rows - counts.total), unknown, "unknown"))
    return [Defect(*defect) for defect in found if defect[0]]


def families(contract: Contract) -> list[Family]:
    """Features by family, families in the order of their first feature."""
    rows: dict[str, list[int]] = {}
    for feature in contract.features:
        counts = rows.setdefault(feature.family, [0] * 6)
        nan, inf = feature.nan, feature.inf
        for at, more in enumerate((1, feature.constant, nan > 0, nan, inf > 0, inf)):
            counts[at] += more
    return [Family(name, *counts) for name, counts in rows.items()]


def oddities(contract: Contract) -> list[Feature]:
    """Features worth a look, the constant ones first, then by what is not finite."""
    found = [one for one in contract.features if one.constant or one.nan or one.inf]
    return sorted(found, key=lambda odd: (not odd.constant, -odd.nan - odd.inf))
