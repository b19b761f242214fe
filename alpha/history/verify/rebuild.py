"""Run stages' commands in the order that their files ask for, some at a time."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

from alpha.core.errors import InputError
from alpha.history.record.lock import Stage
from alpha.history.verify.flow import makers

# What would make Python look for the package elsewhere than in the copy.
_NOT_PASSED_ON = ("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONDONTWRITEBYTECODE")


def rebuild(
    stages: Mapping[str, Stage],
    place: Path,
    *,
    logs: Path,
    jobs: int,
    same: Callable[[str], bool],
) -> Generator[str, None, None]:
    """Run the stages, which are in order, in the folder `place`, `jobs` at a time; yield each
    name when it has ended and `same(name)` has compared what it made.

    Where that says no, later stages are not begun, but all earlier ones are finished: whichever
    ends first, the same one is found to be the first that differs. What commands print goes to
    a file each in `logs`. Raises InputError with a step's last line if it fails.
    """
    logs.mkdir(parents=True, exist_ok=True)
    waits = {name: set(makers(name, stages)) for name in stages}
    left, ended = list(stages), set[str]()
    running: dict[str, subprocess.Popen] = {}
    with ThreadPoolExecutor(jobs) as pool:
        futures = {}
        try:
            while left or running:
                for name in [name for name in left if waits[name] <= ended]:
                    if len(running) < jobs:
                        left.remove(name)
                        running[name] = _start(stages[name].cmd, place, logs / f"{name}.log")
                        futures[pool.submit(running[name].wait)] = name
                done, _ = wait(futures, return_when=FIRST_COMPLETED)
                for name in sorted(
                    (futures.pop(future) for future in done), key=list(stages).index
                ):
                    code = running.pop(name).returncode
                    if code != 0:
                        raise InputError(f"stage {name} failed: {_reason(logs, name, code)}")
                    ended.add(name)
                    if not same(name):
                        before = list(stages)[: list(stages).index(name)]
                        left = [other for other in left if other in before]
                    yield name
        finally:
            for process in running.values():
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)


def _start(cmd: str, place: Path, log: Path) -> subprocess.Popen:
    python = shlex.quote(sys.executable)
    cmd = re.sub(r"^python(?=\s)", lambda _: python, cmd, flags=re.MULTILINE)
    environment = {key: value for key, value in os.environ.items() if key not in _NOT_PASSED_ON}
    with log.open("wb") as out:
        # A group of its own, so that all that a command started can be ended with it.
        return subprocess.Popen(
            ["/bin/sh", "-ec", cmd],
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _reason(logs: Path, name: str, code: int) -> str:
    """The last line that a step printed, or how it ended."""
    lines = (logs / f"{name}.log").read_text(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    if code < 0:
        return f"it was ended by signal {-code}"
    return said[-1] if said else f"it ended with {code} and said nothing"
