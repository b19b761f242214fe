"""alpha pin"""

from alpha.commands import Arguments, Option
from alpha.params import Params

SUMMARY = "accept the labels as they are: later ones that differ stop `alpha guard`"
OPTIONS = [
    Option("--labels", "folder that `alpha labels` wrote", "results/labels"),
    Option("--pins", "folder of the pin, labels.json, which is committed", "pins"),
]


def run(params: Params, args: Arguments) -> None:
    from alpha import pin

    pin.run(params.data, params.label, labels=args.labels, pins=args.pins)
