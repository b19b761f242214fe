"""One side of a comparison: a commit, or the workspace, and what is known of its results."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from alpha.core import params as core_params
from alpha.core.errors import InputError
from alpha.history.repository import (
    by_path,
    content,
    edited_params,
    files,
    opened,
    pipeline,
    related,
    was_run,
)

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import Stage

WORKSPACE = "workspace"
LABELS = "results/label/profile.json"
METRICS = "results/evaluate/metrics.json"
DETAILS = "results/evaluate/details.json"
BEST = "best"  # in METRICS beside the models: the best of them once more


class _Part(BaseModel):
    """What counts here of a file that may be of an older format."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Model(_Part):
    """The headline of metrics.json, and the flags, where details.json has them."""

    verdict: str
    skill_test: float | None
    test_low: float | None = None
    test_high: float | None = None
    flags: list[str] | None = None


class _Total(_Part):
    rows: int
    status: dict[str, int]  # rows by status code; 0 is labelled
    zero_share: float | None
    quantiles: dict[str, float] | None  # by level, in units of the outcome


class Labels(_Part):
    """The label's distribution over all days. None where no row is labelled."""

    total: _Total


class _Flag(_Part):
    name: str


class _Verdict(_Part):
    flags: list[_Flag]


class _Judged(_Part):
    verdict: _Verdict


class _Details(_Part):
    by_model: dict[str, _Judged]


_Metrics = TypeAdapter(dict[str, Model])


@dataclass(frozen=True)
class Side:
    """`labels` and `models` are None where `missing` says why, by their name. `stages` are those
    that were run."""

    name: str
    params: dict[str, Any]
    stages: "dict[str, Stage]"
    labels: Labels | None
    models: dict[str, Model] | None
    missing: dict[str, str]
    edited: list[str]  # params and code that are not those of the results
    outdated: list[str]  # stages that were run on earlier results

    @property
    def called(self) -> str:
        """In a sentence."""
        return f"the {self.name}" if self.name == WORKSPACE else self.name

    @property
    def target(self) -> str:
        """What is predicted; nothing where params do not say."""
        label = self.params.get("label")
        return str(label.get("target", "")) if isinstance(label, dict) else ""


def is_data(path: str, params: dict[str, Any]) -> bool:
    """Whether it is data.dir, which a stage makes if the market is a simulated one."""
    section = params.get("data")
    return isinstance(section, dict) and path == section.get("dir")


def read(root: Path, rev: str | None) -> Side:
    """The project in `root` as the commit `rev` has it, or as it is. Nothing is fetched.

    Raises InputError if there is no such commit, it has no params.yaml, or dvc.yaml or dvc.lock
    is damaged in it.
    """
    name = rev or "workspace"
    with opened(root, rev, source=f"the stages of {name}") as repo:
        path = repo.fs.join(repo.root_dir, "params.yaml")
        if not repo.fs.exists(path):
            raise InputError(f"{name}: has no params.yaml here")
        text = repo.fs.read_text(path, encoding="utf-8")
        params = core_params.parse(text, source=f"params.yaml of {name}")
        stages = {stage.name: stage for stage in pipeline(repo) if was_run(stage)}
        labels, models = _labels(repo, root, stages), _models(repo, root, stages)
        missing = {}
        if labels is None:
            missing["labels"] = _absent(name, stages)
        if models is None:
            missing["models"] = _absent(name, stages)
        edited = _edited(stages, params, code=rev is None)
    return Side(name, params, stages, labels, models, missing, edited, _outdated(stages))


def _absent(name: str, stages: "dict[str, Stage]") -> str:
    if name == WORKSPACE:
        return "the workspace has no results in this format: `make run` makes them, `dvc pull` fetches them"
    if not stages:
        return f"{name} has no dvc.lock: nothing was run in it"
    return f"{name} has no results in this format in git, or in DVC's cache"


def _labels(repo: "Repo", root: Path, stages: "dict[str, Stage]") -> Labels | None:
    try:
        return Labels.model_validate_json(_text(repo, root, stages, LABELS))
    except ValidationError:
        return None


def _models(repo: "Repo", root: Path, stages: "dict[str, Stage]") -> dict[str, Model] | None:
    """In the order of the ladder."""
    try:
        found = _Metrics.validate_json(_text(repo, root, stages, METRICS))
    except ValidationError:
        return None
    try:
        details = _Details.model_validate_json(_text(repo, root, stages, DETAILS)).by_model
    except ValidationError:
        details = {}
    for name, judged in details.items():
        if name in found:
            flags = [flag.name for flag in judged.verdict.flags]
            found[name] = found[name].model_copy(update={"flags": flags})
    return {name: model for name, model in found.items() if name != BEST}


def _text(repo: "Repo", root: Path, stages: "dict[str, Stage]", path: str) -> bytes:
    """What is in a result: as it is, as git has it, or as DVC recorded it; nothing if none has."""
    with suppress(OSError):
        return repo.fs.read_bytes(repo.fs.join(repo.root_dir, path))
    md5 = by_path(out for stage in stages.values() for out in stage.outs).get(path)
    file = None if md5 is None else content(repo, root, path, md5)
    return b"" if file is None else file.read_bytes()


def _edited(stages: "dict[str, Stage]", params: dict[str, Any], *, code: bool) -> list[str]:
    """The sections of params, and the files and folders of code, that are not those a stage was
    last run with."""
    outs = by_path(out for stage in stages.values() for out in stage.outs)
    sections, paths = dict[str, None](), set[str]()
    for stage in stages.values():
        sections |= {name: None for name, _, _ in edited_params(stage)}
        for dep in files(stage) if code else ():
            path = dep.def_path
            if not is_data(path, params) and not related(path, outs) and dep.workspace_status():
                paths.add(path)
    found = [f"params {', '.join(sections)}", ", ".join(sorted(paths))]
    return [what for what, some in zip(found, (sections, paths), strict=True) if some]


def _outdated(stages: "dict[str, Stage]") -> list[str]:
    """The stages that were last run on other results than the stages before them left since."""
    outs = by_path(out for stage in stages.values() for out in stage.outs)
    return [
        name
        for name, stage in stages.items()
        if any(outs.get(path, md5) != md5 for path, md5 in by_path(files(stage)).items())
    ]
