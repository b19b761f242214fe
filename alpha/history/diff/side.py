"""One side of a comparison: a commit, or the workspace, and what is known of its results."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from alpha.core.errors import InputError
from alpha.history.record import document, git, lock
from alpha.history.record.lock import Stage
from alpha.history.record.recorded import Original, at_hand

LABELS = "results/label"
DETAILS = "results/evaluate/details.json"
_WORKSPACE = "workspace"


class _Part(BaseModel):
    """What counts here of a file that may be of an older format."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Skill(_Part):
    mean: float | None
    low: float | None = None
    high: float | None = None


class _Split(_Part):
    skill: Skill


class _Flag(_Part):
    name: str


class _Verdict(_Part):
    name: str
    flags: list[_Flag]


class Model(_Part):
    splits: dict[str, _Split]
    verdict: _Verdict

    @property
    def skill(self) -> Skill:
        """On test."""
        split = self.splits.get("test")
        return split.skill if split else Skill(mean=None)

    @property
    def flags(self) -> list[str]:
        return [flag.name for flag in self.verdict.flags]


class Evaluation(_Part):
    models: list[str]
    by_model: dict[str, Model]


class _Total(_Part):
    rows: int
    status: dict[str, int]  # rows by status code; 0 is labelled
    zero_share: float | None
    quantiles: dict[str, float] | None  # by level, in units of the outcome


class Labels(_Part):
    """The label's distribution over all days. None where no row is labelled."""

    total: _Total


@dataclass(frozen=True)
class Side:
    """`labels` and `evaluation` are None where `missing` says why, by their name."""

    name: str
    params: dict[str, Any]
    stages: dict[str, Stage]
    labels: Labels | None
    evaluation: Evaluation | None
    missing: dict[str, str]

    @property
    def called(self) -> str:
        """In a sentence."""
        return _called(self.name)

    @property
    def target(self) -> str:
        """What is predicted; nothing where params do not say."""
        label = self.params.get("label")
        return str(label.get("target", "")) if isinstance(label, dict) else ""


def of_commit(root: Path, rev: str) -> Side:
    """The project in `root` as the commit `rev` has it, with the results that DVC recorded in
    it. Raises InputError if there is no such commit, or it has no params.yaml."""
    params = git.show(root, rev, "params.yaml")
    if params is None:
        raise InputError(f"{rev}: has no params.yaml here")
    recorded = git.show(root, rev, "dvc.lock")
    stages = {} if recorded is None else lock.parse(recorded, f"dvc.lock of {rev}")
    original = Original(root)
    absent = f"{rev} has no dvc.lock: nothing was run in it"
    fetch = "are not in DVC's cache: `dvc fetch --all-commits` brings them"
    return _side(
        rev,
        _params(params, f"params.yaml of {rev}"),
        stages,
        lambda path: original.read(path, stages),
        absent=absent if recorded is None else f"the results of {rev} {fetch}",
    )


def of_workspace(root: Path) -> Side:
    """The files of `root` as they are. Raises InputError if there is no params.yaml."""
    path = root / "params.yaml"
    try:
        params = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    lock_path = root / "dvc.lock"
    stages = lock.read(lock_path) if lock_path.is_file() else {}
    original = Original(root)

    def read(path: str) -> bytes | None:
        found = at_hand(root / path)
        return original.read(path, stages) if found is None else found

    return _side(
        _WORKSPACE,
        _params(params, str(path)),
        stages,
        read,
        absent="the workspace has no results: `make run` makes them, `dvc pull` fetches them",
    )


def _called(name: str) -> str:
    return f"the {name}" if name == _WORKSPACE else name


def _side(
    name: str,
    params: dict[str, Any],
    stages: dict[str, Stage],
    read: Callable[[str], bytes | None],
    *,
    absent: str,
) -> Side:
    missing = {}
    labels, evaluation = _labels(read), None
    if labels is None:
        missing["labels"] = absent
    text = read(DETAILS)
    if text is None:
        missing["evaluation"] = absent
    else:
        try:
            evaluation = Evaluation.model_validate_json(text)
        except ValidationError:
            missing["evaluation"] = f"the evaluation of {_called(name)} is of another format"
    return Side(name, params, stages, labels, evaluation, missing)


def _labels(read: Callable[[str], bytes | None]) -> Labels | None:
    """What the labels step left: a profile, or the summary that all versions leave. None if
    there is neither."""
    for name in ("profile.json", "summary.json"):
        try:
            return Labels.model_validate_json(read(f"{LABELS}/{name}") or b"")
        except ValidationError:
            continue
    return None


def _params(text: bytes, source: str) -> dict[str, Any]:
    content = document.load(text, source)
    if not isinstance(content, dict):
        raise InputError(f"{source}: must hold sections of params, found {type(content).__name__}")
    return content
