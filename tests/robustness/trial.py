"""Run a case in processes of its own, and judge what came of it.

This process has imported what commands need, and forks: a case takes no start of Python. It must
never run a command itself, as threads do not survive a fork.
"""

import os
import re
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from tests.robustness.case import LABEL, MARKER, MAX_FILE_MB, Case, Must, write_params

# Of a processor, and of a clock: what waits for nothing to come uses no processor, and what others
# leave of a busy machine may be little.
SECONDS, WAITS = 10, 120
ADDRESS_SPACE = 6 << 30
MOST_BYTES = (MAX_FILE_MB + 500) * 10**6
_BOUNDED = "check", "ingest", "label"
_UNREAD, _MARKED = 3, 4  # exit codes of the oracle


# What most commands need.
_IMPORTED = """blosc2 tables pandas.io.parquet pandas.io.pytables pyarrow.parquet alpha.check
alpha.convert alpha.core.parquet alpha.ingest.run alpha.label.run alpha.normalize.run
alpha.score.run alpha.split.run tests.robustness.oracle"""


class Outcome(StrEnum):
    REFUSED = "refused, one line"
    MARKED = "marked, counted"
    EQUAL = "equal to reference"
    ACCEPTED = "accepted"
    WRONG = "ACCEPTED THOUGH WRONG"
    TRACEBACK = "TRACEBACK"
    HANG = "HANG"
    CHANGED = "ARTIFACT CHANGED"
    MEMORY = "TOO MUCH MEMORY"
    UNFAIR = "REFUSED THOUGH RIGHT"
    UNSAID = "CAUSE NOT SAID"
    UNWRITTEN = "CASE CANNOT BE WRITTEN"


SOUND = Outcome.REFUSED, Outcome.MARKED, Outcome.EQUAL, Outcome.ACCEPTED
# As a run by hand makes them, without a network: these need no TensorFlow.
WHOLE_RUN = (
    LABEL,
    "split --features features --labels results/label/labels --out results/split",
    "normalize --splits results/split --out results/normalize",
    "train --kind baselines --train results/split/0/train --valid results/split/0/valid "
    "--normalization results/normalize/0.json --out results/train/0/baselines",
    "predict --models results/train/0/baselines --splits results/split/0 "
    "--normalization results/normalize/0.json --out results/predict/0/baselines",
    "export --model results/train/0/baselines/ridge --out model.zip",
)


class Ran(NamedTuple):
    """What a process left: its exit code or −signal, its streams, its peak memory in bytes."""

    code: int
    out: str
    err: str
    peak: int


class Found(NamedTuple):
    case: Case
    command: str
    outcome: Outcome
    ran: Ran
    why: str = ""


def forked(work: Callable[[], int | None], folder: Path, *, seconds: float = SECONDS) -> Ran:
    """`work` in a child in `folder`, which the system ends after so many seconds of a processor,
    or when it waited for long, whatever it does."""
    out, err = folder.with_name(f"{folder.name}.out"), folder.with_name(f"{folder.name}.err")
    if not (child := os.fork()):
        code = 1
        try:
            _confine(folder, out, err, seconds)
            code = work() or 0
        except SystemExit as done:
            code = done.code if isinstance(done.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status, used = os.wait4(child, 0)
    texts = (path.read_bytes().decode("utf-8", "replace") for path in (out, err))
    return Ran(os.waitstatus_to_exitcode(status), *texts, used.ru_maxrss * 1024)


def _confine(folder: Path, out: Path, err: Path, seconds: float) -> None:
    os.chdir(folder)
    for path, number in ((out, 1), (err, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number, timer, most in (
        (signal.SIGPROF, signal.ITIMER_PROF, seconds),
        (signal.SIGALRM, signal.ITIMER_REAL, seconds * WAITS / SECONDS),
    ):
        signal.signal(number, signal.SIG_DFL)
        signal.setitimer(timer, most)


def run(command: str, folder: Path, **how: float) -> Ran:
    """One command of alpha in a folder."""
    from alpha.__main__ import main

    return forked(lambda: main(command.split()), folder, **how)


def digest(folder: Path) -> dict[str, str]:
    """What is in a folder, byte for byte."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Bench:
    """A place for trials, with a run by hand whose artifacts they start from."""

    def __init__(self, folder: Path) -> None:
        from tests.robustness.case import frame, save

        _warm_up()
        self.folder, self.sound = folder, folder / "sound"
        self.sound.mkdir()

        def write() -> None:
            write_params(self.sound)
            save(self.sound, frame())
            save(self.sound, frame(start="2024-01-01T00:04:00", seed=1), "b.h5")

        for work in (write, *WHOLE_RUN):
            # Compilers and caches may be cold.
            made = (
                run(work, self.sound, seconds=120)
                if isinstance(work, str)
                else forked(work, self.sound)
            )
            if made.code:
                raise RuntimeError(f"{work}: {made.err}")

    def try_case(self, case: Case) -> list[Found]:
        """What becomes of each command of a case."""
        found = []
        for command in case.commands:
            with self.written(case) as (folder, error):
                if error:
                    found.append(Found(case, command, Outcome.UNWRITTEN, Ran(0, "", "", 0), error))
                else:
                    found.append(_try(case, command, folder))
        return found

    @contextmanager
    def written(self, case: Case) -> Iterator[tuple[Path, str]]:
        """The folder of a case, before any command; and what went wrong, if writing did."""
        folder = self.folder / "case"
        if case.run:
            shutil.copytree(self.sound, folder)
        elif case.must == Must.REFUSE:
            shutil.copytree(self.sound / "results" / "label", folder / "results" / "label")
        else:
            (folder / "results").mkdir(parents=True)

        def write() -> None:
            write_params(folder)
            case.write(folder)

        try:
            made = forked(write, folder, seconds=60)
            yield (
                folder,
                (made.err or f"exit code {made.code}").strip().splitlines()[-1]
                if made.code
                else "",
            )
        finally:
            shutil.rmtree(folder)


@contextmanager
def bench() -> Iterator[Bench]:
    with TemporaryDirectory(prefix="robustness-") as folder:
        yield Bench(Path(folder))


def _try(case: Case, command: str, folder: Path) -> Found:
    before = digest(folder / "results")
    ran = run(command, folder)
    outcome, why = judge(case, command, ran, folder, before)
    return Found(case, command, outcome, ran, why)


def judge(
    case: Case, command: str, ran: Ran, folder: Path, before: dict[str, str]
) -> tuple[Outcome, str]:
    if ran.code in (-signal.SIGALRM, -signal.SIGPROF):
        return Outcome.HANG, f"more than {SECONDS} s of a processor, or {WAITS} s in all"
    if (folder / MARKER).exists():
        return Outcome.WRONG, "a pickle was loaded"
    lines = ran.err.splitlines()
    if ran.code not in (0, 2) or (ran.code == 2 and len(lines) != 1):
        return Outcome.TRACEBACK, (lines or [f"exit code {ran.code}"])[-1]
    if ran.code == 2 and not (lines[0].startswith("alpha ") and lines[0].isprintable()):
        return Outcome.TRACEBACK, f"not printable: {lines[0]!r}"
    word = command.split()[0]
    if ran.peak > MOST_BYTES and word in _BOUNDED:
        return Outcome.MEMORY, f"{ran.peak / 1e6:,.0f} MB"
    if ran.code == 2:
        if digest(folder / "results") != before:
            return Outcome.CHANGED, lines[0]
        if case.must == Must.ACCEPT:
            return Outcome.UNFAIR, lines[0]
        if "which this step would not write" in lines[0]:
            # What it was given was accepted: only the labels of before stood in the way.
            return Outcome.WRONG, lines[0]
        said = re.search(case.says, lines[0], re.IGNORECASE)
        return (Outcome.REFUSED if said else Outcome.UNSAID), lines[0]
    if case.must == Must.REFUSE:
        return Outcome.WRONG, " ".join(ran.out.split())[:200]
    if word != "label" or not case.trusted:
        return Outcome.ACCEPTED, ""
    return _compare(folder)


def _compare(folder: Path) -> tuple[Outcome, str]:
    from tests.robustness.oracle import compare

    told = forked(compare, folder, seconds=60)
    if told.code < 0:  # pandas, or the HDF5 that it has, did not survive the file
        return Outcome.ACCEPTED, ""
    outcomes = {0: Outcome.EQUAL, _UNREAD: Outcome.ACCEPTED, _MARKED: Outcome.MARKED}
    said = [line for line in told.err.splitlines() if "Error" in line or "pandas" in line]
    return outcomes.get(told.code, Outcome.WRONG), " ".join([*said, *told.err.split("\n")[-4:]])


def _warm_up() -> None:
    """Import and compile, and start no thread."""
    for name in _IMPORTED.split():
        import_module(name)
    from alpha.check import Params
    from alpha.ingest.replay import Replay
    from alpha.label.targets import compute
    from tests.robustness.case import params

    times, quotes = np.arange(3) * 10**9, np.ones(3)
    compute(times, quotes, quotes, Params.model_validate(params()).label)
    Replay(grid_ns=10**9, levels=1, max_stale_ns=10**9).advance(0)
