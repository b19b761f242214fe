"""What the engines cost: the default run's jobs with steps that take no time, and a run with
nothing to do. Each in a clone of this checkout, in turns, so that other load falls on all alike.

    python -m benchmarks.overhead [--repeats 3]

A job's share is the time of the whole run, from Snakemake's start to its end, less the time of the
same commands without engines, over the number of jobs. Beside it the least that any job or run
must wait for.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "workflow"))

from checkout import ROOT, Checkout, jobs
from dvc.repo import Repo

# Makes a stage's outs: of a folder four small files, and those in it that other stages need.
STEP = """
for out in "$@"; do
  case "$out" in
    *.*) mkdir -p "$(dirname "$out")"; echo "$out" > "$out" ;;
    *) mkdir -p "$out"; for name in a b c d; do echo "$out" > "$out/$name"; done ;;
  esac
  grep "^$out/" needed.txt | while read -r path; do
    mkdir -p "$(dirname "$path")"
    echo "$path" > "$path"
  done
done
"""
# Each job starts DVC. With two at once one waits for the other's lock of DVC, which looks twice a
# second.
JOB_LIMIT, NO_OP_LIMIT = 0.3, 1.5
RUNS = {"snakemake --cores 1": 1, "snakemake --cores 2": 2}
NO_OP = {
    "snakemake with nothing to do": ["snakemake", "--cores", "1"],
    "snakemake --version": ["snakemake", "--version"],
    "dvc status": ["dvc", "status"],
}
LEAST = {
    "python -c pass": ["python", "-c", "pass"],
    "python -c 'import dvc.repo'": ["python", "-c", "import dvc.repo"],
}


def clone(folder: Path, changes: dict[str, Any] | None = None) -> Checkout:
    """The stages of the default run, or of one with other params, with their deps, params and outs,
    whose commands take no time."""
    checkout = Checkout.clone(folder)
    shutil.copy(ROOT / "tests" / "params.yaml", folder)
    checkout.edit(changes or {})
    path, yaml = folder / "dvc.yaml", YAML()
    content = yaml.load(path)
    for stage in content["stages"].values():
        entries = [*stage["outs"], *stage.get("metrics", [])]
        outs = [path for one in entries for path in (one if isinstance(one, dict) else [one])]
        stage["cmd"] = f"sh step.sh {' '.join(outs)}"
    yaml.dump(content, path)
    (folder / "step.sh").write_text(STEP)
    deps = {dep.def_path for stage in Repo(folder).index.stages for dep in stage.deps}
    (folder / "needed.txt").write_text("\n".join(sorted(deps)))
    checkout.commit("steps that take no time")
    return checkout


def seconds(checkout: Checkout, words: list[str]) -> tuple[float, str]:
    """How long a command takes there, and what it says."""
    started = time.perf_counter()
    printed = checkout.run(*words)
    return time.perf_counter() - started, printed


def steps(checkout: Checkout) -> float:
    """How long the commands of all stages take without engines."""
    found = [stage.cmd.split() for stage in Repo(checkout.folder).index.stages]
    return sum(seconds(checkout, words)[0] for words in found)


def from_nothing(checkout: Checkout, cores: int) -> tuple[float, int]:
    """How long a whole run takes where nothing is built, and how many jobs it has."""
    for name in ("results", "logs", ".snakemake", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(checkout.folder / name, ignore_errors=True)
    shutil.rmtree(checkout.environment["DVC_SITE_CACHE_DIR"], ignore_errors=True)
    (checkout.folder / "dvc.lock").unlink(missing_ok=True)
    taken, printed = seconds(checkout, ["snakemake", "--cores", str(cores)])
    return taken, len(jobs(printed))


def line(name: str, each: list[float], unit: str = "s", note: str = "") -> None:
    middle = statistics.median(each)
    print(f"{name:36} {middle:5.2f} {unit:7} ({min(each):.2f} to {max(each):.2f})  {note}".rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as scratch:
        checkout = clone(Path(scratch) / "clone")
        shares: dict[str, list[float]] = {name: [] for name in RUNS}
        for _ in range(repeats):
            alone = steps(checkout)
            for name, cores in RUNS.items():
                whole, count = from_nothing(checkout, cores)
                shares[name].append((whole - alone) / count)
        print(f"{count} jobs, {len((checkout.folder / 'dvc.lock').read_text().splitlines())} lines")
        for name, each in shares.items():
            line(name, each, "s a job", f"limit: {JOB_LIMIT}")
        checkout.run("snakemake", "--cores", "1")
        commands = {**NO_OP, **LEAST}
        measured = [
            {name: seconds(checkout, words)[0] for name, words in commands.items()}
            for _ in range(repeats + 2)
        ]
    for name in commands:
        line(name, [one[name] for one in measured])
    whole, *parts = NO_OP
    ratios = [one[whole] / sum(one[part] for part in parts) for one in measured]
    line("nothing to do, over the two after it", ratios, "", f"limit: {NO_OP_LIMIT}")


if __name__ == "__main__":
    main()
