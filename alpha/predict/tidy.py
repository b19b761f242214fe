"""Runs that left the ladder leave the results too: what is evaluated is what params name."""

import re
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from alpha.core.cli import Arguments, Option
from alpha.learn.params import LADDER, MODELS, runs

SUMMARY = "remove the results of runs that params no longer name"
OPTIONS = [
    Option("--models", "folder with a folder for each model and seed, by `alpha train`"),
    Option("--predictions", "the same, by `alpha predict`"),
]
SECTIONS = LADDER


def command(params: Any, args: Arguments) -> None:
    for path in run(runs(params), folders=(args.models, args.predictions)):
        print(f"removed {path}: params name no such run")


_RUN = re.compile(rf"({'|'.join(MODELS)})-\d+")


def run(named: Collection[str], *, folders: Iterable[Path]) -> list[Path]:
    """Remove from `folders` every folder of a run, such as mlp-2, that is not among `named`.

    Anything else is left alone. A removed run comes back from DVC's cache when params name it
    again. Returns what was removed, sorted.
    """
    left = sorted(
        path
        for folder in folders
        if folder.is_dir()
        for path in folder.iterdir()
        if _RUN.fullmatch(path.name) and path.name not in named
    )
    for path in left:
        shutil.rmtree(path)
    return left
