"""How many configurations were tried on a test split, as DVC and git remember it.

Counted when someone asks, so that no artifact depends on it: every evaluation in DVC's run
cache, in any version of dvc.lock in git (experiments too), and the one at hand. DVC itself is
not imported: its cache is laid out as `runs/ab/<key>/<value>` (a text of one stage's outs)
and `files/md5/ab/<rest>` (their content).
"""

import configparser
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError


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
    evaluations, unread = [at_hand], 0
    cache = _cache(root)
    for md5, of_this_test in sorted(_recorded(evaluation, root, cache).items()):
        earlier = _read(cache / "files" / "md5" / md5[:2] / md5[2:])
        if earlier is None:
            unread += of_this_test
        else:
            evaluations.append(earlier)
    tried: dict[str, set[str]] = defaultdict(set)
    for one in evaluations:
        if one.test_digest == at_hand.test_digest:
            for name, model in one.by_model.items():
                tried[name].add(model.configuration)
    return Tried({name: len(found) for name, found in tried.items()}, unread)


def _read(path: Path) -> _Evaluation | None:
    try:
        return _Evaluation.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _recorded(evaluation: Path, root: Path, cache: Path) -> dict[str, bool]:
    """The md5 of every details.json that DVC wrote down for this folder, and whether it may be
    of the test split at hand: in git it is known not to be where that split is another one."""
    try:
        inside = evaluation.resolve().relative_to(root.resolve())
    except ValueError:
        return {}
    out, test = _entry((inside / "details.json").as_posix()), _entry("results/splits/test")
    try:
        # As the splits step left it: stages that left the project may tell of another.
        at_hand = set(test.findall(_stage((root / "dvc.lock").read_bytes(), b"splits")))
    except OSError:
        at_hand = set()
    found: dict[str, bool] = {}
    for text in (*_run_cache(cache), *_locks(root)):
        tests = set(test.findall(_stage(text, b"splits")))
        same = not at_hand or not tests or bool(at_hand & tests)
        for md5 in out.findall(text):
            found[md5.decode()] = found.get(md5.decode(), False) or same
    return found


def _stage(lock: bytes, name: bytes) -> bytes:
    """The part of a dvc.lock that tells of one stage; all of another text."""
    found = re.search(rb"^  " + name + rb":\n(?:    .*\n| *\n)*", lock, re.MULTILINE)
    return found.group() if found else lock


def _entry(path: str) -> re.Pattern[bytes]:
    """Finds the md5 of a file or folder in a dvc.lock, as text: to parse hundreds of them as
    YAML takes minutes."""
    of_path = rb"- path: " + re.escape(path.encode())
    return re.compile(of_path + rb"\n(?: +(?!md5:)\w+: .*\n)* +md5: ([0-9a-f]{32})(?:\.dir)?\n")


def _cache(root: Path) -> Path:
    """DVC's cache: the folder of cache.dir, which is relative to .dvc, or .dvc/cache."""
    config = configparser.RawConfigParser(strict=False)
    folder = root / ".dvc"
    try:
        config.read((folder / "config", folder / "config.local"), encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return folder / "cache"
    return folder / Path(config.get("cache", "dir", fallback="cache")).expanduser()


def _run_cache(cache: Path) -> Iterator[bytes]:
    for path in cache.glob("runs/??/*/*"):
        try:
            yield path.read_bytes()
        except OSError:
            continue


def _locks(root: Path) -> Iterator[bytes]:
    """Every version of dvc.lock in git, of all branches and experiments."""
    # Whole history: without it git leaves out the side of a merge whose dvc.lock lost.
    commits = _git(root, "rev-list", "--all", "--full-history", "--", "dvc.lock").split()
    names = b"".join(commit + b":./dvc.lock\n" for commit in commits)
    blobs = {
        line.split()[0]
        for line in _git(root, "cat-file", "--batch-check", stdin=names).splitlines()
        if line.split()[1:2] == [b"blob"]
    }
    if blobs:
        text = _git(root, "cat-file", "--batch", stdin=b"".join(blob + b"\n" for blob in blobs))
        # Each file comes after a line of git's own.
        yield from re.split(rb"^[0-9a-f]{40,64} blob \d+\n", text, flags=re.MULTILINE)[1:]


def _git(root: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """What git prints; nothing if there is no git, or no repository."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, input=stdin, capture_output=True)
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""
