"""One side of a comparison: a commit, or the workspace, and what is known of its results."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter

from alpha.core import params as core_params
from alpha.core.errors import InputError
from alpha.history import repository

if TYPE_CHECKING:
    from dvc.stage import Stage

WORKSPACE = "workspace"


class Model(BaseModel):
    """The headline of metrics.json, and the flags, where details.json has them."""

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
    `models`, in the ladder's order, are None where there are none, which `absent` says."""

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
    def absent(self) -> str:
        """Why results are not compared."""
        why = f"{self.name} has no results in this format in git, or in DVC's cache"
        if self.name == WORKSPACE:
            fix = "`make run` makes them, `dvc pull` fetches them"
            why = f"the workspace has no results in this format: {fix}"
        elif not self.stages:
            why = f"{self.name} has no dvc.lock: nothing was run in it"
        return f"Not compared: {why}."


def setting(params: dict[str, Any], section: str, key: str) -> Any:
    """A value of params.yaml; None if it is not there, as in an earlier version."""
    found = params.get(section)
    return found.get(key) if isinstance(found, dict) else None


def read(root: Path, rev: str | None) -> Side:
    """The project in `root` as the commit `rev` has it, or as it is. Nothing is fetched.

    Raises InputError if there is no such commit, it has no params.yaml, or dvc.yaml or dvc.lock
    is damaged in it.
    """
    name = rev or WORKSPACE
    with repository.opened(root, rev, source=f"the stages of {name}") as repo:
        path = repo.fs.join(repo.root_dir, "params.yaml")
        if not repo.fs.exists(path):
            raise InputError(f"{name}: has no params.yaml here")
        text = repo.fs.read_text(path, encoding="utf-8")
        params = core_params.parse(text, source=f"params.yaml of {name}")
        stages = {one.name: one for one in repository.pipeline(repo) if repository.was_run(one)}
        outs = repository.made_by(stages.values())

        def result(path: str) -> Any:
            """JSON as it is, as git has it, or as DVC recorded it; ValueError if none has it."""
            with suppress(OSError):
                return json.loads(repo.fs.read_bytes(repo.fs.join(repo.root_dir, path)))
            md5 = outs.get(path)
            file = repository.content(repo, root, path, md5) if md5 else None
            return json.loads(file.read_bytes() if file else b"")

        labels, models = None, None
        with suppress(ValueError, KeyError, TypeError):
            labels = Labels.model_validate(result("results/label/profile.json")["total"])
        with suppress(ValueError):
            models = _METRICS.validate_python(result("results/evaluate/metrics.json"))
            models.pop("best", None)  # one of them once more
        with suppress(ValueError, KeyError, TypeError):
            details = result("results/evaluate/details.json")["by_model"]
            for model, headline in (models or {}).items():
                flags = details[model]["verdict"]["flags"]
                headline.flags = [flag["name"] for flag in flags]
        # By stages that were never run too.
        made = {*repository.made_by(repo.index.stages), str(setting(params, "data", "dir"))}
        sections, code, outdated = dict[str, None](), set[str](), []
        for stage in stages.values():
            sections |= {section: None for section, _, _ in repository.edited_params(stage)}
            deps = {dep.def_path: dep for dep in repository.files(stage)}
            if any(
                outs.get(at, dep.hash_info.value) != dep.hash_info.value for at, dep in deps.items()
            ):
                outdated.append(stage.name)
            for at, dep in deps.items() if rev is None else ():
                if not repository.related(at, made) and dep.workspace_status():
                    code.add(at)
    edited = [f"params {', '.join(sections)}"] * bool(sections) + sorted(code)
    return Side(name, params, stages, outs, labels, models, edited, outdated)
