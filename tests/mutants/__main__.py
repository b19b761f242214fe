"""Mutation tests: silent bugs that a tired colleague could write, a patch each, and the test that
must fail with it. A patch begins with a sentence that says what is wrong, and that test:

    Rows whose window reaches the next split are kept.
    Killed by: tests/test_split.py::test_no_window_of_a_kept_row_reaches_into_another_split

    python -m tests.mutants              # all of them
    python -m tests.mutants split label  # those whose names begin so
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
KILLED, SURVIVED = "killed", "SURVIVED"
# By pytest's exit code; any other says that the test did not run.
_OUTCOMES = {0: SURVIVED, 1: KILLED}
_ELSEWHERE = 9
# What is tested must be the package of the copy, whichever is installed.
_PYTEST = f"""
import pathlib, sys, alpha, pytest
here = pathlib.Path(alpha.__file__).is_relative_to(pathlib.Path.cwd())
sys.exit(pytest.main(sys.argv[1:]) if here else {_ELSEWHERE})
"""


class Mutant(NamedTuple):
    name: str
    patch: Path
    what: str
    test: str


def read(folder: Path = FOLDER) -> list[Mutant]:
    """The patches of a folder by name. Raises ValueError for one without its two lines."""
    found = []
    for path in sorted(folder.glob("*.patch")):
        head = re.match(r"(\S.*\.)\nKilled by: (\S+)\n--- ", path.read_text(encoding="utf-8"))
        if head is None:
            raise ValueError(f"{path}: must begin with a sentence and `Killed by: TEST`")
        found.append(Mutant(path.stem, path, *head.groups()))
    return found


def apply(mutant: Mutant, tree: Path, *options: str) -> bool:
    """Whether git could apply a patch to a tree; a line of context must be as it was."""
    command = ["git", "apply", "-C1", *options, str(mutant.patch)]
    # A repository around the tree would make git leave out what is beyond its own folder.
    env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    return not subprocess.run(command, cwd=tree, env=env, capture_output=True).returncode


def copy_tree(into: Path) -> Path:
    """What git tracks of the project, as it is in the working tree."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.split("\0"):
        if (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, into / name)
    return into


def run_tests(tests: Sequence[str], tree: Path) -> subprocess.CompletedProcess:
    """What pytest said, and its exit code, or that the package was not the tree's."""
    options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    command = [sys.executable, "-c", _PYTEST, *options, *tests]
    # Python looks at whole seconds of a source's time, and numba not at what a pass calls: neither
    # may find what it compiled before a patch.
    with TemporaryDirectory() as cache:
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "NUMBA_CACHE_DIR": cache}
        return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)


def judge(mutant: Mutant, tree: Path) -> str:
    """What became of a mutant in a copy of the project, which is as it was afterwards."""
    if not apply(mutant, tree):
        return "DOES NOT APPLY"
    code = run_tests([mutant.test], tree).returncode
    if not apply(mutant, tree, "--reverse"):
        raise RuntimeError(f"{mutant.patch}: cannot be taken back")
    return _OUTCOMES.get(code, f"DID NOT RUN (code {code})")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("names", nargs="*", help="beginnings of names (default: all)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    given = parser.parse_args()
    mutants = [one for one in read() if one.name.startswith(tuple(given.names) or "")]
    with TemporaryDirectory() as folder, ThreadPoolExecutor(given.jobs) as pool:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(given.jobs):
            trees.put(copy_tree(Path(folder).resolve() / str(number)))

        def in_a_copy(what, one):
            tree = trees.get()
            try:
                return what(one, tree)
            finally:
                trees.put(tree)

        tests = sorted({one.test for one in mutants})
        parts = [part for at in range(given.jobs) if (part := tests[at :: given.jobs])]
        for done in pool.map(partial(in_a_copy, run_tests), parts):
            if done.returncode:
                print(done.stdout, done.stderr, "The named tests must pass without any mutant.")
                return 1
        alive = []
        for one, outcome in zip(mutants, pool.map(partial(in_a_copy, judge), mutants), strict=True):
            print(f"{outcome:9} {one.name}: {one.what}", flush=True)
            if outcome != KILLED:
                alive.append(f"{outcome}: {one.name}, by {one.test}")
    print(f"{len(mutants) - len(alive)} of {len(mutants)} mutants killed", *alive, sep="\n")
    return bool(alive)


if __name__ == "__main__":
    sys.exit(main())
