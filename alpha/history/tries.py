"""How many configurations were tried on a test split, as DVC and git remember it.

Counted when someone asks, so that no artifact depends on it: every evaluation in DVC's run
cache, in any version of dvc.lock in git (experiments too), and the one at hand.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from alpha.history.record import git, lock
from alpha.history.record.cache import Cache


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
    cache = Cache.at(root)
    for md5, of_this_test in sorted(_recorded(evaluation, root, cache).items()):
        earlier = _read(cache.path(md5))
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


def _recorded(evaluation: Path, root: Path, cache: Cache) -> dict[str, bool]:
    """The md5 of every details.json that DVC wrote down for this folder, and whether it may be
    of the test split at hand: in git it is known not to be where that split is another one."""
    try:
        inside = evaluation.resolve().relative_to(root.resolve())
    except ValueError:
        return {}
    out, test = (inside / "details.json").as_posix(), "results/split/test"
    try:
        # As the splits step left it: stages that left the project may tell of another.
        at_hand = lock.find((root / "dvc.lock").read_bytes(), test, stage="splits")
    except OSError:
        at_hand = set()
    found: dict[str, bool] = {}
    for text in (*cache.runs(), *git.versions(root, "dvc.lock")):
        tests = lock.find(text, test, stage="splits")
        same = not at_hand or not tests or bool(at_hand & tests)
        for md5 in lock.find(text, out):
            found[md5] = found.get(md5, False) or same
    return found
