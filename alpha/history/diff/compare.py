"""What differs between two sides: params, code, data, and what was found with them."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from alpha.history.diff.side import Model, Side, is_data
from alpha.history.repository import files, related

if TYPE_CHECKING:
    from dvc.output import Output

ABSENT = object()  # a key that one side does not have


class Param(NamedTuple):
    """A parameter, or a section that one side does not have; its dotted key, and both values."""

    key: str
    old: Any
    new: Any


class Dependency(NamedTuple):
    """A file or folder that steps depend on, as each side's runs saw it; None where none did."""

    path: str
    steps: list[str]
    old: "Output | None"
    new: "Output | None"
    is_data: bool  # the folder of feature files; else code


class Results(NamedTuple):
    """What was found with a model; None where a side does not have it."""

    model: str
    old: Model | None
    new: Model | None


def params(old: Any, new: Any, key: str = "") -> Iterator[Param]:
    """Every parameter that differs, in the order of `new`; what `new` does not have at the end."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*new, *old]):
            inner = f"{key}.{name}".lstrip(".")
            yield from params(old.get(name, ABSENT), new.get(name, ABSENT), inner)
    # Python takes True for 1.
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Param(key, old, new)


def dependencies(old: Side, new: Side) -> list[Dependency]:
    """What no step makes, and data.dir, where it differs between the runs of the same stage; by
    path. A stage of one side alone says nothing of what changed."""
    outs = {*old.outs, *new.outs}
    found: dict[str, Dependency] = {}
    for name in (name for name in new.stages if name in old.stages):
        was, now = ({dep.def_path: dep for dep in files(one.stages[name])} for one in (old, new))
        for path in dict.fromkeys([*was, *now]):
            then, since = was.get(path), now.get(path)
            data = any(is_data(path, side.params) for side in (old, new))
            if then and since and then.hash_info == since.hash_info:
                continue
            if data or not related(path, outs):
                names = [*found[path].steps, name] if path in found else [name]
                found[path] = Dependency(path, steps(names), then, since, data)
    return [found[path] for path in sorted(found)]


def verdicts(old: Side, new: Side) -> tuple[list[Results], list[Results]]:
    """The models that were judged otherwise or are of one side alone, and the others, both in the
    ladder's order."""
    before, after = old.models or {}, new.models or {}
    every = [
        Results(name, before.get(name), after.get(name))
        for name in dict.fromkeys([*after, *before])
    ]
    changed = [
        one
        for one in every
        if not one.old or not one.new or one.old.verdict != one.new.verdict or any(flags(one))
    ]
    return changed, [one for one in every if one not in changed]


def flags(one: Results) -> tuple[list[str], list[str]]:
    """Those that appeared, and that vanished; none where a side's are not known."""
    then, now = (model.flags if model else None for model in (one.old, one.new))
    if then is None or now is None:
        return [], []
    return [flag for flag in now if flag not in then], [flag for flag in then if flag not in now]


def steps(stages: Iterable[str]) -> list[str]:
    """The steps of stages, once each: train for train_networks@mlp-0."""
    return list(dict.fromkeys(name.partition("@")[0].partition("_")[0] for name in stages))
