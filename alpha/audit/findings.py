"""findings.json: what the audit says of columns, splits and data."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass

from alpha.core.artifacts import parse
from alpha.core.text import some

NAME = "findings.json"
# From the worst on.
Severity = Literal["leak", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("leak", "warning", "note")


@dataclass(config=ConfigDict(extra="forbid"))
class Finding:
    """One thing found, for people and for programs.

    A `leak` knows the future; a `warning` spoils figures without knowing it; a `note` should be
    known. `columns` are features, none where it is of rows, quotes or splits. `strength` is the
    figure that gave it away, as the sentence says; `lead_seconds` how far ahead it reaches,
    negative for what lags.
    """

    kind: str
    severity: Severity
    where: str
    sentence: str
    what_to_do: str
    columns: list[str] = Field(default_factory=list)
    strength: Annotated[float, Field(allow_inf_nan=False)] | None = None
    lead_seconds: Annotated[float, Field(allow_inf_nan=False)] | None = None


class Findings(BaseModel, extra="forbid"):
    """The format of findings.json: the worst first."""

    findings: list[Finding]
    splits: str  # a digest of all (alpha.data.splits)

    @property
    def leaks(self) -> list[Finding]:
        return [one for one in self.findings if one.severity == "leak"]


def read(audit: Path) -> Findings:
    """What `alpha audit` wrote into a folder. Raises InputError, naming the file, if it is missing
    or not of its format."""
    return parse(Findings, audit / NAME)


def lines(audit: Path) -> list[str]:
    """A line for people of leaks and warnings, none if there is neither or no audit yet."""
    found = read(audit).findings if (audit / NAME).exists() else []
    said = []
    for severity in SEVERITIES[:2]:
        those = [one for one in found if one.severity == severity]
        names = dict.fromkeys(f"{one.kind} {' '.join(one.columns[:1])}".strip() for one in those)
        if those:
            count = f"{len(those)} {severity}{'s' * (len(those) > 1)}"
            said.append(f"{count} ({some(names, most=4)})")
    return [f"Audit: {', '.join(said)}. What to do: the report, or {audit / NAME}"] if said else []
