"""alpha report"""

from typing import Any

from pydantic import NaiveDatetime

from alpha.core.cli import Arguments, Option
from alpha.core.params import Section
from alpha.data.params import Data, Label


class Report(Section):
    stretch: tuple[NaiveDatetime, NaiveDatetime] | None  # UTC


SUMMARY = "one self-contained HTML page"
OPTIONS = [
    Option("--features", "folder of feature files, for their quotes"),
    Option("--predictions", "folder with a folder for each model, by `alpha predict`"),
    Option("--evaluation", "folder that `alpha evaluate` wrote"),
    Option("--labels", "folder that `alpha label` wrote"),
    Option("--guard", "folder that `alpha guard` wrote"),
    Option("--audit", "folder that `alpha audit` wrote"),
    Option("--splits", "folder that `alpha split` wrote"),
    Option("--normalization", "the contract that `alpha normalize` wrote"),
    Option("--out", "the page, an HTML file"),
]
SECTIONS = {"data": Data, "label": Label, "report": Report}


def command(params: Any, args: Arguments) -> None:
    from alpha.report.run import run

    run(
        params.data,
        params.label,
        params.report,
        features=args.features,
        predictions=args.predictions,
        evaluation=args.evaluation,
        labels=args.labels,
        guard=args.guard,
        audit=args.audit,
        splits=args.splits,
        normalization=args.normalization,
        out=args.out,
    )
