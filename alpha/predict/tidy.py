"""Runs that left the ladder leave the results too: what is evaluated is what params name."""

import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from alpha.core.cli import Arguments, Option
from alpha.learn.params import KINDS, LADDER, run_folder, runs

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
    """Remove from `folders` what is there of models with seeds, those of one's own too, but not
    among the runs `named`: the folder of a seed, such as mlp/2, or of a model, such as mlp. Returns
    what was removed, sorted. The baselines, in one folder, come and go with their one stage."""
    kept = {path for name in named for path in (run_folder(name), run_folder(name).parent)}
    removed = []
    for folder in folders:
        # Known by what steps wrote, as a model's file may be gone.
        written = [*folder.glob("*/*/model.json"), *folder.glob("*/*/inputs.json")]
        for model in {*KINDS["networks"], *KINDS["trees"], *(path.parts[-3] for path in written)}:
            seeds = [path for path in (folder / model).glob("*") if path.name.isdecimal()]
            there = filter(Path.is_dir, seeds if Path(model) in kept else [folder / model])
            removed += [path for path in there if path.relative_to(folder) not in kept]
    for path in removed:
        shutil.rmtree(path)
    return sorted(removed)
