"""alpha report"""

from typing import Any

from alpha.core.cli import Arguments, Option
from alpha.data.params import Label

SUMMARY = "one self-contained HTML page"
OPTIONS = [
    Option("--evaluation", "folder that `alpha evaluate` wrote"),
    Option("--labels", "folder that `alpha label` wrote"),
    Option("--guard", "folder that `alpha guard` wrote"),
    Option("--audit", "folder that `alpha audit` wrote"),
    Option("--splits", "folder that `alpha split` wrote"),
    Option("--normalization", "the contract that `alpha normalize` wrote"),
    Option("--out", "the page, an HTML file"),
]
SECTIONS = {"label": Label}


def command(params: Any, args: Arguments) -> None:
    from alpha.report.run import run

    run(
        params.label,
        evaluation=args.evaluation,
        labels=args.labels,
        guard=args.guard,
        audit=args.audit,
        splits=args.splits,
        normalization=args.normalization,
        out=args.out,
    )
