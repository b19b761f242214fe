"""The command line's words: one file a command, imported only when that command runs.

A step's command is among its stage's dependencies, so that an edit of one command makes no
other step run again. Each file has `SUMMARY`, `OPTIONS`, and `run(params, args)`, which imports
the step and gives it the sections of params it may use, and nothing else of them.
"""

import argparse
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from alpha.params import Params

# In the order in which `alpha --help` lists them.
COMMANDS = (
    "simulate",
    "labels",
    "guard",
    "splits",
    "normalize",
    "train",
    "predict",
    "tidy",
    "evaluate",
    "report",
    "check",
    "verify",
    "show",
    "diff",
    "pin",
)

Arguments = argparse.Namespace


@dataclass(frozen=True)
class Option:
    """One argument: `flag` is --name, or NAME of one that is given by its position. Without a
    default it must be given."""

    flag: str
    what: str
    default: str | None = None
    type: Callable[[str], Any] = Path
    required: bool = True


class Command(Protocol):
    """What each file of this folder is."""

    SUMMARY: str
    OPTIONS: Sequence[Option]

    def run(self, params: Params, args: Arguments) -> None: ...


def command(name: str) -> Command:
    """The command of that name, which must be one of COMMANDS."""
    return cast(Command, importlib.import_module(f"alpha.commands.{name}"))
