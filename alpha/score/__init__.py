"""alpha score"""

from typing import Any

from alpha.core.cli import Arguments, Option, step

SUMMARY = "score every row of feature files, labelled or not, with a trained model"
OPTIONS = [
    Option("--model", "a model that `alpha train` wrote, or that `alpha export` did"),
    Option("--features", "a feature file, or a folder of them"),
    Option("--normalization", "its contract, unless it is among the same results", required=False),
    Option("--out", "FILE.h5 or FILE.parquet for the predictions"),
]


def SECTIONS(args: Arguments) -> dict[str, Any]:
    # A Scorer elsewhere imports this folder too, and needs no pydantic.
    from alpha.data.params import Data

    return {"data": Data}


command = step("alpha.score.run")
