"""What differs between two sides: params, code, data, and what was found with them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alpha.history.diff.side import Model, Side, is_data
from alpha.history.repository import by_path, files, related

if TYPE_CHECKING:
    from dvc.output import Output

ABSENT = object()  # a key that one side does not have


@dataclass(frozen=True)
class Param:
    """A parameter, or a section that one side does not have; its dotted key, and both values."""

    key: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Dependency:
    """A file or folder that steps depend on, as each side's runs saw it; None where none did."""

    path: str
    steps: list[str]
    old: "Output | None"
    new: "Output | None"
    is_data: bool  # the folder of feature files; else code


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
    """Every parameter that differs, in the order of `new`; what `new` does not have at the end."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*new, *(name for name in old if name not in new)]:
            inner = f"{key}.{name}".lstrip(".")
            yield from params(old.get(name, ABSENT), new.get(name, ABSENT), inner)
    # Python takes True for 1.
    elif (
        old is ABSENT
        or new is ABSENT
        or old != new
        or isinstance(old, bool) != isinstance(new, bool)
    ):
        yield Param(key, old, new)


def results(old: Side, new: Side) -> bool:
    """Whether any output differs, or is of one side alone."""
    before, after = (
        by_path(out for stage in side.stages.values() for out in stage.outs) for side in (old, new)
    )
    return before != after


def dependencies(old: Side, new: Side) -> list[Dependency]:
    """What no step makes, and data.dir, where it differs between the runs of the same stage; by
    path. A stage of one side alone says nothing of what changed."""
    outs = {
        out.def_path for side in (old, new) for stage in side.stages.values() for out in stage.outs
    }
    found: dict[str, Dependency] = {}
    for name in (name for name in new.stages if name in old.stages):
        was, now = ({dep.def_path: dep for dep in files(side.stages[name])} for side in (old, new))
        for path in dict.fromkeys([*was, *now]):
            then, since = was.get(path), now.get(path)
            data = any(is_data(path, side.params) for side in (old, new))
            if then and since and then.hash_info == since.hash_info:
                continue
            if data or not related(path, outs):
                names = [*found[path].steps, name] if path in found else [name]
                found[path] = Dependency(path, steps(names), then, since, data)
    return [found[path] for path in sorted(found)]


def verdicts(old: Side, new: Side) -> tuple[list[Results], Move | None]:
    """The models that were judged otherwise, in the ladder's order, and of the others the one
    whose skill on test moved most."""
    before, after = old.models or {}, new.models or {}
    changed, moves = [], []
    for name in dict.fromkeys([*after, *before]):
        was, now = before.get(name), after.get(name)
        if was is None or now is None or was.verdict != now.verdict or any(flags(was, now)):
            changed.append(Results(name, was, now))
        elif was.skill_test is not None and now.skill_test is not None:
            moves.append(Move(name, was.skill_test, now.skill_test))
    return changed, max(moves, key=lambda move: move.size, default=None)


def flags(old: Model, new: Model) -> tuple[list[str], list[str]]:
    """Those that appeared, and that vanished; none where a side's are not known."""
    if old.flags is None or new.flags is None:
        return [], []
    appeared = [flag for flag in new.flags if flag not in old.flags]
    return appeared, [flag for flag in old.flags if flag not in new.flags]


def steps(stages: Iterable[str]) -> list[str]:
    """The steps of stages, once each: train for train_networks@mlp-0."""
    return list(dict.fromkeys(name.partition("@")[0].partition("_")[0] for name in stages))
