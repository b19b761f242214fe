"""alpha predict"""

from typing import Any

from alpha.core.cli import Arguments, Option

SUMMARY = "predict every row of every split with a trained model"
OPTIONS = [
    Option("--models", "folder of folders that `alpha train` wrote"),
    Option("--splits", "folder of the splits"),
    Option("--normalization", "the contract that `alpha normalize` wrote"),
    Option("--out", "folder for train.h5, valid.h5, test.h5 and inputs.json"),
]
SECTIONS: dict[str, Any] = {}


def command(params: Any, args: Arguments) -> None:
    from alpha.predict.run import run

    from alpha.core.artifacts import whole_folder

    with whole_folder(args.out) as part:
        for model in sorted(args.models.glob("*/model.json")):
            run(
                model=model.parent,
                splits=args.splits,
                normalization=args.normalization,
                out=part / model.parent.name,
            )
