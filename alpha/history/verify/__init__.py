"""alpha verify"""

import signal
import sys
from pathlib import Path
from typing import Any

from alpha.core.cli import Arguments, Option
from alpha.data.params import Data

SUMMARY = "rebuild everything in a temporary copy, and compare with what dvc.lock records"
OPTIONS = [
    Option("--lock", "the record to compare with", default="dvc.lock"),
    Option("--keep", "a new folder for the git worktree, which then stays", required=False),
]
SECTIONS = {"data": Data}


def command(params: Any, args: Arguments) -> None:
    from alpha.history.verify.run import run

    # As an exception, so that what it started ends with it, and its folder is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    print(run(Path("."), args.lock, data=params.data.dir, keep=args.keep))
