"""alpha diff"""

from pathlib import Path
from typing import Any

from alpha.core.cli import Arguments, Option

SUMMARY = "say what changed between two commits, or a commit and the workspace"
OPTIONS = [
    Option("FROM", "a commit, branch, tag or experiment", "HEAD", type=str, required=False),
    Option("TO", "another; else the workspace", type=str, required=False),
]
SECTIONS: dict[str, Any] = {}


def command(params: Any, args: Arguments) -> None:
    from alpha.history.diff.run import run

    run(Path(), args.FROM, args.TO)
