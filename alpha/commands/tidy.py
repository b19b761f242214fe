"""alpha tidy"""

from alpha.commands import Arguments, Option
from alpha.params import Params

SUMMARY = "remove the results of runs that params no longer name"
OPTIONS = [
    Option("--models", "folder with a folder for each model and seed, by `alpha train`"),
    Option("--predictions", "the same, by `alpha predict`"),
]


def run(params: Params, args: Arguments) -> None:
    from alpha import tidy

    for path in tidy.run(params.runs, folders=(args.models, args.predictions)):
        print(f"removed {path}: params name no such run")
