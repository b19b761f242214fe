"""alpha evaluate"""

from typing import Any

from alpha.core.cli import Arguments, Option
from alpha.data.params import Label
from alpha.evaluate.params import Evaluate, Verdict
from alpha.learn.params import LADDER, Loss, runs

SUMMARY = "what every model is worth on every split, with intervals, and its verdict"
OPTIONS = [
    Option("--features", "folder of feature files, perhaps with an oracle"),
    Option("--audit", "folder that `alpha audit` wrote: its leaks count in the verdicts"),
    Option("--models", "folder with a folder for each model and seed, by `alpha train`"),
    Option("--predictions", "the same, by `alpha predict`"),
    Option("--out", "folder for figures.csv, details.json, metrics.json and the plots' files"),
]
SECTIONS = {"label": Label, "loss": Loss, "evaluate": Evaluate, "verdict": Verdict} | LADDER


def command(params: Any, args: Arguments) -> None:
    from alpha.evaluate.run import run

    run(
        params.label,
        params.loss,
        params.evaluate,
        params.verdict,
        features=args.features,
        audit=args.audit,
        runs=runs(params),
        models=args.models,
        predictions=args.predictions,
        out=args.out,
    )
