"""alpha report"""

from alpha.commands import Arguments, Option
from alpha.params import Params

SUMMARY = "one self-contained HTML page"
OPTIONS = [
    Option("--evaluation", "folder that `alpha evaluate` wrote"),
    Option("--labels", "folder that `alpha labels` wrote"),
    Option("--guard", "folder that `alpha guard` wrote"),
    Option("--splits", "folder that `alpha splits` wrote"),
    Option("--normalization", "the contract that `alpha normalize` wrote"),
    Option("--out", "the page, an HTML file"),
]


def run(params: Params, args: Arguments) -> None:
    from alpha import report

    report.run(
        params.label,
        evaluation=args.evaluation,
        labels=args.labels,
        guard=args.guard,
        splits=args.splits,
        normalization=args.normalization,
        out=args.out,
    )
