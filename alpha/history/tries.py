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
from itertools import chain
from pathlib import Path

from alpha.core.errors import InputError
from alpha.history.repository import git, opened

Evaluation = tuple[str, dict[str, str]]  # the digest of its test split; configurations by model
Tried = dict[str, int]  # how many configurations of each model


def count(evaluation: Path, root: Path = Path(".")) -> Tried:
    """How many distinct configurations of each model were tried on the test split of `evaluation`.

    `root` is the folder with dvc.yaml. Without DVC or git only the evaluation at hand counts;
    nothing is counted if there is none, nor what is of an older format, or no longer in DVC's
    cache. Nothing is raised.
    """
    at_hand = _read(evaluation / "details.json")
    tried: dict[str, set[str]] = defaultdict(set)
    for found in [at_hand, *_earlier(evaluation, root)]:
        if at_hand and found and found[0] == at_hand[0]:
            for model, configuration in found[1].items():
                tried[model].add(configuration)
    return {model: len(found) for model, found in tried.items()}


def _read(path: Path) -> Evaluation | None:
    try:
        details = json.loads(path.read_bytes())
        models = details["by_model"].items()
        return details["test_digest"], {name: str(one["configuration"]) for name, one in models}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _earlier(evaluation: Path, root: Path) -> Iterator[Evaluation | None]:
    """What DVC wrote down for this folder, if it can be read."""
    try:
        out = f"{evaluation.resolve().relative_to(root.resolve()).as_posix()}/details.json"
        with opened(root, source=str(root)) as repo:
            cache, runs = repo.cache.local, Path(repo.stage_cache.cache_dir)
    except (ValueError, InputError):
        return
    locks = chain(_versions(root), (path.read_bytes() for path in runs.glob("??/*/*")))
    for md5 in set().union(*(_md5s(lock, out) for lock in locks)):
        yield _read(Path(cache.oid_to_path(md5)))


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
