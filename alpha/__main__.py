"""The words of the command line: each is a module (alpha.core.cli)."""

import gc
import sys
from collections.abc import Sequence

import alpha.core.interrupt  # noqa: F401
from alpha import __version__
from alpha.core import cli
from alpha.learn.params import MODELS

# As `alpha --help` lists them.
GROUPS = {
    "Look at results": "show diff experiments verify",
    "Check and pin": "check pin",
    "Run one step": "simulate label guard split normalize audit train predict evaluate report tidy",
}
COMMANDS = {word: f"alpha.{word}" for words in GROUPS.values() for word in words.split()}
COMMANDS |= {word: f"alpha.history.{word}" for word in ("diff", "experiments", "verify")}
COMMANDS |= {"pin": "alpha.guard.pin", "tidy": "alpha.predict.tidy"}
# What an argument could be, or that of one command, so that each has an example that runs.
EXAMPLES = {
    "show MODEL": "silos", "diff FROM": "HEAD~1", "verify --keep": "/tmp/copy", "--out": "/tmp/out",
    "--features": "results/simulate", "--labels": "results/label", "--pins": "pins",
    "split --labels": "results/label/labels", "audit --labels": "results/label/labels",
    "--splits": "results/split", "--train": "results/split/train", "--valid": "results/split/valid",
    "--normalization": "results/normalize/contract.json", "train --model": "ridge",
    "train --seed": "0", "--models": "results/train", "--predictions": "results/predict",
    "--audit": "results/audit", "--guard": "results/guard", "--evaluation": "results/evaluate",
}  # fmt: skip
# The sections of params.yaml; those of earlier versions with the names of today.
_SECTIONS = """data features simulate label split normalize audit baselines networks trees own seeds
loss train evaluate verdict report"""
SECTIONS = dict.fromkeys((*_SECTIONS.split(), *MODELS), "")
SECTIONS |= {"splits": "split", "normalization": "normalize"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    commands = cli.Commands(COMMANDS, GROUPS, EXAMPLES, __version__)
    return cli.main(words, commands, sections=SECTIONS)


if __name__ == "__main__":
    code = main()
    # The process ends, and a last search for garbage would go through all that was imported.
    gc.freeze()
    sys.exit(code)
