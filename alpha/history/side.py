"""One side of a comparison: a commit, or the workspace, and what is known of its results."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from alpha.core import params as core_params
from alpha.core.errors import InputError
from alpha.guard.words import number
from alpha.history import repository

if TYPE_CHECKING:
    from dvc.output import Output

WORKSPACE = "workspace"
_LABELS = ["rows", "status", "zero_share", "quantiles"]  # of a profile
_HEADLINE = ["verdict", "skill_test", "test_low", "test_high", "flagged"]
_OTHER_FORMAT = (AttributeError, KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class Side:
    """`outs` is the md5 of all that was made, by path, and `deps` of what each stage was made of:
    stage, path, md5 (or "") and size in words, in the order of the pipeline.

    `labels` are figures of all days by name, as quantiles.0.5; `models` a row for each, in the
    ladder's order: verdict, skill_test, its ends, and flags. What is not known of them is NaN.
    They are None where there are none, which `absent` says. `called` is the name in a sentence.
    """

    name: str
    called: str
    params: dict[str, Any]
    outs: dict[str, str | None]
    deps: pd.DataFrame
    labels: pd.Series | None
    models: pd.DataFrame | None
    notes: list[str]  # where results are not those of the params and code beside them

    @property
    def absent(self) -> str:
        """Why results are not compared."""
        why = f"{self.name} has no results in this format in git, or in DVC's cache"
        if self.name == WORKSPACE:
            fix = "`make run` makes them, `dvc pull` fetches them"
            why = f"the workspace has no results in this format: {fix}"
        elif not self.outs:
            why = f"{self.name} has no dvc.lock: nothing was run in it"
        return f"Not compared: {why}."


def setting(params: dict[str, Any], section: str, key: str) -> Any:
    """A value of params.yaml; None if it is not there, as in an earlier version."""
    found = params.get(section)
    return found.get(key) if isinstance(found, dict) else None


def steps(stages: Iterable[str]) -> list[str]:
    """The steps of stages, once each: train for train_networks@mlp-0."""
    return list(dict.fromkeys(name.partition("@")[0].partition("_")[0] for name in stages))


def _size(found: "Output") -> str:
    size = f"{number(found.meta.nfiles or 0, 'file')}, {(found.meta.size or 0) / 1e6:,.1f} MB"
    return f"{size} (md5 {(found.hash_info.value or '')[:7]})"


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
        every = repository.pipeline(repo)
        stages = [stage for stage in every if any(out.hash_info for out in stage.outs)]
        outs = repository.made_by(stages)
        files = [(stage.name, dep) for stage in stages for dep in repository.files(stage)]
        deps = pd.DataFrame(
            [(stage, dep.def_path, dep.hash_info.value or "", _size(dep)) for stage, dep in files],
            columns=["stage", "path", "md5", "size"],
        )

        def result(path: str) -> Any:
            """JSON as it is, as git has it, or as DVC recorded it; ValueError if none has it."""
            with suppress(OSError):
                return json.loads(repo.fs.read_bytes(repo.fs.join(repo.root_dir, path)))
            md5 = outs.get(path)
            file = repository.content(repo, root, path, md5) if md5 else None
            return json.loads(file.read_bytes() if file else b"")

        labels, models = None, None
        with suppress(*_OTHER_FORMAT):
            total = result("results/label/profile.json")["total"]
            labels = pd.json_normalize({key: total[key] for key in _LABELS}).iloc[0].astype(float)
        with suppress(*_OTHER_FORMAT):
            metrics = result("results/evaluate/metrics.json")
            metrics.pop("best", None)  # one of them once more
            flags: dict[str, list[str]] = {}
            with suppress(*_OTHER_FORMAT):
                details = result("results/evaluate/details.json")["by_model"]
                for model in metrics:
                    found = details[model]["verdict"]["flags"]
                    flags[model] = [flag["name"] for flag in found]
            headlines = pd.DataFrame([*metrics.values()], index=[*metrics])
            headlines = headlines.astype({"verdict": str, "skill_test": float})
            models = headlines.assign(flagged=pd.Series(flags)).reindex(columns=_HEADLINE)
        # Not what a stage makes that was never run, either.
        made = {*repository.made_by(every), str(setting(params, "data", "dir"))}
        code = {
            dep.def_path
            for _, dep in files
            if rev is None and not repository.related(dep.def_path, made) and dep.workspace_status()
        }
        sections = {key: None for stage in stages for key, *_ in repository.edited_params(stage)}
    called, fix = name, ""
    if rev is None:
        called, fix = f"the {name}", ": `make run` brings them up to date"
    notes = []
    if edited := [f"params {', '.join(sections)}"] * bool(sections) + sorted(code):
        what = ", ".join(edited)
        notes = [f"The results of {called} were made before edits of {what}{fix}."]
    runs = zip(deps.stage, deps.path, deps.md5, strict=True)
    if outdated := [stage for stage, path, md5 in runs if (outs.get(path, md5) or "") != md5]:
        what = ", ".join(steps(outdated))
        notes.append(f"In {called} these were last run on earlier results: {what}{fix}.")
    return Side(name, called, params, outs, deps, labels, models, notes)
