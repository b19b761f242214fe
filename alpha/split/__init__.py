"""alpha split"""

from typing import Any

from alpha.core.cli import Arguments, Option
from alpha.data.params import Data, Label
from alpha.split.params import Split

SUMMARY = "cut features and labels into train, valid and test by time, with purge and embargo"
OPTIONS = [
    Option("--features", "folder of feature files"),
    Option("--labels", "folder that `alpha label` wrote"),
    Option("--out", "folder for train/, valid/, test/ and summary.json"),
]
MANY_OUTS = True
SECTIONS = {"data": Data, "label": Label, "split": Split}


def command(params: Any, args: Arguments) -> None:
    from alpha.split.run import run

    run(
        params.data,
        params.label,
        params.split,
        features=args.features,
        labels=args.labels,
        out=args.out,
    )
