"""alpha label"""

from typing import Any

from alpha.core.cli import Arguments, Option, step

SUMMARY = "label each row with the outcome of its look-ahead window"
OPTIONS = [
    Option("--features", "folder of feature files"),
    Option("--out", "folder for labels/, with files of the same names, and profile.json"),
]


def SECTIONS(args: Arguments) -> dict[str, Any]:
    # What live scoring imports of this folder needs no pydantic.
    from alpha.data.params import Data, Label

    return {"data": Data, "label": Label}


command = step("alpha.label.run")
