"""alpha labels"""

from alpha.commands import Arguments, Option
from alpha.params import Params

SUMMARY = "label each row with the outcome of its look-ahead window"
OPTIONS = [
    Option("--features", "folder of feature files"),
    Option("--out", "folder for label files of the same names, and profile.json"),
]


def run(params: Params, args: Arguments) -> None:
    from alpha import labels

    labels.run(params.data, params.label, features=args.features, out=args.out)
