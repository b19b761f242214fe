"""One side of a comparison: a commit, or the workspace, and what is known of its results."""

import json
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

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
    from dvc.stage import Stage

WORKSPACE = "workspace"


class Model(BaseModel):
    """The headline of metrics.json, and the flags, where details.json has them."""

    model_config = ConfigDict(frozen=True)

    verdict: str
    skill_test: float | None
    test_low: float | None = None
    test_high: float | None = None
    flags: list[str] | None = None


class Labels(BaseModel):
    """The label's distribution over all days. None where no row is labelled."""

    rows: int
    status: dict[str, int]  # rows by status code; 0 is labelled
    zero_share: float | None
    quantiles: dict[str, float] | None  # by level, in units of the outcome


_METRICS = TypeAdapter(dict[str, Model])


@dataclass(frozen=True)
class Side:
    """`stages` are those that were run, `outs` the md5 of all that they made. `labels` and
    `models` are None where there are none, which `absent` says."""

    name: str
    params: dict[str, Any]
    stages: "dict[str, Stage]"
    outs: dict[str, str | None]
    labels: Labels | None
    models: dict[str, Model] | None
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

    @property
    def absent(self) -> str:
        if self.name == WORKSPACE:
            fix = "`make run` makes them, `dvc pull` fetches them"
            return f"the workspace has no results in this format: {fix}"
        if not self.stages:
            return f"{self.name} has no dvc.lock: nothing was run in it"
        return f"{self.name} has no results in this format in git, or in DVC's cache"


def is_data(path: str, params: dict[str, Any]) -> bool:
    """Whether it is data.dir, which a stage makes if the market is a simulated one."""
    section = params.get("data")
    return isinstance(section, dict) and path == section.get("dir")


def read(root: Path, rev: str | None) -> Side:
    """The project in `root` as the commit `rev` has it, or as it is. Nothing is fetched.

    Raises InputError if there is no such commit, it has no params.yaml, or dvc.yaml or dvc.lock
    is damaged in it.
    """
    name = rev or WORKSPACE
    with opened(root, rev, source=f"the stages of {name}") as repo:
        path = repo.fs.join(repo.root_dir, "params.yaml")
        if not repo.fs.exists(path):
            raise InputError(f"{name}: has no params.yaml here")
        text = repo.fs.read_text(path, encoding="utf-8")
        params = core_params.parse(text, source=f"params.yaml of {name}")
        stages = {stage.name: stage for stage in pipeline(repo) if was_run(stage)}
        outs = by_path(out for stage in stages.values() for out in stage.outs)

        def result(path: str) -> bytes:
            """As it is, as git has it, or as DVC recorded it; nothing if none has it."""
            with suppress(OSError):
                return repo.fs.read_bytes(repo.fs.join(repo.root_dir, path))
            md5 = outs.get(path)
            file = None if md5 is None else content(repo, root, path, md5)
            return b"" if file is None else file.read_bytes()

        labels, models = _labels(result), _models(result)
        made = [out.def_path for out in repo.index.outs]
        edited = _edited(stages, made, params, code=rev is None)
    outdated = [
        name
        for name, stage in stages.items()
        if any(outs.get(path, md5) != md5 for path, md5 in by_path(files(stage)).items())
    ]
    return Side(name, params, stages, outs, labels, models, edited, outdated)


def _labels(result: Callable[[str], bytes]) -> Labels | None:
    with suppress(ValueError, KeyError, TypeError):
        return Labels.model_validate(json.loads(result("results/label/profile.json"))["total"])
    return None


def _models(result: Callable[[str], bytes]) -> dict[str, Model] | None:
    """In the order of the ladder."""
    try:
        models = _METRICS.validate_json(result("results/evaluate/metrics.json"))
    except ValueError:
        return None
    models.pop("best", None)  # one of them once more
    with suppress(ValueError, KeyError, TypeError):
        details = json.loads(result("results/evaluate/details.json"))["by_model"]
        for name, model in models.items():
            flags = [flag["name"] for flag in details[name]["verdict"]["flags"]]
            models[name] = model.model_copy(update={"flags": flags})
    return models


def _edited(
    stages: "dict[str, Stage]", made: Collection[str], params: dict[str, Any], *, code: bool
) -> list[str]:
    """The sections of params, and the files and folders of code, which are not in `made`, that
    are not those a stage was last run with."""
    sections, paths = dict[str, None](), set[str]()
    for stage in stages.values():
        sections |= {name: None for name, _, _ in edited_params(stage)}
        for dep in files(stage) if code else ():
            path = dep.def_path
            if not is_data(path, params) and not related(path, made) and dep.workspace_status():
                paths.add(path)
    return [f"params {', '.join(sections)}"] * bool(sections) + sorted(paths)
