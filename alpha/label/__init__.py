"""alpha label"""

from typing import Any

from alpha.core.cli import Arguments, Option
from alpha.data.params import Data, Label

SUMMARY = "label each row with the outcome of its look-ahead window"
OPTIONS = [
    Option("--features", "folder of feature files"),
    Option("--out", "folder for labels/, with files of the same names, and profile.json"),
]
SECTIONS = {"data": Data, "label": Label}


def command(params: Any, args: Arguments) -> None:
    from alpha.label.run import run

    run(params.data, params.label, features=args.features, out=args.out)
