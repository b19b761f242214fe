"""What the logs of failed jobs say, for people."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from alpha.core.text import one_line

_LAST = 12  # lines of a log, if it has no line of error of our own


def failures(failed: Path) -> Iterator[str]:
    """Of each log that is named in the file `failed`: the step's one line of error, or the last of
    what it printed, such as a traceback's; and where the log is. Nothing if there is no file, as
    where a cluster ended a job without a word."""
    logs = failed.read_text().splitlines() if failed.is_file() else []
    for log in filter(os.path.isfile, dict.fromkeys(logs)):
        text = Path(log).read_bytes().decode(errors="replace")
        lines = [line for line in map(one_line, text.split("\n")) if line]
        lines = [line for line in lines if "failed to repro" not in line]
        ours = [line for line in lines if re.match(r"alpha \w+: error: ", line)]
        for number in re.findall(r"exited with -(\d+)$", text, re.MULTILINE):
            memory = ", as where memory ran out" * (number == "9")
            ours = [f"{log}: ended by signal {number}{memory}"]
        yield from ours[-1:] or ["", *lines[-_LAST:]]
        yield f"({log} has all of it)"
