"""Runs that left the ladder leave the results too: what is evaluated is what params name."""

import re
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from alpha.params import RUNGS

_RUN = re.compile(rf"({'|'.join(RUNGS)})-\d+")


def run(runs: Collection[str], *, folders: Iterable[Path]) -> list[Path]:
    """Remove from `folders` every folder of a run, such as mlp-2, that is not among `runs`.

    Anything else is left alone. A removed run comes back from DVC's cache when params name it
    again. Returns what was removed, sorted.
    """
    left = sorted(
        path
        for folder in folders
        if folder.is_dir()
        for path in folder.iterdir()
        if _RUN.fullmatch(path.name) and path.name not in runs
    )
    for path in left:
        shutil.rmtree(path)
    return left
