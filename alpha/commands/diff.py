"""alpha diff"""

from pathlib import Path

from alpha.commands import Arguments, Option
from alpha.params import Params

SUMMARY = "say what changed between two commits, or a commit and the workspace"
OPTIONS = [
    Option("FROM", "a commit, branch, tag or experiment", "HEAD", type=str, required=False),
    Option("TO", "another; else the workspace", type=str, required=False),
]


def run(params: Params, args: Arguments) -> None:
    from alpha import diff

    diff.run(Path(), args.FROM, args.TO, runs=params.runs)
