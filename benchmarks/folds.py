"""Folds beside skfolio's: the same rows to train on, and the same paths.

    python -m benchmarks.folds

skfolio is installed by pip into an environment of its own in `--cache`: with what it needs it has
160 MB, too much for every checkout. A row a second. Its purge drops rows of train on both sides of
a test, ours before it, and its embargo comes on top: with ours as long as both the rows are the
same. It holds out no valid: where that is among its tests, its train is ours.
"""

import argparse
import json
import subprocess
import sys
import venv
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from alpha.check import load
from alpha.split import Split
from alpha.split.ranges import KEPT, row_status
from alpha.split.schemes import Scheme, scheme

ROOT = Path(__file__).resolve().parents[1]
PINNED = "skfolio==1.12.2"
NS = 10**9
SIZE = 60  # rows of a group, and of a test
PEER = """
import json, sys
import numpy as np
from skfolio.model_selection import CombinatorialPurgedCV, WalkForward
for line in sys.stdin:
    name, rows, given = json.loads(line)
    cv = {"combinatorial": CombinatorialPurgedCV, "walk": WalkForward}[name](**given)
    found = {"train": [train.tolist() for train, _ in cv.split(np.empty((rows, 1)))]}
    if name == "combinatorial":
        found["paths"] = cv.recombined_paths.T.tolist()
    print(json.dumps(found), flush=True)
"""


def environment(cache: Path) -> Path:
    """The Python of an environment with the peer in it, which is made once."""
    folder = cache / PINNED.replace("==", "-")
    if not (folder / "complete").exists():
        venv.create(folder, clear=True, with_pip=True)
        install = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", PINNED]
        subprocess.run(install, check=True)
        (folder / "complete").touch()
    return folder / "bin" / "python"


def asked(python: Path, *questions: list[Any]) -> list[dict[str, Any]]:
    lines = "\n".join(map(json.dumps, questions))
    done = subprocess.run(
        [python, "-c", PEER], input=lines, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def ours(changes: dict[str, Any], rows: int, horizon: int) -> tuple[Scheme, list[dict[str, Any]]]:
    """The scheme of so many rows, and of each fold the rows of train and of valid, of those that
    have a label."""
    section = load(ROOT / "tests" / "params.yaml").split.model_dump()
    time_ns = np.arange(rows) * NS
    found = scheme(Split.model_validate(section | changes), lambda: [time_ns], max_gap_ns=10**15)
    sound, folds = np.zeros(rows, dtype=np.int8), []
    for fold in found.folds:
        which, status = row_status(time_ns, sound, fold, horizon_ns=horizon * NS)
        name = np.array([*(span.name for span in fold), ""])[which]
        kept = status == KEPT
        folds.append({one: np.flatnonzero((name == one) & kept) for one in ("train", "valid")})
    return found, folds


def combinatorial(python: Path, groups: int, tests: int, horizon: int, embargo: int) -> None:
    rows = groups * SIZE
    given = {"groups": groups, "test_groups": tests}
    changes = {
        "scheme": "combinatorial", "combinatorial": given, "embargo_seconds": horizon + embargo
    }  # fmt: skip
    found, folds = ours(changes, rows, horizon)
    sizes = {"n_folds": groups, "purged_size": horizon, "embargo_size": embargo}
    with_valid, without = asked(
        python,
        ["combinatorial", rows, {**sizes, "n_test_folds": tests + 1}],
        ["combinatorial", rows, {**sizes, "n_test_folds": tests}],
    )
    assert [[block.fold for block in path] for path in found.paths] == without["paths"]
    theirs = dict(zip(combinations(range(groups), tests + 1), with_valid["train"], strict=True))
    for of, fold in zip(combinations(range(groups), tests), folds, strict=True):
        valid = int(fold["valid"][0]) // SIZE
        train = [row for row in theirs[tuple(sorted((*of, valid)))] if row < rows - horizon]
        assert fold["train"].tolist() == train


def walk(python: Path, window: str, horizon: int) -> None:
    spans = {"train": 4 * SIZE, "valid": SIZE, "test": SIZE, "step": SIZE}
    rows = 10 * SIZE + 1
    walking = {"window": window, "days": None, "seconds": spans}
    changes = {"scheme": "walk_forward", "walk_forward": walking, "embargo_seconds": 0}
    _, folds = ours(changes, rows, horizon)
    given = {"test_size": SIZE, "train_size": 4 * SIZE - horizon, "purged_size": horizon}
    [theirs] = asked(python, ["walk", rows - 1, {**given, "expand_train": window == "expanding"}])
    # The last of its tests is the last of ours, of which valid is its test before.
    assert [fold["train"].tolist() for fold in folds] == theirs["train"][:-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "folds")
    python = environment(parser.parse_args().cache)
    for case in ((4, 2, 1, 0), (6, 2, 7, 5), (6, 3, 3, 12), (8, 4, 10, 10)):
        combinatorial(python, *case)
        print(f"combinatorial, groups, test groups, horizon, embargo {case}: the same")
    for window in ("rolling", "expanding"):
        for horizon in (1, 7):
            walk(python, window, horizon)
            print(f"walk forward, {window}, horizon {horizon}: the same")
    return 0


if __name__ == "__main__":
    sys.exit(main())
