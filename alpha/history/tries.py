"""How many configurations were tried on a test split, as DVC and git remember it.

Counted when someone asks, so that no artifact depends on it: every evaluation in DVC's run
cache, in any version of dvc.lock in git (experiments too), and the one at hand.

dvc.lock is searched as text: to load hundreds of versions by DVC's API takes a minute, as
each has thousands of lines. The run cache has no API.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from alpha.core.errors import InputError
from alpha.history.repository import git, opened


@dataclass(frozen=True)
class Tried:
    """Distinct configurations of each model that were evaluated on one test split, and how
    many evaluations, perhaps on this split, could not be read: of an older format, or not in
    DVC's cache."""

    configurations: dict[str, int]
    unread: int


class _Model(BaseModel):
    configuration: str


class _Evaluation(BaseModel):
    """What counts of a details.json."""

    test_digest: str
    by_model: dict[str, _Model]


def count(evaluation: Path, root: Path = Path(".")) -> Tried:
    """Count the configurations that were tried on the test split of `evaluation`.

    `root` is the folder with dvc.yaml. Without DVC or git only the evaluation at hand counts;
    nothing is counted if there is none. Nothing is raised.
    """
    at_hand = _read(evaluation / "details.json")
    if at_hand is None:
        return Tried({}, 0)
    earlier, unread = _earlier(evaluation, root)
    tried: dict[str, set[str]] = defaultdict(set)
    for one in [at_hand, *earlier]:
        for name, model in one.by_model.items() if one.test_digest == at_hand.test_digest else ():
            tried[name].add(model.configuration)
    return Tried({name: len(found) for name, found in tried.items()}, unread)


def _read(path: Path) -> _Evaluation | None:
    try:
        return _Evaluation.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _earlier(evaluation: Path, root: Path) -> tuple[list[_Evaluation], int]:
    """What DVC wrote down for this folder, and how much that cannot be read may count too."""
    try:
        out = f"{evaluation.resolve().relative_to(root.resolve()).as_posix()}/details.json"
        with opened(root, source=str(root)) as repo:
            cache, runs = repo.cache.local, Path(repo.stage_cache.cache_dir)
    except (ValueError, InputError):
        return [], 0
    lock = root / "dvc.lock"
    test = _test(lock.read_bytes()) if lock.is_file() else set()
    # Whether it may be of the test split at hand. Only git tells which split a run was of.
    may_count: dict[str, bool] = defaultdict(bool)
    for version in _versions(root):
        for md5 in _md5s(version, out):
            may_count[md5] |= not test or bool(test & _test(version))
    for path in runs.glob("??/*/*"):
        for md5 in _md5s(path.read_bytes(), out):
            may_count.setdefault(md5, True)
    found = {md5: _read(Path(cache.oid_to_path(md5))) for md5 in sorted(may_count)}
    unread = sum(may_count[md5] for md5, one in found.items() if one is None)
    return [one for one in found.values() if one is not None], unread


def _md5s(lock: bytes, path: str) -> set[str]:
    """The md5 of `path` wherever the text of a dvc.lock, or of a run in DVC's cache, has it."""
    entry = rb"- path: " + re.escape(path.encode()) + rb"\n(?: +(?!md5:)\w+: .*\n)* +md5: (\w{32})"
    return {md5.decode() for md5 in re.findall(entry, lock)}


def _test(lock: bytes) -> set[str]:
    """The md5 of the test split. As its own stage left it: stages that left the project may tell
    of another."""
    split = re.search(rb"^  split:\n(?:    .*\n| *\n)*", lock, re.MULTILINE)
    return _md5s(split.group(), "results/split/test") if split else set()


def _versions(root: Path) -> list[bytes]:
    """Every version of dvc.lock, of all branches and experiments."""
    # Whole history: without it git leaves out the side of a merge whose version lost.
    words = ("rev-list", "--all", "--full-history", "--objects", "--", "dvc.lock")
    named = [line.split(b" ", 1) for line in git(root, *words).splitlines()]
    blobs = [line[0] for line in named if line[1:] and line[1].endswith(b"dvc.lock")]
    text = git(root, "cat-file", "--batch", stdin=b"\n".join(blobs))
    # Each file comes after a line of git's own.
    return re.split(rb"^[0-9a-f]{40,64} blob \d+\n", text, flags=re.MULTILINE)[1:]
