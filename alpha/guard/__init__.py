"""alpha guard"""

from typing import Any

from alpha.core.cli import Arguments, Option

SUMMARY = "stop if labels moved although neither params nor data changed"
OPTIONS = [
    Option("--labels", "folder that `alpha label` wrote"),
    Option("--pins", "folder with the pin, labels.json, if there is one"),
    Option("--out", "folder for passed.json and shift.json"),
]
SECTIONS: dict[str, Any] = {}


def command(params: Any, args: Arguments) -> None:
    from alpha.guard.run import run

    run(labels=args.labels, pins=args.pins, out=args.out)
