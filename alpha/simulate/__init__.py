"""alpha simulate"""

from typing import Any

from alpha.core.cli import Arguments, Option
from alpha.simulate.params import Simulate

SUMMARY = "write a simulated market: daily feature files, and the oracle beside them"
OPTIONS = [Option("--out", "folder for the feature files; the oracle goes to its subfolder oracle")]
SECTIONS = {"simulate": Simulate}


def command(params: Any, args: Arguments) -> None:
    from alpha.simulate.run import run

    run(params.simulate, out=args.out)
