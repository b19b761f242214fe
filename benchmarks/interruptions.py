"""Kill the workflow at random moments, start it again, and compare with a run left alone.

    python -m benchmarks.interruptions [--kills 50] [--seed 0] [--times-each 1] [--folder DIR]

A miniature market in clones of this checkout. Each trial starts one of the entry points from
nothing, kills -9 everything it started or its top process alone (what that had started lives on),
and gives the same command again at once: it must finish, with the md5s of a run left alone in
dvc.lock and in results, with nothing left to do for either engine, nothing half-written, and nobody
alive. Where dvc alone cannot start again, `workflow/scripts/recover.py` is run first, and counted.
Moments are uniform over the duration of a run left alone, from a seed. Exits with 1 if any trial
differs.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "workflow"))

from checkout import Checkout

ENTRY_POINTS = {
    "snakemake": ("snakemake", "--cores", "2"),
    "dvc repro": ("dvc", "repro"),
    "dvc exp run": ("dvc", "exp", "run"),
}
# Half through snakemake, half through dvc, of those every fifth as an experiment.
TURNS = ["snakemake", "dvc repro"] * 4 + ["snakemake", "dvc exp run"]
# Smaller still than the tests' miniature, with one model of each kind that differs: with and
# without TensorFlow.
SMALL = {"baselines": ["mean"], "evaluate.bootstrap.resamples": 100}
MADE = shutil.ignore_patterns("results", "logs", "dvc.lock", "cache", "tmp", ".snakemake")
RECOVER = ("python", "workflow/scripts/recover.py")
# How the lines begin that recover.py prints before Snakemake runs.
OURS = ("removed", ".dvc/", "dvc.lock:", "waiting")
# An orphan ends with its step.
PATIENCE_SECONDS = 120


@dataclass
class Trial:
    """One chain, killed once or more, and what came of it."""

    entry: str
    whom: str
    kills: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    helped: bool = False
    wrong: str = ""


def living(folder: Path) -> list[psutil.Process]:
    """The processes that are at work in a folder, whoever started them."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process)
    return found


def steps(folder: Path) -> list[str]:
    """The steps that are running in a folder, such as `train baselines`."""
    found = set()
    for process in living(folder):
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if words[1:3] == ["-m", "alpha"]:
                what = [
                    Path(words[at + 1]).name
                    for at, word in enumerate(words)
                    if word in ("--kind", "--model", "--models") and words[3] != "evaluate"
                ]
                found.add(" ".join([words[3], *what]))
    return sorted(found)


def kill(process: subprocess.Popen[Any], folder: Path, whom: str) -> None:
    """kill -9 of the process alone, or of all that it started, too."""
    if whom == "top":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
        while others := living(folder):
            for other in others:
                with contextlib.suppress(psutil.Error):
                    other.kill()
    process.wait()


def start(checkout: Checkout, command: tuple[str, ...], log: Path) -> subprocess.Popen[Any]:
    """Start a command in a session of its own; it prints into `log`."""
    with log.open("wb") as out:
        return subprocess.Popen(
            command,
            cwd=checkout.folder,
            env=checkout.environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def interrupted(trial: Trial, checkout: Checkout, log: Path, *, after: float) -> bool:
    """Start the chain and kill it after so many seconds; False if it had finished by then."""
    process = start(checkout, ENTRY_POINTS[trial.entry], log)
    try:
        process.wait(after)
        return False
    except subprocess.TimeoutExpired:
        busy = ", ".join(steps(checkout.folder)) or "between steps"
        kill(process, checkout.folder, trial.whom)
        trial.kills.append(f"{after:.1f} s ({busy})")
        return True


def finish(trial: Trial, checkout: Checkout, log: Path) -> bool:
    """Give the same command again, for dvc after recover.py if need be; whether it succeeded."""
    for attempt in range(2):
        process = start(checkout, ENTRY_POINTS[trial.entry], log)
        succeeded = process.wait() == 0
        printed = log.read_text(errors="replace").splitlines()
        trial.lines += [line for line in printed if line.startswith(OURS) or "cut short" in line]
        if succeeded or attempt == 1 or trial.entry == "snakemake":
            break
        trial.lines += [line for line in printed if line.startswith("ERROR")][-1:]
        trial.lines += checkout.run(*RECOVER).splitlines()
        trial.helped = True
    if not succeeded:
        trial.wrong = f"failed again: {printed[-1] if printed else 'it printed nothing'} ({log})"
    return succeeded


def difference(checkout: Checkout, expected: dict[str, Any]) -> str:
    """What distinguishes a finished chain from one that was left alone; nothing if all is well."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while others := living(checkout.folder):
        if time.monotonic() > patience:
            return f"still alive: {' '.join(others[0].cmdline())}"
        time.sleep(0.2)
    found = md5s(checkout)
    for name in sorted(found | expected):
        if found.get(name) != expected.get(name):
            return f"{name}: {found.get(name)} instead of {expected.get(name)}"
    for path in (checkout.folder / "results").rglob("*.part"):
        return f"{path} is left"
    if "up to date" not in checkout.run("dvc", "status"):
        return "dvc status has something to say"
    if "Nothing to be done" not in checkout.run("snakemake", "--dry-run"):
        return "snakemake has something to do"
    return ""


def md5s(checkout: Checkout) -> dict[str, Any]:
    """The md5 of every file in results, and of every stage's outputs as dvc.lock has them."""
    return {**checkout.results(), **{f"dvc.lock {k}": v for k, v in checkout.outs().items()}}


def fresh(clean: Checkout, folder: Path) -> Checkout:
    """A copy without anything that was made, but for byte-compiled code."""
    shutil.copytree(clean.folder, folder, symlinks=True, ignore=MADE)
    return Checkout(folder)


def left_alone(clean: Checkout, folder: Path) -> tuple[dict[str, float], dict[str, Any]]:
    """The seconds of each entry point without a kill, and the md5s that all of them give."""
    clean.run("snakemake", "--cores", "2")  # compiles
    expected, seconds = md5s(clean), {}
    for entry, command in ENTRY_POINTS.items():
        checkout = fresh(clean, folder / "alone")
        started = time.monotonic()
        checkout.run(*command)
        seconds[entry] = time.monotonic() - started
        wrong = difference(checkout, expected)
        assert not wrong, f"{entry} without a kill: {wrong}"
        print(
            f"{entry:11}  {seconds[entry]:5.1f} s without a kill, {len(expected)} md5s", flush=True
        )
        remove(checkout)
    return seconds, expected


def remove(checkout: Checkout) -> None:
    """The folder, and DVC's notes about it."""
    shutil.rmtree(checkout.folder)
    shutil.rmtree(checkout.environment["DVC_SITE_CACHE_DIR"], ignore_errors=True)


def run(folder: Path, *, kills: int, seed: int, times_each: int) -> list[Trial]:
    """Trials until there were so many kills; a line for each."""
    clean = Checkout.clone(folder / "clean", SMALL)
    seconds, expected = left_alone(clean, folder)
    trials: list[Trial] = []
    while sum(len(trial.kills) for trial in trials) < kills:
        number = len(trials)
        rng = random.Random(f"{seed} {number}")
        entry = TURNS[number % len(TURNS)]
        trial = Trial(entry, ("all", "top")[number // 2 % 2])
        checkout, log = fresh(clean, folder / f"trial-{number}"), folder / f"trial-{number}.log"
        for _ in range(times_each):
            after = rng.uniform(0, seconds[entry] / times_each)
            if not interrupted(trial, checkout, log, after=after):
                break
        if finish(trial, checkout, log):
            trial.wrong = difference(checkout, expected)
        trials.append(trial)
        print(
            f"{number:3}  {entry:11}  killed {trial.whom} at {', '.join(trial.kills) or 'no time'}"
            f"  {'; '.join(trial.lines) or '-'}  {trial.wrong or 'equal'}",
            flush=True,
        )
        if not trial.wrong:
            remove(checkout)
            log.unlink()
    return trials


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--times-each", type=int, default=1, help="kills of one chain")
    parser.add_argument("--folder", type=Path, help="where the clones are made and failures stay")
    arguments = parser.parse_args()
    folder = (arguments.folder or Path(tempfile.mkdtemp(prefix="interruptions-"))).resolve()
    trials = run(
        folder, kills=arguments.kills, seed=arguments.seed, times_each=arguments.times_each
    )
    entries = Counter(trial.entry for trial in trials for _ in trial.kills)
    each = ", ".join(f"{count} of {entry}" for entry, count in entries.items())
    print(
        f"{entries.total()} kills ({each}) in "
        f"{len(trials)} chains: {sum('failed' not in trial.wrong for trial in trials)} finished, "
        f"{sum(not trial.wrong for trial in trials)} with equal md5s; "
        f"recover.py was needed {sum(trial.helped for trial in trials)} times"
    )
    return 1 if any(trial.wrong for trial in trials) else 0


if __name__ == "__main__":
    sys.exit(main())
