"""alpha simulate"""

from alpha.commands import Arguments, Option
from alpha.params import Params

SUMMARY = "write a simulated market: daily feature files, and the oracle beside them"
OPTIONS = [Option("--out", "folder for the feature files; the oracle goes to its subfolder oracle")]


def run(params: Params, args: Arguments) -> None:
    from alpha import simulate

    simulate.run(params.simulate, out=args.out)
