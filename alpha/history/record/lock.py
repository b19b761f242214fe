"""dvc.lock: of each stage the command, dependencies, params and outputs it was last run with."""

import os.path
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpha.core.errors import InputError
from alpha.history.record import document


@dataclass(frozen=True)
class Entry:
    """A file, or a folder, whose md5 ends in `.dir`."""

    md5: str
    size: int | None = None  # bytes; of a folder, of all its files
    nfiles: int | None = None  # of a folder


@dataclass(frozen=True)
class Stage:
    """What a stage was run with, and what came of it. Paths are relative to the lock's folder."""

    cmd: str
    deps: dict[str, Entry]
    outs: dict[str, Entry]
    params: dict[str, Any]  # section -> its value; of all its files of params together


def read(path: Path) -> dict[str, Stage]:
    """The stages of a dvc.lock, by name. Raises InputError if it cannot be read."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return parse(text, str(path))


def parse(text: bytes, source: str) -> dict[str, Stage]:
    """The stages in the text of a dvc.lock, by name; `source` names it in errors.

    Raises InputError, one line that names the stage, if it is not what DVC writes.
    """
    content = document.load(text, source)
    stages = content.get("stages", {}) if isinstance(content, dict) else None
    if not isinstance(stages, dict):
        raise InputError(f"{source}: must hold stages, as DVC writes them")
    return {str(name): _stage(found, f"{source}: {name}") for name, found in stages.items()}


def related(one: str, other: str) -> bool:
    """Whether one path is the other, or holds it."""
    one, other = (f"{os.path.normpath(path)}/" for path in (one, other))
    return one.startswith(other) or other.startswith(one)


def find(text: bytes, path: str, *, stage: str | None = None) -> set[str]:
    """The md5 of `path`, without .dir, wherever the text of a dvc.lock or of an entry of DVC's
    run cache has it; only within `stage`, where there is such a stage.

    For hundreds of texts at once, which to parse as YAML would take minutes.
    """
    if stage is not None:
        text = _part(text, stage)
    of_path = rb"- path: " + re.escape(path.encode())
    entry = of_path + rb"\n(?: +(?!md5:)\w+: .*\n)* +md5: ([0-9a-f]{32})(?:\.dir)?\n"
    return {md5.decode() for md5 in re.findall(entry, text)}


def _part(lock: bytes, stage: str) -> bytes:
    """The part of a dvc.lock that tells of one stage; all of another text."""
    name = re.escape(stage.encode())
    found = re.search(rb"^  " + name + rb":\n(?:    .*\n| *\n)*", lock, re.MULTILINE)
    return found.group() if found else lock


def _stage(found: Any, where: str) -> Stage:
    if not isinstance(found, dict):
        raise InputError(f"{where}: must be a stage, found {type(found).__name__}")
    cmd = found.get("cmd", "")
    params = found.get("params", {})
    if not isinstance(params, dict) or not all(isinstance(one, dict) for one in params.values()):
        raise InputError(f"{where}: params must be sections by file")
    return Stage(
        cmd="\n".join(map(str, cmd)) if isinstance(cmd, list) else str(cmd),
        deps=_entries(found.get("deps", []), f"{where}: deps"),
        outs=_entries(found.get("outs", []), f"{where}: outs"),
        params={section: value for file in params.values() for section, value in file.items()},
    )


def _entries(found: Any, where: str) -> dict[str, Entry]:
    entries = {}
    for one in found if isinstance(found, list) else [found]:
        known = one if isinstance(one, dict) else {}
        path, md5 = known.get("path"), known.get("md5")
        size, nfiles = known.get("size"), known.get("nfiles")
        if (
            not isinstance(path, str)
            or not (isinstance(md5, str) and re.fullmatch(r"[0-9a-f]{32}(\.dir)?", md5))
            or not isinstance(size, int | None)
            or not isinstance(nfiles, int | None)
        ):
            raise InputError(f"{where}: each must have a path and an md5, found {one!r}")
        entries[path] = Entry(md5, size, nfiles)
    return entries
