"""alpha predict"""

from typing import Any

from alpha.core.cli import Arguments, Option

SUMMARY = "predict every row of every split with trained models"
OPTIONS = [
    Option("--models", "a folder that `alpha train` wrote, or one that holds such folders"),
    Option("--splits", "folder of the splits"),
    Option("--normalization", "the contract that `alpha normalize` wrote"),
    Option("--out", "folder for train.h5, valid.h5, test.h5 and inputs.json of each model"),
]
SECTIONS: dict[str, Any] = {}


def command(params: Any, args: Arguments) -> None:
    from alpha.predict.run import run

    run(models=args.models, splits=args.splits, normalization=args.normalization, out=args.out)
