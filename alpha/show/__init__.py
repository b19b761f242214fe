"""alpha show"""

from pathlib import Path
from typing import Any

from alpha.core.cli import Arguments, Option

SUMMARY = "print the verdicts of the last evaluation, or the dashboard of one model"
OPTIONS = [
    Option("MODEL", "one model's dashboard", type=str, required=False),
    Option("--evaluation", "folder that `alpha evaluate` wrote", "results/evaluate"),
    Option("--guard", "folder that `alpha guard` wrote", "results/guard"),
    Option("--audit", "folder that `alpha audit` wrote", "results/audit"),
    Option("--report", "the page whose path is printed", "results/report/report.html"),
]
SECTIONS: dict[str, Any] = {}


def command(params: Any, args: Arguments) -> None:
    from alpha.history import repository, tries
    from alpha.show.run import run

    names = "evaluation", "guard", "audit", "report"
    paths = {name: getattr(args, name) for name in names}
    stale = repository.outdated(Path(), f"{args.evaluation}/details.json")
    run(**paths, model=args.MODEL, tried=tries.count(args.evaluation), stale=stale)
