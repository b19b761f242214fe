"""Where what was rebuilt differs from what was recorded: the files, and where in them, as a node
of HDF5, an array of weights, a key of JSON, or a line of text."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import h5py
import hdf5plugin  # noqa: F401  (registers blosc2 with h5py)
import numpy as np

from alpha.core.text import some
from alpha.history.repository import content, md5_of

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo

_NOT_AT_HAND = "and neither DVC's cache nor the workspace has the recorded one to look inside"
_NOT_OURS = ".snakemake_timestamp"  # in a folder; .dvcignore has it too
_SHOWN = 60  # signs of a value, or of a line
_DIGEST = re.compile(rb"\b[0-9a-f]{64}\b")


class Difference(NamedTuple):
    """A file, or a whole output, whose bytes differ, in a sentence: "" if only its container does,
    as another HDF5 library would write the same content. `before` is what was recorded, if it can
    still be had."""

    path: str
    sentence: str
    before: Path | None
    after: Path


def of_out(recorded: "Repo", root: Path, out: "Output", *, digests: bool) -> Iterator[Difference]:
    """The files of a rebuilt output that differ from its record in `recorded`, which has the cache
    of the project in `root`. `digests` as in `where`."""
    path, made = out.def_path, Path(out.fs_path)
    then, now = _recorded_files(out, root / path), files_of(made)
    if then is None:
        yield Difference(path, f"{path} differs, {_NOT_AT_HAND}", None, made)
        return
    for name in sorted(then.keys() | now.keys()):
        file, before = os.path.normpath(f"{path}/{name}"), None
        if then.get(name) == now.get(name):
            continue
        if name not in now:
            sentence = f"{file} was not made"
        elif name not in then:
            sentence = f"{file} is made, and is not in the record"
        elif before := content(recorded, root, file, then[name]):
            found = where(before, made / name, digests=digests)
            sentence = found and f"{file}: {found}"
        else:
            sentence = f"{file} differs, {_NOT_AT_HAND}"
        yield Difference(file, sentence, before, made / name)


def _recorded_files(out: "Output", workspace: Path) -> dict[str, str] | None:
    """As `files_of` an output as it was recorded; None if neither DVC's cache nor the workspace
    has that folder as it was."""
    from dvc_data.hashfile.tree import Tree

    if not out.hash_info.isdir:
        return {".": out.hash_info.value}
    if tree := out.get_obj():
        return {"/".join(key): info.value for key, _, info in tree}
    found = files_of(workspace)
    tree = Tree.from_list([{"relpath": name, "md5": md5} for name, md5 in found.items()])
    tree.digest()
    return found if tree.hash_info == out.hash_info else None


def files_of(path: Path) -> dict[str, str]:
    """The md5 of each file of a folder by its path in there; of a file as "."."""
    found = (one for one in [path, *path.rglob("*")] if one.is_file() and one.name != _NOT_OURS)
    return {one.relative_to(path).as_posix(): md5_of(one) for one in found}


def of_weights(weights: list[Difference], found: list[Difference]) -> str:
    """Which weights differ, by how much predictions do at most, and whether the verdicts do;
    `found` is all that differs."""
    predictions, verdicts = "predictions are the same", "every verdict is the same"
    largest: list[Any] = []
    for path, _, before, after in found:
        if path == "results/evaluate/metrics.json":
            verdicts = _verdicts(before, after)
        elif path.startswith("results/predict/") and not path.endswith(".json"):
            largest.append(_largest(before, after) if before else None)
    if None in largest:
        predictions = "predictions differ, and the recorded ones are not at hand"
    elif largest:
        predictions = f"predictions differ by at most {np.max(largest):.1e}"
    return f"{some([one.sentence for one in weights], most=1)}; {predictions}; {verdicts}"


def _verdicts(before: Path | None, after: Path) -> str:
    """The models with another verdict."""
    if before is None:
        return "the recorded verdicts are not at hand"
    metrics = (json.loads(path.read_bytes()) for path in (before, after))
    then, now = ({name: one.get("verdict") for name, one in found.items()} for found in metrics)
    pairs = ((name, old, now.get(name)) for name, old in then.items())
    moved = [f"{name}: {old} → {new}" for name, old, new in pairs if old != new]
    return f"verdicts differ ({', '.join(moved)})" if moved else "every verdict is the same"


def where(before: Path, after: Path, *, digests: bool = True) -> str:
    """Where `after` first differs from `before`, whose bytes differ. Nothing if they are of arrays
    and all values and attributes are the same, however they are stored.

    Without `digests`, SHA-256 digests may differ too in JSON and text, as where earlier files are
    stored otherwise: they only repeat what other files say, which are compared themselves.
    """
    if h5py.is_hdf5(before) and h5py.is_hdf5(after):
        with h5py.File(before) as one, h5py.File(after) as other:
            return _first("node", _nodes(one), _nodes(other), _node)
    if after.suffix == ".npz":
        with np.load(before) as one, np.load(after) as other:
            return _first("array", dict(one), dict(other), _node)
    then, now = (
        path.read_bytes() if digests else _DIGEST.sub(b"a digest", path.read_bytes())
        for path in (before, after)
    )
    if then == now:
        return ""
    if after.suffix == ".json":
        with suppress(ValueError):
            one, other = (dict(_leaves(json.loads(text))) for text in (then, now))
            return _first("key", one, other, _leaf) or "its layout as JSON differs"
    with suppress(UnicodeDecodeError):
        return _line(then.decode(), now.decode())
    return f"its bytes differ ({len(then)} recorded, {len(now)} rebuilt)"


def _first(
    what: str, then: dict[str, Any], now: dict[str, Any], compare: Callable[[Any, Any], str]
) -> str:
    """The first that is not the same by its name; nothing if all are."""
    for name in {**then, **now}:
        if name not in now:
            return f"{what} {name} is missing"
        if name not in then:
            return f"{what} {name} is not in the record"
        if found := compare(then[name], now[name]):
            return f"{what} {name}{found}"
    return ""


def _nodes(file: h5py.File) -> dict[str, Any]:
    found = {"/": file}
    file.visititems(lambda name, node: found.setdefault(f"/{name}", node) and None)
    return found


def _node(then: Any, now: Any) -> str:
    """What differs first in two groups or arrays; nothing if nothing does."""
    was, has = (getattr(node, "attrs", {}) for node in (then, now))
    one: Any
    other: Any
    for key in sorted({*was, *has}):
        one, other = was.get(key), has.get(key)
        if not np.array_equal(one, other) and not (one != one and other != other):
            return f": attribute {key!r} is {_short(str(other))}, recorded {_short(str(one))}"
    if not (hasattr(then, "dtype") and hasattr(now, "dtype")):
        return "" if type(then) is type(now) else ": is of another kind"
    for what in ("dtype", "shape"):
        if getattr(then, what) != getattr(now, what):
            return f": its {what} is {getattr(now, what)}, recorded {getattr(then, what)}"
    one, other = np.asarray(then[()]), np.asarray(now[()])
    differ = _differ(one, other)
    if not differ.any():
        return ""
    at = tuple(map(int, np.unravel_index(np.argmax(differ), differ.shape)))
    found = f": the value at {list(at)} is {other[at]!s}, recorded {one[at]!s}"
    if one.dtype.kind == "f":
        a, b = (side[differ].astype(np.float64) for side in (one, other))
        with np.errstate(invalid="ignore"):
            most = np.max(np.abs(a - b) / np.maximum(np.abs(a), np.abs(b)))
        found += f" (by at most {most:.1e} of it)" if most < np.inf else ""
    return found


def _differ(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which values are not the same, of arrays of one shape. NaN is equal to NaN."""
    return np.asarray((one != other) & ((one == one) | (other == other)))


def _largest(before: Path, after: Path) -> float:
    """By how much numbers of two HDF5 files differ at most, in arrays of both of the same shape;
    NaN if one is not finite."""
    most = [0.0]
    with h5py.File(before) as one, h5py.File(after) as other:
        now = _nodes(other)
        for name, node in _nodes(one).items():
            numbers = isinstance(node, h5py.Dataset) and node.dtype.kind == "f"
            if numbers and getattr(now.get(name), "shape", None) == node.shape:
                a, b = np.asarray(node[()], np.float64), np.asarray(now[name][()], np.float64)
                differ = _differ(a, b)
                most.append(np.abs(b[differ] - a[differ]).max(initial=0.0))
    return float(np.max(most))


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of JSON by its key, as in days.b[1]."""
    if value and isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            below = f"{key}[{name}]" if isinstance(value, list) else f"{key}.{name}".lstrip(".")
            yield from _leaves(inner, below)
    else:
        yield key, value


def _leaf(then: Any, now: Any) -> str:
    same = json.dumps(then) == json.dumps(now)
    return "" if same else f" is {_short(now)}, recorded {_short(then)}"


def _line(then: str, now: str) -> str:
    one, other = then.split("\n"), now.split("\n")
    for at, (a, b) in enumerate(zip(one, other, strict=False), 1):
        if a != b:
            # Lines of HTML are long: from shortly before where they part.
            column = next(i for i, (x, y) in enumerate(zip_longest(a, b)) if x != y)
            start = max(0, column - _SHOWN // 2)
            return f"line {at} has {_short(b[start:])}, recorded {_short(a[start:])}"
    return f"it has {len(other)} lines, recorded {len(one)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
