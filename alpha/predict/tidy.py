"""Runs that left the ladder leave the results too: what is evaluated is what params name."""

import shutil
from typing import Any

from alpha.core.cli import Arguments, Option
from alpha.learn.params import LADDER, MODELS

SUMMARY = "remove the results of runs that params no longer name"
OPTIONS = [
    Option("--models", "folder with a folder for each model and seed, by `alpha train`"),
    Option("--predictions", "the same, by `alpha predict`"),
]
SECTIONS = LADDER


def command(params: Any, args: Arguments) -> None:
    for folder in (args.models, args.predictions):
        for kind in sorted(folder.glob("*")):
            if kind.name not in (*MODELS, "baselines"):
                continue
            if kind.name not in {"baselines", *params.networks, *params.trees}:
                shutil.rmtree(kind)
                continue
            for one in sorted(kind.glob("*")):
                if one.name.isdigit() and int(one.name) not in params.seeds:
                    shutil.rmtree(one)
