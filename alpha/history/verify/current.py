"""Whether a dvc.lock is of this checkout: if not, what is rebuilt need not be what it records."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from alpha.core.errors import InputError
from alpha.history.diff import compare
from alpha.history.repository import by_path, edited_params, files, related, was_run

if TYPE_CHECKING:
    from dvc.stage import Stage


def check(stages: "list[Stage]", lock: Path) -> None:
    """Raises InputError at the first stage, in their order, that was last run with another
    command, other code, data or params than those beside it, or not on what the others left."""
    if not stages:
        raise InputError("dvc.yaml: must have stages")
    outs = by_path(out for stage in stages for out in stage.outs)
    for stage in stages:
        if what := next(_stale(stage, outs), ""):
            raise InputError(
                f"{lock}: is not of this checkout: stage {stage.name}: {what}; "
                f"run `snakemake --cores all` first"
            )


def _stale(stage: "Stage", outs: dict[str, str | None]) -> Iterator[str]:
    if not was_run(stage):
        yield "it has not been run"
    if stage.cmd_changed:
        yield "it was run with another command than dvc.yaml's"
    for out in stage.outs:
        if not out.hash_info:
            yield f"{out.def_path} is among its outputs in dvc.yaml alone"
    for name, then, now in edited_params(stage):
        first = next(compare.params(then, now, name))
        if first.new is compare.ABSENT:
            yield f"params.yaml's {first.key} is gone"
        if first.old is compare.ABSENT:
            yield f"params.yaml's {first.key} is new"
        yield f"params.yaml's {first.key} is {first.new!r}, and was {first.old!r}"
    for dep in files(stage):
        path = dep.def_path
        if outs.get(path, dep.hash_info.value) != dep.hash_info.value:
            yield f"it was run on another {path} than an earlier stage left"
        elif not related(path, outs) and dep.workspace_status():
            yield f"{path} {'has changed since' if dep.exists else 'is missing'}"
