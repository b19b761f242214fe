"""What a running training looks like, epoch by epoch: a line in its log, and DVCLive's files.

DVCLive imports DVC, which looks for a repository, a token and settings of its user. So it runs
in a process of its own, in an empty folder and without their variables: it writes the files of
its folder and nothing else, no call leaves the machine, and what it does cannot reach the random
numbers of the training. A training never fails because of it.
"""

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_LAST_WORDS = 30.0  # seconds that the process has for its last epoch
_THEIR_VARIABLES = ("DVC", "STUDIO_")


@dataclass
class Watcher:
    """Told of every epoch of the training of `name`, which has at most `epochs`."""

    name: str
    epochs: int
    pipe: IO[str] | None = None  # to DVCLive's process

    def __call__(self, figures: Mapping[str, float | None], *, best: int) -> None:
        """`figures` are an epoch's line of the history; `best` is the epoch whose weights would
        be kept now."""
        epoch = figures["epoch"]
        if not sys.stderr.isatty():  # where there is no bar
            losses = f"train {figures['train_loss']:.4f}, valid {figures['valid_loss']:.4f}"
            line = f"{self.name}: epoch {epoch} of {self.epochs}: {losses}, best {best}"
            print(line, file=sys.stderr, flush=True)
        if self.pipe is None:
            return
        known = {name: value for name, value in figures.items() if value is not None}
        try:
            self.pipe.write(json.dumps({**known, "best_epoch": best}) + "\n")
            self.pipe.flush()
        except OSError:
            # It ended, which is said when the training ends.
            self.pipe = None


@contextlib.contextmanager
def watch(name: str, *, epochs: int, folder: Path | None) -> Iterator[Watcher]:
    """Watch a training, and write metrics.json and plots/metrics/*.tsv to `folder` while it runs,
    as DVCLive does, in place of an earlier training's; to nowhere if it is None.

    Where that is not possible, one line on standard error says why, and nothing else happens.
    """
    process = None if folder is None else _started(folder)
    try:
        yield Watcher(name, epochs, None if process is None else process.stdin)
    finally:
        if process is not None and not _ended(process):
            _warn(folder, "DVCLive failed")


def _started(folder: Path) -> subprocess.Popen[str] | None:
    """DVCLive's process; None if it cannot write to `folder`, or is not there."""
    if importlib.util.find_spec("dvclive") is None:
        _warn(folder, "DVCLive is not installed")
        return None
    theirs = tuple(name for name in os.environ if name.startswith(_THEIR_VARIABLES))
    environment = {name: value for name, value in os.environ.items() if name not in theirs}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        return subprocess.Popen(
            # -P: the names of our modules are not to hide others.
            [sys.executable, "-P", __file__, str(folder.resolve())],
            env=environment | {"DVC_STUDIO_OFFLINE": "true", "DVC_NO_ANALYTICS": "true"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError as error:
        _warn(folder, error.strerror or str(error))
        return None


def _ended(process: subprocess.Popen[str]) -> bool:
    """Whether it wrote all that it was told of, before it ended."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        return process.wait(_LAST_WORDS) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def _warn(folder: Path | None, why: str) -> None:
    print(f"no live metrics in {folder}: {why}", file=sys.stderr, flush=True)


def _write(folder: str, lines: IO[str]) -> None:
    """In DVCLive's process: write each epoch's figures as they come."""
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        from dvclive import Live

        with Live(folder, save_dvc_exp=False, dvcyaml=None) as live:
            for line in lines:
                figures = json.loads(line)
                live.step = figures.pop("epoch")
                for name, value in figures.items():
                    live.log_metric(name, value)
                live.next_step()
        os.chdir("/")


if __name__ == "__main__":
    _write(sys.argv[1], sys.stdin)
