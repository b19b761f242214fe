"""What the page says of the data: what is wrong with it, and its features by family."""

from collections.abc import Sequence
from dataclasses import dataclass

from alpha.data.columns import SPLITS
from alpha.data.params import Label
from alpha.evaluate.details import Details
from alpha.label.profile import Profile
from alpha.report import numbers
from alpha.report.inputs import Contract, SplitSummary


@dataclass(frozen=True)
class Defect:
    """Something in the data that is not as it should be, and what was done about it."""

    count: int
    what: str
    treatment: str


@dataclass(frozen=True)
class Family:
    name: str
    features: int
    constant: int
    with_nan: int
    nan: int
    with_inf: int
    inf: int


@dataclass(frozen=True)
class Oddity:
    """A feature that is constant in train, or has values there that are not finite."""

    name: str
    family: str
    constant: bool
    nan: int
    inf: int


def defects(
    details: Details,
    label: Label,
    labels: Profile,
    splits: SplitSummary,
    contract: Contract,
) -> list[Defect]:
    """Every count that should have been zero and is not."""
    status = labels.total.status
    constant = sum(sigma == 0 for sigma in contract.sigma)
    found = [
        Defect(
            labels.total.duplicates,
            "rows with the timestamp of another row",
            "the last of them stands, the others are dropped",
        ),
        Defect(
            status.gap,
            f"rows with a step longer than {label.max_gap_seconds:g} s in their window, or an "
            "empty window",
            "no label: a gap must not look like a flat market",
        ),
        Defect(
            status.bad_quote,
            "rows with a quote in their window that is not finite, not positive, or crossed",
            "no label",
        ),
        Defect(
            sum(day.status.labelled == 0 for day in labels.days.values()),
            "feature files without a single label",
            "nothing of them is used",
        ),
        Defect(constant, "features that are constant in train", "all zeros after normalization"),
        Defect(sum(contract.nan), "values in train that are NaN", "0 after normalization"),
        Defect(sum(contract.inf), "values in train that are ±inf", "0 after normalization"),
        *(
            Defect(
                max((run.splits[split].clipped for run in details.by_run.values()), default=0),
                f"feature values of {split} further than {contract.clip:g} sigmas from the mean",
                f"clipped at {contract.clip:g} sigmas",
            )
            for split in SPLITS
        ),
        *(
            Defect(
                max((run.splits[split].replaced for run in details.by_run.values()), default=0),
                f"feature values of {split} that are NaN or ±inf",
                "0 after normalization",
            )
            for split in SPLITS
            if split != "train"  # whose own counts are above
        ),
        *(
            Defect(
                sum(split.non_finite for split in details.by_model[name].splits.values()),
                f"predictions of {name} that are not finite",
                "the best constant in loss and skill, left out of what ranks",
            )
            for name in details.models
        ),
        *(
            Defect(abs(of - to), f"rows of {what} that its counts do not account for", "unknown")
            for what, of, to in (
                ("the input", splits.input_rows, splits.counts.total),
                *((name, split.rows, split.total) for name, split in splits.splits.items()),
            )
        ),
    ]
    return [defect for defect in found if defect.count]


def families(contract: Contract) -> list[Family]:
    """Features by family, families in the order of their first feature."""
    rows: dict[str, list[int]] = {}
    for name, sigma, nan, inf in _features(contract):
        counts = rows.setdefault(contract.families.get(name, numbers.NOTHING), [0] * 6)
        for at, more in enumerate((1, sigma == 0, nan > 0, nan, inf > 0, inf)):
            counts[at] += more
    return [Family(name, *counts) for name, counts in rows.items()]


def oddities(contract: Contract) -> list[Oddity]:
    """Features worth a look, the constant ones first, then by what is not finite."""
    found = [
        Oddity(name, contract.families.get(name, numbers.NOTHING), sigma == 0, nan, inf)
        for name, sigma, nan, inf in _features(contract)
        if sigma == 0 or nan or inf
    ]
    return sorted(found, key=lambda odd: (not odd.constant, -odd.nan - odd.inf))


def _features(contract: Contract) -> Sequence[tuple[str, float, int, int]]:
    return list(zip(contract.names, contract.sigma, contract.nan, contract.inf, strict=True))
