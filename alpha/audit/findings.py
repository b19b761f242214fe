"""findings.json: what the audit says of columns, splits and data."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from alpha.core.artifacts import parse

NAME = "findings.json"
# From the worst on.
SEVERITIES = ("leak", "warning", "note")


class Finding(BaseModel, extra="forbid"):
    """One thing found, for people and for programs.

    `columns` are features, none where it is of rows, quotes or splits. A `leak` knows the future;
    a `warning` spoils figures without knowing it; a `note` should be known. `strength` is the
    figure that gave it away, as the sentence says; `lead_seconds` how far ahead it reaches,
    negative for what lags.
    """

    kind: str
    columns: list[str]
    severity: Literal["leak", "warning", "note"]
    where: str
    strength: Annotated[float, Field(allow_inf_nan=False)] | None = None
    lead_seconds: Annotated[float, Field(allow_inf_nan=False)] | None = None
    sentence: str
    what_to_do: str


class Findings(BaseModel, extra="forbid"):
    """The format of findings.json: the worst first."""

    findings: list[Finding]

    @property
    def leaks(self) -> list[Finding]:
        return [one for one in self.findings if one.severity == "leak"]


def read(audit: Path) -> Findings:
    """What `alpha audit` wrote into a folder. Raises InputError, naming the file, if it is missing
    or not of its format."""
    return parse(Findings, audit / NAME)
