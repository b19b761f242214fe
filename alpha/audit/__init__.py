"""alpha audit: its params and its command."""

from typing import Annotated, Literal

from pydantic import Field

from alpha.core.cli import Option, step
from alpha.core.params import Section
from alpha.data.params import Data, Label
from alpha.split import Split


class Audit(Section):
    fail_on: Literal["none", "leak", "warning"]
    rows: Annotated[int, Field(ge=10_000, le=100_000_000, strict=True)]


SUMMARY = "leaks, bad quotes and drift in features, labels and splits, named"
OPTIONS = [
    Option("--features", "folder of feature files"),
    Option("--labels", "the folder labels/ in what `alpha label` wrote"),
    Option("--splits", "folder that `alpha split` wrote, of which the last fold is looked at"),
    Option("--normalization", "folder that `alpha normalize` wrote"),
    Option("--out", "folder for findings.json, features.csv and passed/"),
]
SECTIONS = {"data": Data, "label": Label, "split": Split, "audit": Audit}
command = step("alpha.audit.run")
