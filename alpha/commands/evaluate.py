"""alpha evaluate"""

from alpha.commands import Arguments, Option
from alpha.params import Params

SUMMARY = "what every model is worth on every split, with intervals, and its verdict"
OPTIONS = [
    Option("--features", "folder of feature files, perhaps with an oracle"),
    Option("--models", "folder with a folder for each model and seed, by `alpha train`"),
    Option("--predictions", "the same, by `alpha predict`"),
    Option("--out", "folder for metrics.json, details.json and the plots' CSV files"),
]


def run(params: Params, args: Arguments) -> None:
    from alpha.evaluation import run as evaluation

    evaluation.run(
        params.label,
        params.loss,
        params.evaluate,
        params.verdict,
        features=args.features,
        runs=params.runs,
        models=args.models,
        predictions=args.predictions,
        out=args.out,
    )
