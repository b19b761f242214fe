"""alpha report"""

from typing import Annotated

from pydantic import NaiveDatetime

from alpha.core.cli import Option, step
from alpha.core.params import InTime, Section
from alpha.data.params import Data, Label


class Report(Section):
    stretch: tuple[Annotated[NaiveDatetime, InTime], Annotated[NaiveDatetime, InTime]] | None  # UTC


SUMMARY = "one self-contained HTML page"
OPTIONS = [
    Option("--features", "folder of feature files, for their quotes"),
    Option("--predictions", "folder with a folder for each model, by `alpha predict`"),
    Option("--evaluation", "folder that `alpha evaluate` wrote"),
    Option("--labels", "folder that `alpha label` wrote"),
    Option("--guard", "folder that `alpha guard` wrote"),
    Option("--audit", "folder that `alpha audit` wrote"),
    Option("--splits", "folder that `alpha split` wrote"),
    Option("--normalization", "folder that `alpha normalize` wrote"),
    Option("--trade", "folder that `alpha trade` wrote, for its equity/", required=False),
    Option("--out", "the page, an HTML file"),
]
SECTIONS = {"data": Data, "label": Label, "report": Report}
command = step("alpha.report.run")
