"""alpha guard"""

from alpha.commands import Arguments, Option
from alpha.params import Params

SUMMARY = "stop if labels moved although neither params nor data changed"
OPTIONS = [
    Option("--labels", "folder that `alpha labels` wrote"),
    Option("--pins", "folder with the pin, labels.json, if there is one"),
    Option("--out", "folder for passed.json and shift.json"),
]


def run(params: Params, args: Arguments) -> None:
    from alpha import guard

    guard.run(labels=args.labels, pins=args.pins, out=args.out)
