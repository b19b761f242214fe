"""Where what was rebuilt differs from what was recorded: the files, and where in them, as a node
of HDF5, a key of JSON, or a line of text."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import h5py
import hdf5plugin  # noqa: F401  (registers blosc2 with h5py)
import numpy as np

from alpha.core.errors import InputError
from alpha.history.repository import content, files, md5_of, related

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo
    from dvc.stage import Stage

_NOT_AT_HAND = "neither DVC's cache nor the workspace has the recorded one to look inside"
_NOT_OURS = ".snakemake_timestamp"  # in a folder; .dvcignore has it too
_METRICS = "results/evaluate/metrics.json"
_SHOWN = 60  # signs of a value, or of a line
_ROWS = 1 << 16  # are compared at a time
_DIGEST = re.compile(rb"\b[0-9a-f]{64}\b")


class Difference(NamedTuple):
    """A file, or a whole output, whose bytes differ. `where` is None if only its container does,
    as another HDF5 library would write the same content. `before` is what was recorded, if it
    can still be had."""

    path: str
    where: str | None
    before: Path | None
    after: Path

    def __str__(self) -> str:
        """In a sentence."""
        joint = "" if self.where and self.where.startswith(("was", "is", "differs")) else ":"
        return f"{self.path}{joint} {self.where}"


def summary(recorded: "Repo", root: Path, stages: "list[Stage]", lock: Path) -> str:
    """How the outputs of `stages`, which were rebuilt in the folder of `recorded`, compare with
    its record, as a sentence.

    Raises InputError if the content of one differs: the first, and where in it.
    """
    found: dict[Stage, list[Difference]] = {}
    containers: list[str] = []
    for stage in stages:
        for out in (out for out in stage.outs if out.workspace_status()):
            for one in _of_out(recorded, root, out, digests=not containers):
                if one.where is None:
                    containers.append(one.path)
                else:
                    found.setdefault(stage, []).append(one)
    if found:
        raise InputError(_refusal(found, lock))
    count = f"{sum(len(stage.outs) for stage in stages)} artifacts of {len(stages)} stages"
    if not containers:
        return f"{count}: all the same bytes"
    more = f" and {len(containers) - 1} more" if len(containers) > 1 else ""
    return (
        f"{count}: all the same content; only the container differs in {containers[0]}{more}, "
        f"as another HDF5 library would write it (here HDF5 {h5py.version.hdf5_version})"
    )


def _refusal(found: "dict[Stage, list[Difference]]", lock: Path) -> str:
    first = next(iter(found))
    line = f"stage {first.name} does not give what {lock} records"
    # What differs though all that it is made from is the same.
    others = {out.def_path for stage in found for out in stage.outs}
    origins = [
        stage for stage in found if not any(related(dep.def_path, others) for dep in files(stage))
    ]
    trained = [one for stage in origins for one in found[stage]]
    weights = [one for one in trained if one.path.endswith(".weights.h5")]
    if weights and all(stage.name.startswith("train_networks") for stage in origins):
        more = f" and {len(weights) - 1} more" if len(weights) > 1 else ""
        every = [one for each in found.values() for one in each]
        return (
            f"{line}, but only what follows from network weights differs: {weights[0]}{more}; "
            f"{_predictions(every)}; {_verdicts(every)}"
        )
    return f"{line}: {found[first][0]}"


def _predictions(found: list[Difference]) -> str:
    """By how much predictions differ at most."""
    moved = [one for one in found if one.path.startswith("results/predict/")]
    pairs = [(one.before, one.after) for one in moved if one.path.endswith(".h5")]
    if not moved:
        return "predictions are the same"
    if not pairs or any(before is None or not h5py.is_hdf5(before) for before, _ in pairs):
        return "predictions differ, and the recorded ones are not at hand"
    most = max(_largest(before, after) for before, after in pairs if before)
    return f"predictions differ by at most {most:.1e}"


def _verdicts(found: list[Difference]) -> str:
    metrics = next((one for one in found if one.path == _METRICS), None)
    if metrics is None:
        return "every verdict is the same"
    if metrics.before is None:
        return "the recorded verdicts are not at hand"
    then, now = (json.loads(path.read_text()) for path in (metrics.before, metrics.after))
    verdicts = {
        name: (model.get("verdict"), now.get(name, {}).get("verdict"))
        for name, model in then.items()
    }
    others = [f"{name}: {old} → {new}" for name, (old, new) in verdicts.items() if old != new]
    return f"verdicts differ ({', '.join(others)})" if others else "every verdict is the same"


def _of_out(recorded: "Repo", root: Path, out: "Output", *, digests: bool) -> Iterator[Difference]:
    """The files that differ of an output that was rebuilt. `recorded` has its record, and the cache
    of the project in `root`. `digests` as of `file`."""
    path, made = out.def_path, Path(out.fs_path)
    then, now = _recorded_files(out, root / path), files_of(made)
    if then is None:
        yield Difference(path, f"differs, and {_NOT_AT_HAND}", None, made)
        return
    for name in sorted(then.keys() | now.keys()):
        one, after = os.path.normpath(f"{path}/{name}"), made / name
        if name not in now:
            yield Difference(one, "was not made", None, after)
        elif name not in then:
            yield Difference(one, "is made, and is not in the record", None, after)
        elif then[name] != now[name]:
            before = content(recorded, root, one, then[name])
            where: str | None = f"differs, and {_NOT_AT_HAND}"
            if before is not None:
                where = first(before, after, digests=digests)
            yield Difference(one, where, before, after)


def _recorded_files(out: "Output", workspace: Path) -> dict[str, str] | None:
    """As `files_of` an output as it was recorded; None if neither DVC's cache nor the workspace
    has that folder as it was."""
    from dvc_data.hashfile.tree import Tree

    if not out.hash_info.isdir:
        return {".": out.hash_info.value}
    tree = out.get_obj()
    if tree is None:
        found = [{"relpath": name, "md5": md5} for name, md5 in files_of(workspace).items()]
        tree = Tree.from_list(found)
        tree.digest()
        if tree.hash_info != out.hash_info:
            return None
    return {"/".join(key): info.value for key, _, info in tree}


def files_of(path: Path) -> dict[str, str]:
    """The md5 of each file of a folder by its path in there; of a file as "."."""
    found = [path, *path.rglob("*")]
    names = (one for one in found if one.is_file() and one.name != _NOT_OURS)
    return {one.relative_to(path).as_posix(): md5_of(one) for one in names}


def first(before: Path, after: Path, *, digests: bool = True) -> str | None:
    """Where `after` first differs from `before`, whose bytes differ. None if they are of HDF5 and
    all values and attributes are the same, however they are stored, in bounded memory.

    Without `digests`, SHA-256 digests may differ too in JSON and text, as where earlier files are
    stored otherwise: they only repeat what other files say, which are compared themselves.
    """
    if h5py.is_hdf5(before) and h5py.is_hdf5(after):
        with h5py.File(before) as one, h5py.File(after) as other:
            return _node_of(_nodes(one), _nodes(other))
    then, now = before.read_bytes(), after.read_bytes()
    if not digests:
        then, now = (_DIGEST.sub(b"a digest", content) for content in (then, now))
        if then == now:
            return None
    if after.suffix == ".json":
        with suppress(ValueError):
            return _key(json.loads(then), json.loads(now))
    with suppress(UnicodeDecodeError):
        return _line(then.decode(), now.decode())
    return f"its bytes differ ({len(then)} recorded, {len(now)} rebuilt)"


def _largest(before: Path, after: Path) -> float:
    """By how much numbers of two HDF5 files differ at most, in nodes of both of the same shape;
    NaN if one is not finite."""
    with h5py.File(before) as one, h5py.File(after) as other:
        now = _nodes(other)
        moved = [
            np.abs(b[differ].astype(np.float64) - a[differ]).max(initial=0.0)
            for name, then in _nodes(one).items()
            if _is_float(then) and _is_float(now.get(name)) and then.shape == now[name].shape
            for _, a, b, differ in _parts(then, now[name])
        ]
    return float(np.max(moved, initial=0.0))


def _nodes(file: h5py.File) -> dict[str, Any]:
    found = {"/": file}
    file.visititems(lambda name, node: found.setdefault(f"/{name}", node) and None)
    return found


def _is_float(node: Any) -> bool:
    return isinstance(node, h5py.Dataset) and node.dtype.kind == "f"


def _node_of(then: dict[str, Any], now: dict[str, Any]) -> str | None:
    """The first node that differs, and where in it. NaN is equal to NaN."""
    for name in sorted(then.keys() | now.keys()):
        if name not in now:
            return f"node {name} is missing"
        if name not in then:
            return f"node {name} is not in the record"
        if where := _node(then[name], now[name]):
            return f"node {name}: {where}"
    return None


def _node(then: Any, now: Any) -> str:
    """What differs first; empty if nothing does."""
    for key in sorted({*then.attrs, *now.attrs}):
        one, other = then.attrs.get(key), now.attrs.get(key)
        if not np.array_equal(one, other) and not (one != one and other != other):
            return f"attribute {key!r} is {_short(str(other))}, recorded {_short(str(one))}"
    if not (isinstance(then, h5py.Dataset) and isinstance(now, h5py.Dataset)):
        return "" if type(then) is type(now) else "is of another kind"
    for what in ("dtype", "shape"):
        if getattr(then, what) != getattr(now, what):
            return f"its {what} is {getattr(now, what)}, recorded {getattr(then, what)}"
    found, most = "", 0.0
    for start, one, other, differ in _parts(then, now):
        if differ.any() and not found:
            at = tuple(map(int, np.unravel_index(np.argmax(differ), differ.shape)))
            where = ", ".join(map(str, (start + at[0], *at[1:]) if at else ()))
            found = f"the value at [{where}] is {other[at]!s}, recorded {one[at]!s}"
        if differ.any() and _is_float(then):
            a, b = (side[differ].astype(np.float64) for side in (one, other))
            with np.errstate(invalid="ignore"):
                most = max(most, float(np.max(np.abs(a - b) / np.maximum(np.abs(a), np.abs(b)))))
    return f"{found} (by at most {most:.1e} of it)" if 0 < most < np.inf else found


def _parts(
    then: h5py.Dataset, now: h5py.Dataset
) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """The first row and the values of some rows at a time, of both, and which are not the same."""
    for start in range(0, len(then) if then.shape else 1, _ROWS):
        rows: Any = slice(start, start + _ROWS) if then.shape else ()
        one, other = np.asarray(then[rows]), np.asarray(now[rows])
        differ = np.asarray(one != other)
        if _is_float(then):
            differ &= ~(np.isnan(one) & np.isnan(other))
        yield start, one, other, differ


def _key(then: Any, now: Any) -> str:
    """The first key of JSON that differs."""
    one, other = dict(_leaves(then)), dict(_leaves(now))
    for key in {**one, **other}:
        if key not in other:
            return f"key {key} is missing"
        if key not in one:
            return f"key {key} is not in the record"
        if json.dumps(one[key]) != json.dumps(other[key]):
            return (
                f"key {key or 'of the whole'} is {_short(other[key])}, recorded {_short(one[key])}"
            )
    return "its layout as JSON differs"


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of JSON by its key, as in days.b[1]."""
    if value and isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}".lstrip("."))
    elif value and isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _leaves(inner, f"{key}[{at}]")
    else:
        yield key, value


def _line(then: str, now: str) -> str:
    one, other = then.split("\n"), now.split("\n")
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            # Lines of HTML are long: from shortly before where they part.
            column = next(i for i, (x, y) in enumerate(zip_longest(a, b)) if x != y)
            start = max(0, column - _SHOWN // 2)
            return f"line {at + 1} has {_short(b[start:])}, recorded {_short(a[start:])}"
    return f"it has {len(other)} lines, recorded {len(one)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
