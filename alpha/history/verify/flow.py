"""The stages as dvc.yaml declares them for the params at hand, and their order.

DVC itself is not imported. What is read is what this project's dvc.yaml uses: a matrix of
plain values, and ${...} of params.yaml and of the matrix.
"""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from alpha.core.errors import InputError
from alpha.history.record import document
from alpha.history.record.lock import related

_PLACE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True)
class Declared:
    """A stage as dvc.yaml has it, resolved; `params` are values by their dotted names."""

    cmd: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    params: dict[str, Any]


class Flows(Protocol):
    """What has paths that it reads and paths that it writes."""

    @property
    def deps(self) -> Any: ...
    @property
    def outs(self) -> Any: ...


AnyStage = TypeVar("AnyStage", bound=Flows)


def declared(root: Path) -> dict[str, Declared]:
    """The stages by name (an instance of a matrix is stage@value-value), as dvc.yaml lists them.

    Raises InputError if dvc.yaml or params.yaml in `root` cannot be read or resolved.
    """
    path = root / "dvc.yaml"
    params = _yaml(root / "params.yaml")
    stages = _yaml(path).get("stages")
    if not isinstance(stages, dict):
        raise InputError(f"{path}: must hold stages")
    found = {}
    for name, stage in stages.items():
        try:
            for ending, item in _instances(stage, params):
                found[f"{name}{ending}"] = _declared(stage, params | {"item": item}, params)
        except (AttributeError, KeyError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{path}: stage {name} cannot be resolved: {reason}") from None
    return found


def ordered(stages: Mapping[str, AnyStage]) -> dict[str, AnyStage]:
    """The same, each after all that make what it reads; else in the order given.

    Raises InputError if some wait for each other.
    """
    waits = {name: set(makers(name, stages)) for name in stages}
    done: dict[str, AnyStage] = {}
    while len(done) < len(stages):
        ready = (name for name in stages if name not in done and waits[name] <= done.keys())
        name = next(ready, None)
        if name is None:
            left = ", ".join(name for name in stages if name not in done)
            raise InputError(f"stages must not wait for each other, found {left}")
        done[name] = stages[name]
    return done


def makers(name: str, stages: Mapping[str, Flows]) -> list[str]:
    """The stages that make what the stage `name` reads, or a part of it, or what holds it."""
    return [
        other
        for other, stage in stages.items()
        if other != name
        and any(related(out, dep) for out in stage.outs for dep in stages[name].deps)
    ]


def value(params: Mapping[str, Any], key: str) -> Any:
    """The value of a dotted key. Raises KeyError if there is none."""
    found: Any = params
    for part in key.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise KeyError(key)
        found = found[part]
    return found


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = document.load(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: must hold sections, found {type(content).__name__}")
    return content


def _instances(stage: Any, params: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Of each instance the end of its name, and the values of its `item`."""
    if "foreach" in stage:
        raise KeyError("foreach is not read")
    if "matrix" not in stage:
        return [("", {})]
    matrix = {key: _resolve(values, params) for key, values in stage["matrix"].items()}
    return [
        ("@" + "-".join(map(str, values)), dict(zip(matrix, values, strict=True)))
        for values in itertools.product(*matrix.values())
    ]


def _declared(stage: Any, scope: dict[str, Any], params: dict[str, Any]) -> Declared:
    cmd = stage["cmd"]
    lines = cmd if isinstance(cmd, list) else [cmd]
    outs = [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]
    keys = [str(_resolve(key, scope)) for key in stage.get("params", [])]
    return Declared(
        cmd="\n".join(str(_resolve(line, scope)) for line in lines),
        deps=tuple(str(_resolve(dep, scope)) for dep in stage.get("deps", [])),
        outs=tuple(str(_resolve(_path(out), scope)) for out in outs),
        params={key: value(params, key) for key in keys},
    )


def _path(out: Any) -> Any:
    """An output with options is a mapping of its one path to them."""
    return next(iter(out)) if isinstance(out, dict) else out


def _resolve(text: Any, scope: Mapping[str, Any]) -> Any:
    """Text with each ${key} replaced; the value itself where the key is all of the text."""
    if not isinstance(text, str):
        return text
    alone = _PLACE.fullmatch(text)
    if alone:
        return value(scope, alone[1])
    return _PLACE.sub(lambda found: str(value(scope, found[1])), text)
