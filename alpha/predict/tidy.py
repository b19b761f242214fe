"""Runs that left the ladder leave the results too: what is evaluated is what params name."""

import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from alpha.core.cli import Arguments, Option
from alpha.learn.params import LADDER, MODELS, kind, run_folder, runs

SUMMARY = "remove the results of runs that params no longer name"
OPTIONS = [
    Option("--models", "the folder of all that `alpha train` wrote"),
    Option("--predictions", "the same, by `alpha predict`"),
]
SECTIONS = LADDER


def command(params: Any, args: Arguments) -> None:
    for path in run(runs(params), folders=(args.models, args.predictions)):
        print(f"removed {path}: params name no such run")


def run(named: Collection[str], *, folders: Iterable[Path]) -> list[Path]:
    """Remove from `folders` every run, such as mlp/2 or baselines/ridge, that is not among `named`,
    and every folder of a model of which none is.

    Anything else is left alone. A removed run comes back from DVC's cache when params name it
    again. Returns what was removed, sorted.
    """
    kept = {parent for name in named for parent in (run_folder(name), run_folder(name).parent)}
    left = [
        folder / run
        for folder in folders
        if folder.is_dir()
        for run in _runs_in(folder)
        if run not in kept and run.parent in {Path(), *kept}
    ]
    for path in left:
        shutil.rmtree(path)
    return sorted(left)


def _runs_in(folder: Path) -> set[Path]:
    """The folders of runs and of models that are there, relative to `folder`."""
    baselines = {Path("baselines", model) for model in MODELS if kind(model) == "baselines"}
    random = {Path(model) for model in MODELS if kind(model) != "baselines"}
    seeds = {
        path.relative_to(folder)
        for model in random
        for path in (folder / model).glob("*")
        if path.name.isdecimal()
    }
    return {path for path in baselines | random | seeds if (folder / path).is_dir()}
