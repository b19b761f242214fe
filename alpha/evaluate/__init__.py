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
    Option("--splits", "folder that `alpha split` wrote: its paths.json says what folds there are"),
    Option("--models", "folder with a folder for each fold, model and seed, by `alpha train`"),
    Option("--predictions", "the same, by `alpha predict`"),
    Option("--trade", "folder that `alpha trade` wrote, for its figures.csv", required=False),
    Option("--out", "folder for figures.csv, details.json, metrics.json and the plots' files"),
]
SECTIONS = {"label": Label, "loss": Loss, "evaluate": Evaluate, "verdict": Verdict} | LADDER


def command(params: Any, args: Arguments) -> None:
    from alpha.evaluate.run import run

    names = "features", "audit", "splits", "models", "predictions", "trade", "out"
    paths = {name: getattr(args, name) for name in names}
    sections = params.label, params.loss, params.evaluate, params.verdict
    run(*sections, runs=runs(params), **paths)
