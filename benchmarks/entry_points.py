"""Three entry points, one result: the same bytes, and the same stages after a change, by each.

    python -m benchmarks.entry_points bytes   # each one x cores, from nothing: one set of md5s
    python -m benchmarks.entry_points stages  # for each section of params, what really runs

Both on a miniature market in clones of this checkout (`--folder`, default: a temporary one), of one
fold or, with `--scheme`, of several. `--entry` names some of the entry points.
Exits with 1 where two disagree.
"""

import argparse
import hashlib
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "workflow"))

from checkout import Checkout

# One parameter of each section that has any. The miniature has neither silos nor
# lightgbm, nor raw data: theirs run nothing.
PARAMETERS: dict[str, Any] = {
    "data.exclude": ["^spread"],
    "features.families.spread": "^spread.*",
    "simulate.seed": 7,
    "ingest.levels": 5,
    "label.horizon_seconds": 400,
    "split.embargo_seconds": 900,
    "normalize.clip": 5.0,
    "audit.rows": 10_000,
    "loss.name": "mae",
    "train.learning_rate": 0.01,
    "ridge.penalty": 1.0,
    "mlp.dropout": 0.1,
    "silos.units": 4,
    "lightgbm.num_leaves": 15,
    "evaluate.tries": 10,
    "trade.latency_ms": 50,
    "verdict.leak_skill": 0.5,
    "report.stretch": ["2024-01-02T18:00", "2024-01-02T20:00"],
    "baselines": ["mean", "ridge", "har"],
    "networks": [],
    "trees": ["lightgbm"],
    "seeds": [0, 1],
}

# Several folds of the miniature's two days.
SCHEMES: dict[str, dict[str, Any]] = {
    "holdout": {},
    "walk_forward": {
        "split.walk_forward.days": None,
        "split.walk_forward.seconds": {
            "train": 57600, "valid": 14400, "test": 28800, "step": 28800
        },
        "split.folds": [0, 1, 2],
    },
    "combinatorial": {
        "split.combinatorial": {"groups": 3, "test_groups": 1},
        "split.folds": [0, 1, 2],
    },
}  # fmt: skip


def snakemake(checkout: Checkout, changes: dict[str, Any], *, cores: int = 2) -> set[str]:
    """Edit params.yaml and run Snakemake; the stages that DVC really ran."""
    shutil.rmtree(checkout.folder / "logs", ignore_errors=True)
    checkout.edit(changes)
    checkout.run("snakemake", "--cores", str(cores))
    return checkout.executed()


def repro(checkout: Checkout, changes: dict[str, Any]) -> set[str]:
    """Edit params.yaml and run `dvc repro`."""
    checkout.edit(changes)
    return ran(checkout.run("dvc", "repro"))


def experiment(checkout: Checkout, changes: dict[str, Any]) -> set[str]:
    """`dvc exp run -S` in the workspace."""
    return ran(checkout.run("dvc", "exp", "run", *settings(changes)))


def temporary(checkout: Checkout, changes: dict[str, Any]) -> set[str]:
    """`dvc exp run --temp -S`, and its results brought to the workspace."""
    printed = checkout.run("dvc", "exp", "run", "--temp", "--name", "temporary", *settings(changes))
    checkout.run("dvc", "exp", "apply", "temporary")
    checkout.run("dvc", "exp", "remove", "temporary")
    return ran(printed)


def queued(checkout: Checkout, changes: dict[str, Any], *, jobs: int = 2) -> set[str]:
    """`dvc exp run --queue -S`, beside another experiment if `jobs` is 2; then applied."""
    others = {"other": {"evaluate.tries": 3}} if jobs == 2 else {}
    for name, asked in {"queued": changes, **others}.items():
        checkout.run("dvc", "exp", "run", "--queue", "--name", name, *settings(asked))
    checkout.work_off_queue(jobs=jobs)
    checkout.run("dvc", "exp", "apply", "queued")
    found = ran(checkout.run("dvc", "queue", "logs", "queued"))
    checkout.run("dvc", "queue", "remove", "--all")
    checkout.run("dvc", "exp", "remove", *("queued", *others))
    return found


ENTRY_POINTS: dict[str, Callable[[Checkout, dict[str, Any]], set[str]]] = {
    "snakemake": snakemake,
    "dvc repro": repro,
    "dvc exp run": experiment,
    "dvc exp run --temp": temporary,
    "dvc exp run --queue": queued,
}


def ran(printed: str) -> set[str]:
    """The stages that DVC says it ran."""
    return set(re.findall(r"Running stage '(.+?)':", printed))


def settings(changes: dict[str, Any]) -> list[str]:
    """The changes as arguments of `dvc exp run`."""
    return [word for key, value in changes.items() for word in ("-S", f"{key}={json.dumps(value)}")]


def from_nothing(
    folder: Path, changes: dict[str, Any], entries: list[str] | None
) -> dict[str, dict[str, str]]:
    """Build the miniature by each entry point, in a clone of its own: the md5 of every file."""
    builds: dict[str, Callable[[Checkout], object]] = {
        "snakemake --cores 1": lambda checkout: snakemake(checkout, {}, cores=1),
        "snakemake --cores 2": lambda checkout: snakemake(checkout, {}, cores=2),
        "dvc repro": lambda checkout: repro(checkout, {}),
        "dvc exp run": lambda checkout: experiment(checkout, {}),
        "dvc exp run --temp": lambda checkout: temporary(checkout, {}),
        "dvc queue start -j 1": lambda checkout: queued(checkout, {}, jobs=1),
        "dvc queue start -j 2": lambda checkout: queued(checkout, {}, jobs=2),
    }
    builds = {name: builds[name] for name in entries or builds}
    # What no artifact may depend on is another one each time.
    surroundings = [
        {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"},
        {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
        {"TZ": "America/St_Johns", "LC_ALL": "POSIX", "PYTHONHASHSEED": "random"},
    ]
    found: dict[str, dict[str, str]] = {}
    for entry, build in builds.items():
        started = time.perf_counter()
        checkout = Checkout.clone(folder / entry.replace(" ", "_"), changes)
        checkout.environment |= surroundings[len(found) % len(surroundings)]
        build(checkout)
        found[entry] = checkout.results()
        files = json.dumps(found[entry], sort_keys=True).encode()
        print(
            f"{entry:24} {len(found[entry]):4} files  {hashlib.md5(files).hexdigest()}  "
            f"{time.perf_counter() - started:5.0f} s",
            flush=True,
        )
    return found


def after_changes(
    folder: Path, changes: dict[str, Any], entries: list[str] | None
) -> dict[str, dict[str, set[str]]]:
    """For each of PARAMETERS and each entry point, the stages that run after its change."""
    built = Checkout.clone(folder / "built", changes)
    snakemake(built, {})
    built.commit("built")
    found: dict[str, dict[str, set[str]]] = {parameter: {} for parameter in PARAMETERS}
    for entry in entries or ENTRY_POINTS:
        change = ENTRY_POINTS[entry]
        shutil.copytree(built.folder, folder / entry.replace(" ", "_"), symlinks=True)
        checkout = Checkout(folder / entry.replace(" ", "_"))
        for parameter, value in PARAMETERS.items():
            found[parameter][entry] = change(checkout, {parameter: value})
            checkout.run("git", "checkout", "--quiet", "--force", ".")
            checkout.run("dvc", "checkout", "--quiet", "--force")
            assert "up to date" in checkout.run("dvc", "status")
            print(
                f"{entry:20} {parameter:24} {', '.join(sorted(found[parameter][entry])) or '-'}",
                flush=True,
            )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("bytes", "stages"))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--quick", action="store_true", help="without networks")
    parser.add_argument("--scheme", choices=SCHEMES, default="holdout")
    parser.add_argument("--entry", action="append", help="one of them; may be given again")
    args = parser.parse_args()
    changes = {"split.scheme": args.scheme, **SCHEMES[args.scheme]}
    changes |= {"networks": []} if args.quick else {}
    measure = {"bytes": from_nothing, "stages": after_changes}[args.what]
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(args.folder or Path(scratch), changes, args.entry)
    rows = [found] if args.what == "bytes" else list(found.values())
    same = all(one == next(iter(row.values())) for row in rows for one in row.values())
    print("every entry point gives the same" if same else "the entry points DIFFER")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
