"""alpha predict"""

from alpha.commands import Arguments, Option
from alpha.params import Params

SUMMARY = "predict every row of every split with a trained model"
OPTIONS = [
    Option("--model", "a folder that `alpha train` wrote"),
    Option("--splits", "folder of the splits"),
    Option("--normalization", "the contract that `alpha normalize` wrote"),
    Option("--out", "folder for train.h5, valid.h5, test.h5 and inputs.json"),
]


def run(params: Params, args: Arguments) -> None:
    from alpha import predict

    predict.run(
        model=args.model,
        splits=args.splits,
        normalization=args.normalization,
        out=args.out,
    )
