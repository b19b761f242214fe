"""Whether a dvc.lock is of this checkout: if not, what is rebuilt need not be what it records."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from alpha.core.errors import InputError
from alpha.history.record.cache import md5_of
from alpha.history.record.lock import Stage, related
from alpha.history.verify.flow import Declared


def check(
    root: Path, lock: Path, stages: Mapping[str, Declared], recorded: Mapping[str, Stage]
) -> None:
    """Raises InputError at the first stage, in their order, that was last run with another
    command, other code, data or params than those in `root`, or not on what the others left."""
    makers = {out: name for name, stage in recorded.items() for out in stage.outs if name in stages}

    @cache
    def md5(path: str) -> str | None:
        try:
            return md5_of(root / path)
        except OSError:
            return None

    def stale(name: str, stage: Stage) -> Iterator[str]:
        yield from _declared_otherwise(stages[name], stage)
        for path, entry in stage.deps.items():
            if path in makers:
                if recorded[makers[path]].outs[path].md5 != entry.md5:
                    yield f"it was run on another {path} than stage {makers[path]} left"
            elif any(related(path, out) for out in makers):
                continue
            elif md5(path) != entry.md5:
                yield f"{path} {'is missing' if md5(path) is None else 'has changed since'}"

    for name in stages:
        if name not in recorded:
            what = "it has not been run"
        else:
            what = next(stale(name, recorded[name]), "")
        if what:
            raise InputError(
                f"{lock}: is not of this checkout: stage {name}: {what}; "
                f"run `snakemake --cores all` first"
            )


def _declared_otherwise(stage: Declared, recorded: Stage) -> Iterator[str]:
    if stage.cmd.split() != recorded.cmd.split():
        yield "it was run with another command than dvc.yaml's"
    for what, ours, theirs in (
        ("dependencies", set(stage.deps), set(recorded.deps)),
        ("outputs", set(stage.outs), set(recorded.outs)),
        ("params", set(stage.params), set(recorded.params)),
    ):
        if ours != theirs:
            yield f"{min(ours ^ theirs)} is among its {what} in only one of it and dvc.yaml"
    for key, value in stage.params.items():
        if value != recorded.params[key]:
            yield f"params.yaml's {_first(key, value, recorded.params[key])}"


def _first(key: str, now: Any, then: Any) -> str:
    """Which part of a section has changed."""
    if isinstance(now, dict) and isinstance(then, dict):
        for name in sorted(now.keys() | then.keys(), key=str):
            if name not in now or name not in then:
                return f"{key}.{name} is {'new' if name in now else 'gone'}"
            if now[name] != then[name]:
                return _first(f"{key}.{name}", now[name], then[name])
    return f"{key} is {now!r}, and was {then!r}"
