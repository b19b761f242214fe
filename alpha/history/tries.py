"""How many configurations were tried on a test split, as DVC and git remember it.

Counted when someone asks, so that no artifact depends on it: every evaluation in DVC's run
cache, in any version of dvc.lock in git (experiments too), and the one at hand.

dvc.lock is searched as text: to load hundreds of versions by DVC's API takes a minute, as
each has thousands of lines. The run cache has no API.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alpha.core.errors import InputError
from alpha.history.repository import git, opened

Evaluation = tuple[str, dict[str, str]]  # the digest of its test split; configurations by model


@dataclass(frozen=True)
class Tried:
    """Distinct configurations of each model that were evaluated on one test split, and how
    many evaluations in DVC's run cache, perhaps on this split, could not be read: of an older
    format, or no longer in DVC's cache. A clone has no run cache, and what it lacks of git's
    history is not worth a word."""

    configurations: dict[str, int]
    unread: int


def count(evaluation: Path, root: Path = Path(".")) -> Tried:
    """Count the configurations that were tried on the test split of `evaluation`.

    `root` is the folder with dvc.yaml. Without DVC or git only the evaluation at hand counts;
    nothing is counted if there is none. Nothing is raised.
    """
    at_hand = _read(evaluation / "details.json")
    if at_hand is None:
        return Tried({}, 0)
    tried: dict[str, set[str]] = defaultdict(set)
    unread = 0
    for found, ran_here in [(at_hand, True), *_earlier(evaluation, root)]:
        unread += found is None and ran_here
        if found and found[0] == at_hand[0]:
            for model, configuration in found[1].items():
                tried[model].add(configuration)
    return Tried({model: len(found) for model, found in tried.items()}, unread)


def _read(path: Path) -> Evaluation | None:
    try:
        details = json.loads(path.read_bytes())
        models = details["by_model"].items()
        return details["test_digest"], {name: str(one["configuration"]) for name, one in models}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _earlier(evaluation: Path, root: Path) -> Iterator[tuple[Evaluation | None, bool]]:
    """What DVC wrote down for this folder, if it can be read; and whether the run cache has it."""
    try:
        out = f"{evaluation.resolve().relative_to(root.resolve()).as_posix()}/details.json"
        with opened(root, source=str(root)) as repo:
            cache, runs = repo.cache.local, Path(repo.stage_cache.cache_dir)
    except (ValueError, InputError):
        return
    committed = {md5 for version in _versions(root) for md5 in _md5s(version, out)}
    ran = {md5 for path in runs.glob("??/*/*") for md5 in _md5s(path.read_bytes(), out)}
    for md5 in committed | ran:
        yield _read(Path(cache.oid_to_path(md5))), md5 in ran


def _md5s(lock: bytes, path: str) -> set[str]:
    """The md5 of `path` wherever the text of a dvc.lock, or of a run in DVC's cache, has it."""
    entry = rb"- path: " + re.escape(path.encode()) + rb"\n(?: +(?!md5:)\w+: .*\n)* +md5: (\w{32})"
    return {md5.decode() for md5 in re.findall(entry, lock)}


def _versions(root: Path) -> list[bytes]:
    """Every version of dvc.lock, of all branches and experiments."""
    # Whole history: without it git leaves out the side of a merge whose version lost.
    words = ("rev-list", "--all", "--full-history", "--objects", "--", "dvc.lock")
    named = [line.split(b" ", 1) for line in git(root, *words).splitlines()]
    blobs = [line[0] for line in named if line[1:] and line[1].endswith(b"dvc.lock")]
    text = git(root, "cat-file", "--batch", stdin=b"\n".join(blobs))
    # Each file comes after a line of git's own.
    return re.split(rb"^[0-9a-f]{40,64} blob \d+\n", text, flags=re.MULTILINE)[1:]
