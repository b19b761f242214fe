"""What differs between two sides: params, code, data, and what was found with them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpha.history.diff.side import Model, Side
from alpha.history.record.cache import md5_of
from alpha.history.record.lock import Entry, Stage, related

ABSENT = object()  # a key that one side does not have


@dataclass(frozen=True)
class Param:
    """A knob, or a section that one side does not have; its dotted key, and both values."""

    key: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Dependency:
    """A file or folder that steps depend on, as each side's runs saw it; None where none did."""

    path: str
    steps: list[str]
    old: Entry | None
    new: Entry | None


@dataclass(frozen=True)
class Results:
    """A model whose verdict or flags changed, or that only one side has."""

    model: str
    old: Model | None
    new: Model | None


@dataclass(frozen=True)
class Move:
    """How far the skill on test of a model of both sides moved."""

    model: str
    old: float
    new: float

    @property
    def size(self) -> float:
        return abs(self.new - self.old)


def params(old: Any, new: Any, key: str = "") -> Iterator[Param]:
    """Every knob that differs, in the order of `new`; what `new` does not have at the end."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*new, *(name for name in old if name not in new)]:
            inner = f"{key}.{name}".lstrip(".")
            yield from params(old.get(name, ABSENT), new.get(name, ABSENT), inner)
    elif old is ABSENT or new is ABSENT or old != new or _kind(old) != _kind(new):
        yield Param(key, old, new)


def _kind(value: Any) -> bool:
    """Python takes True for 1."""
    return isinstance(value, bool)


def code(old: Side, new: Side) -> list[Dependency]:
    """The files and folders of code that differ, by path, with the steps that they belong to."""
    return [one for one in _dependencies(old, new) if not _is_data(one.path, old, new)]


def data(old: Side, new: Side) -> list[Dependency]:
    """The folders of feature files that differ."""
    return [one for one in _dependencies(old, new) if _is_data(one.path, old, new)]


def results(old: Side, new: Side) -> list[str]:
    """The steps whose outputs differ, in their order."""
    before, after = _outs(old.stages), _outs(new.stages)
    return steps(name for name in {**after, **before} if before.get(name) != after.get(name))


def _outs(stages: Mapping[str, Stage]) -> dict[str, dict[str, str]]:
    return {
        name: {path: entry.md5 for path, entry in stage.outs.items()}
        for name, stage in by_step(stages).items()
    }


def stale(side: Side, *, runs: Iterable[str] = ()) -> list[str]:
    """The sections of params that are not those a step was last run with. Of steps of one
    model and seed only those of `runs` count: dvc.lock keeps those that left the project."""
    found: dict[str, None] = {}
    for name, stage in by_step(side.stages).items():
        for section, recorded in stage.params.items() if is_live(name, runs) else ():
            value: Any = side.params
            for part in section.split("."):
                value = value.get(part, ABSENT) if isinstance(value, dict) else ABSENT
            if value != recorded:
                found[section] = None
    return list(found)


def edited(side: Side, root: Path, *, runs: Iterable[str]) -> list[str]:
    """The files and folders of code in `root` that are not those a step was last run with."""
    stages = by_step(side.stages)
    made = _made(stages)
    wanted = {
        (path, entry.md5)
        for name, stage in stages.items()
        for path, entry in stage.deps.items()
        if is_live(name, runs) and not _is_data(path, side) and not _is_made(path, made)
    }
    now = {path: _md5_now(root / path) for path in {path for path, _ in wanted}}
    return sorted({path for path, md5 in wanted if now[path] != md5})


def outdated(side: Side, *, runs: Iterable[str]) -> list[str]:
    """The steps that were last run on other results than the steps before them left since."""
    stages = {name: one for name, one in by_step(side.stages).items() if is_live(name, runs)}
    outs = {path: entry.md5 for stage in stages.values() for path, entry in stage.outs.items()}
    return steps(
        name
        for name, stage in stages.items()
        if any(outs.get(path, entry.md5) != entry.md5 for path, entry in stage.deps.items())
    )


def _md5_now(path: Path) -> str | None:
    try:
        return md5_of(path)
    except OSError:
        return None


def verdicts(old: Side, new: Side) -> tuple[list[Results], Move | None]:
    """The models that were judged otherwise, in the ladder's order, and of the others the one
    whose skill on test moved most. Nothing where a side has no evaluation."""
    if old.evaluation is None or new.evaluation is None:
        return [], None
    before, after = old.evaluation.by_model, new.evaluation.by_model
    changed, moves = [], []
    for name in dict.fromkeys([*new.evaluation.models, *old.evaluation.models]):
        one = Results(name, before.get(name), after.get(name))
        if one.old is None or one.new is None or _judged(one.old) != _judged(one.new):
            changed.append(one)
        elif one.old.skill.mean is not None and one.new.skill.mean is not None:
            moves.append(Move(name, one.old.skill.mean, one.new.skill.mean))
    return changed, max(moves, key=lambda move: move.size, default=None)


def _judged(model: Model) -> tuple[str, list[str]]:
    return model.verdict.name, sorted(model.flags)


def _dependencies(old: Side, new: Side) -> list[Dependency]:
    """What no step makes, and data.dir, where it differs between the runs of the same step."""
    before, after = by_step(old.stages), by_step(new.stages)
    made = _made(before) | _made(after)
    paths: dict[str, Dependency] = {}
    # A step of one side alone says nothing of what changed.
    for name in (name for name in after if name in before):
        was, now = before[name].deps, after[name].deps
        for path in [*was, *(path for path in now if path not in was)]:
            if _md5(was.get(path)) == _md5(now.get(path)):
                continue
            if _is_made(path, made) and not _is_data(path, old, new):
                continue
            names = [*paths[path].steps, name] if path in paths else [name]
            paths[path] = Dependency(path, steps(names), was.get(path), now.get(path))
    return [paths[path] for path in sorted(paths)]


def _made(stages: Mapping[str, Stage]) -> set[str]:
    return {out for stage in stages.values() for out in stage.outs}


def _is_made(path: str, made: set[str]) -> bool:
    return any(related(path, out) for out in made)


def _is_data(path: str, *sides: Side) -> bool:
    """Whether it is data.dir, which a step makes if the market is a simulated one."""
    folders = (side.params.get("data") for side in sides)
    return path in [folder.get("dir") for folder in folders if isinstance(folder, dict)]


def by_step(stages: Mapping[str, Stage]) -> dict[str, Stage]:
    """Stages by step and what it is for: train@mlp-0, whatever kind of model that is. Of several
    the last counts, which is the one that DVC added last."""
    return {_step(name) + "".join(name.partition("@")[1:]): one for name, one in stages.items()}


def is_live(name: str, runs: Iterable[str]) -> bool:
    _, of_one, run = name.partition("@")
    return not of_one or run in runs


def _step(stage: str) -> str:
    return stage.partition("@")[0].partition("_")[0]


def steps(stages: Iterable[str]) -> list[str]:
    """The steps of stages, once each."""
    return list(dict.fromkeys(map(_step, stages)))


def _md5(entry: Entry | None) -> str | None:
    return None if entry is None else entry.md5
