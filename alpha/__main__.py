"""The words of the command line: each is a module (alpha.core.cli)."""

import gc
import sys
from collections.abc import Sequence

import alpha.core.interrupt  # noqa: F401
from alpha.core import cli
from alpha.learn.kinds import MODELS

# As `alpha --help` lists them.
GROUPS = {
    "Look at results, as in `alpha show silos`": "show diff experiments verify convert",
    "Check and pin, as in `alpha check`": "check folds pin",
    "Use a model, as in `alpha export --model M --out m.zip`": "score export",
    "Run one step, as in `alpha simulate --out market`": """simulate ingest label guard split
    normalize audit train predict trade evaluate report tidy""",
}
COMMANDS = {word: f"alpha.{word}" for words in GROUPS.values() for word in words.split()}
COMMANDS |= {word: f"alpha.history.{word}" for word in ("diff", "experiments", "verify")}
COMMANDS |= {"pin": "alpha.guard.pin", "tidy": "alpha.predict.tidy"}
COMMANDS |= {"score": "alpha.score.run", "export": "alpha.score.export"}
# The sections of params.yaml.
_SECTIONS = """data features simulate ingest label split normalize audit baselines networks trees
own seeds loss train evaluate trade verdict report"""
SECTIONS = *_SECTIONS.split(), *MODELS


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    return cli.main(words, COMMANDS, GROUPS, sections=SECTIONS)


if __name__ == "__main__":
    code = main()
    # The process ends, and a last search for garbage would go through all that was imported.
    gc.freeze()
    sys.exit(code)
