"""Folds and runs that left params leave the results too: what is evaluated is what params name."""

import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from pydantic import create_model

from alpha.core.cli import Arguments, Option
from alpha.learn.params import LADDER, run_folder, runs

SUMMARY = "remove the results of folds and runs that params no longer name"
OPTIONS = [
    Option("--models", "the folder of all that `alpha train` wrote"),
    Option("--predictions", "the same, by `alpha predict`"),
]
SECTIONS = LADDER | {"split": create_model("Split", folds=(tuple[int, ...], ...))}


def command(params: Any, args: Arguments) -> None:
    folders = args.models, args.predictions
    for path in run(runs(params), params.split.folds, folders=folders):
        print(f"removed {path}: params name no such fold or run")


def run(named: Collection[str], folds: Collection[int], *, folders: Iterable[Path]) -> list[Path]:
    """Remove from `folders` what steps wrote there of a fold that is not among `folds`, its folder,
    such as 3, or of models with seeds but not of the runs `named`: the folder of a seed, such as
    0/mlp/2, or of a model, such as 0/mlp. Returns what was removed, sorted. The baselines, in one
    folder, come and go with their one stage."""
    kept = {path for name in named for path in (run_folder(name), run_folder(name).parent)}
    removed = set()
    for folder in folders:
        for path in (*folder.glob("*/*/*/model.json"), *folder.glob("*/*/*/inputs.json")):
            seed, model, fold, *_ = path.parents
            if fold.name.isdecimal() and int(fold.name) not in folds:
                removed.add(fold)
            elif (fold.name + seed.name).isdecimal() and seed.relative_to(fold) not in kept:
                removed.add(seed if model.relative_to(fold) in kept else model)
    for path in removed:
        shutil.rmtree(path, ignore_errors=True)  # another job may be at it
    return sorted(removed)
