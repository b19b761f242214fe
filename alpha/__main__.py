"""The words of the command line: each is a module (alpha.core.cli)."""

import gc
import sys
from collections.abc import Sequence

from alpha import __version__
from alpha.core import cli
from alpha.learn.params import MODELS

# In the order in which `alpha --help` lists them.
_STEPS = "simulate label guard split normalize audit train predict evaluate report"
COMMANDS = {
    **{step: f"alpha.{step}" for step in _STEPS.split()},
    "tidy": "alpha.predict.tidy",
    "check": "alpha.check",
    "verify": "alpha.history.verify",
    "show": "alpha.show",
    "diff": "alpha.history.diff",
    "pin": "alpha.guard.pin",
}
# The sections of params.yaml; those of earlier versions with the names of today.
_SECTIONS = """data features simulate label split normalize audit baselines networks trees own seeds
loss train evaluate verdict report"""
SECTIONS = dict.fromkeys((*_SECTIONS.split(), *MODELS), "")
SECTIONS |= {"splits": "split", "normalization": "normalize"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    return cli.main(words, commands=COMMANDS, sections=SECTIONS, version=__version__)


if __name__ == "__main__":
    code = main()
    # The process ends, and a last search for garbage would go through all that was imported.
    gc.freeze()
    sys.exit(code)
