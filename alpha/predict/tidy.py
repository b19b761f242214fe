"""Runs that left the ladder leave the results too: what is evaluated is what params name."""

import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from alpha.core.cli import Arguments, Option
from alpha.learn.params import LADDER, run_folder, runs

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
    """Remove from `folders` what steps wrote there of models with seeds but not of the runs
    `named`: the folder of a seed, such as mlp/2, or of a model, such as mlp. Returns what was
    removed, sorted. The baselines, in one folder, come and go with their one stage."""
    kept = {path for name in named for path in (run_folder(name), run_folder(name).parent)}
    removed = set()
    for folder in folders:
        for path in (*folder.glob("*/*/model.json"), *folder.glob("*/*/inputs.json")):
            seed = path.parent
            if seed.name.isdecimal() and seed.relative_to(folder) not in kept:
                model = seed.parent
                removed.add(seed if model.relative_to(folder) in kept else model)
    for path in removed:
        shutil.rmtree(path)
    return sorted(removed)
