"""alpha show"""

from alpha.commands import Arguments, Option
from alpha.params import Params

SUMMARY = "print the verdicts of the last evaluation, or the dashboard of one model"
OPTIONS = [
    Option("MODEL", "one model's dashboard", type=str, required=False),
    Option("--evaluation", "folder that `alpha evaluate` wrote", "results/evaluate"),
    Option("--guard", "folder that `alpha guard` wrote", "results/guard"),
    Option("--report", "the page whose path is printed", "results/report/report.html"),
]


def run(params: Params, args: Arguments) -> None:
    from alpha import show, tried

    show.run(
        evaluation=args.evaluation,
        guard=args.guard,
        report=args.report,
        model=args.MODEL,
        tried=tried.count(args.evaluation),
    )
