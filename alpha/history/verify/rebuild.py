"""Run all stages by `dvc repro`, from nothing."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

from alpha.core.errors import InputError

# What would make Python look for the package elsewhere than in the working tree.
_NOT_PASSED_ON = ("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONDONTWRITEBYTECODE")
_FAILED = re.compile(r"ERROR: failed to reproduce '(?:dvc\.yaml:)?(.+?)'")


def rebuild(place: Path, log: Path) -> Generator[str, None, None]:
    """Run the stages of the project in `place`; yield each name as it begins.

    What they print goes to `log`. Raises InputError with a step's last line if it fails.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {key: value for key, value in os.environ.items() if key not in _NOT_PASSED_ON}
    lines: list[str] = []
    # A group of its own, so that all that a command started can be ended with it.
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "dvc", "repro", "--force", "--no-commit"],
        cwd=place,
        env=environment | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        with log.open("w", encoding="utf-8") as printed:
            for line in process.stdout:
                printed.write(line)
                lines.append(line.strip())
                if begun := re.match(r"Running stage '(.+)':", line):
                    yield begun[1]
        if process.wait() != 0:
            raise InputError(_reason(lines))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.stdout.close()
        process.wait()


def _reason(lines: list[str]) -> str:
    """The last line that a step printed, or DVC."""
    for at, line in enumerate(lines):
        if found := _FAILED.match(line):
            said = [one for one in lines[:at] if one and not one.startswith(("> ", "Running "))]
            return f"stage {found[1]} failed: {said[-1] if said else line}"
    return f"dvc repro failed: {next((line for line in reversed(lines) if line), 'silently')}"
