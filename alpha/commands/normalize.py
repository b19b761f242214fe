"""alpha normalize"""

from alpha.commands import Arguments, Option
from alpha.params import Params

SUMMARY = "mean and sigma of each feature over the train split: the normalization contract"
OPTIONS = [
    Option("--train", "the train split's folder"),
    Option("--out", "the contract, a JSON file"),
]


def run(params: Params, args: Arguments) -> None:
    from alpha import normalization

    normalization.run(params.features, params.normalization, train=args.train, out=args.out)
