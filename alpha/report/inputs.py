"""What the report reads of the steps before it: the summary of splits, the contract.

Only what the page shows is named here; further keys in the files are ignored.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alpha.data.columns import SplitName

Count = Annotated[int, Field(ge=0)]


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Fates(Part):
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
        return (
            self.duplicates
            + self.outside
            + self.embargoed
            + self.purged
            + self.unlabelled
            + self.bad
            + self.kept
        )


class Split(Fates):
    start: str
    end: str
    rows: Count


class SplitSummary(Part):
    input_rows: Count
    counts: Fates
    splits: dict[SplitName, Split]


class Contract(Part):
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
