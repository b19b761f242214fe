"""alpha splits"""

from alpha.commands import Arguments, Option
from alpha.params import Params

SUMMARY = "cut features and labels into train, valid and test by time, with purge and embargo"
OPTIONS = [
    Option("--features", "folder of feature files"),
    Option("--labels", "folder that `alpha labels` wrote"),
    Option("--out", "folder for train/, valid/, test/ and summary.json"),
]


def run(params: Params, args: Arguments) -> None:
    from alpha import splits

    splits.run(
        params.data,
        params.label,
        params.splits,
        features=args.features,
        labels=args.labels,
        out=args.out,
    )
