"""The first difference between two files: a node of HDF5, a key of JSON, a line of text."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers blosc2 with h5py)
import numpy as np

_SHOWN = 60  # signs of a value, or of a line
_BYTES = 1 << 25  # are compared at a time
_DIGEST = re.compile(rb"\b[0-9a-f]{64}\b")


def file(before: Path, after: Path, *, digests: bool = True) -> str | None:
    """Where `after` first differs from `before`, whose bytes differ; both are read whole.

    None if they differ in nothing but SHA-256 digests, and these do not count (`digests`).
    """
    then, now = before.read_bytes(), after.read_bytes()
    if not digests:
        then, now = (_DIGEST.sub(b"a digest", content) for content in (then, now))
        if then == now:
            return None
    if after.suffix == ".json":
        with suppress(ValueError):
            return _key("", json.loads(then), json.loads(now)) or "its layout as JSON differs"
    try:
        return _line(then.decode("utf-8"), now.decode("utf-8"))
    except UnicodeDecodeError:
        pairs = enumerate(zip(then, now, strict=False))
        at = next((at for at, (a, b) in pairs if a != b), min(len(then), len(now)))
        return f"byte {at} differs (of {len(then)} recorded, {len(now)} rebuilt)"


def hdf5(before: Path, after: Path) -> str | None:
    """The first node that differs, and where in it. NaN is equal to NaN. None if all values and
    attributes are the same, however they are stored. Memory is bounded."""
    with h5py.File(before) as one, h5py.File(after) as other:
        then, now = _nodes(one), _nodes(other)
        for name in sorted(then.keys() | now.keys()):
            if name not in now:
                return f"node {name} is missing"
            if name not in then:
                return f"node {name} is not in the record"
            if where := _node(then[name], now[name]):
                return f"node {name}: {where}"
    return None


def largest(before: Path, after: Path) -> float:
    """By how much numbers of two HDF5 files differ at most; inf where one is not finite."""
    found = 0.0
    with h5py.File(before) as one, h5py.File(after) as other:
        now = _nodes(other)
        for name, then in _nodes(one).items():
            if isinstance(then, h5py.Dataset) and then.dtype.kind == "f":
                for _, a, b in _parts(then, now[name]):
                    differ = _differ(a, b)
                    moved = np.abs(b[differ].astype(np.float64) - a[differ])
                    found = max(found, float(np.nan_to_num(moved, nan=np.inf).max(initial=0.0)))
    return found


def _nodes(file: h5py.File) -> dict[str, Any]:
    found = {"/": file}
    file.visititems(lambda name, node: found.setdefault(f"/{name}", node) and None)
    return found


def _node(then: Any, now: Any) -> str:
    """What differs first; empty if nothing does."""
    for key in sorted({*then.attrs, *now.attrs}):
        one, other = then.attrs.get(key), now.attrs.get(key)
        if type(one) is not type(other) or _differ(np.asarray(one), np.asarray(other)).any():
            return f"attribute {key!r} is {_said(other)}, recorded {_said(one)}"
    if type(then) is not type(now):
        return "is of another kind"
    if not isinstance(then, h5py.Dataset):
        return ""
    for what in ("dtype", "shape"):
        one, other = (getattr(node, what) for node in (then, now))
        if one != other:
            return f"its {what} is {other}, recorded {one}"
    return _value(then, now)


def _value(then: h5py.Dataset, now: h5py.Dataset) -> str:
    """The first value that differs, in C order, and by how much values differ at most."""
    first, most = "", 0.0
    for start, one, other in _parts(then, now):
        differ = _differ(one, other)
        if differ.any() and not first:
            index = tuple(int(at[0]) for at in np.nonzero(differ))
            where = ", ".join(str(at + start * (axis == 0)) for axis, at in enumerate(index))
            first = f"the value at [{where}] is {other[index]!s}, recorded {one[index]!s}"
        if differ.any() and one.dtype.kind == "f":
            a, b = (side[differ].astype(np.float64) for side in (one, other))
            with np.errstate(invalid="ignore"):
                most = max(most, float(np.max(np.abs(a - b) / np.maximum(np.abs(a), np.abs(b)))))
    return f"{first} (by at most {most:.1e} of it)" if 0 < most < np.inf else first


def _parts(then: h5py.Dataset, now: h5py.Dataset) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """The first row and the values of some rows at a time, of both."""
    if not then.shape:
        yield 0, np.asarray(then[()]), np.asarray(now[()])
        return
    rows = max(1, _BYTES * then.shape[0] // max(1, then.nbytes))
    for start in range(0, then.shape[0], rows):
        yield start, then[start : start + rows], now[start : start + rows]


def _differ(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which values are not the same; of records each as a whole."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return np.array(True)
    if one.dtype.names:
        each = [_differ(one[name], other[name]) for name in one.dtype.names]
        return np.any([part.reshape(*one.shape, -1).any(axis=-1) for part in each], axis=0)
    if one.dtype.hasobject:
        pairs = zip(one.reshape(-1), other.reshape(-1), strict=True)
        return np.array([not np.array_equal(a, b) for a, b in pairs], bool).reshape(one.shape)
    if one.dtype.kind in "fc":
        return np.asarray((one != other) & ~(np.isnan(one) & np.isnan(other)))
    return np.asarray(one != other)


def _key(key: str, then: Any, now: Any) -> str:
    """The first key, in their order, whose values differ; empty if none do."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in sorted(then.keys() | now.keys()):
            path = f"{key}.{name}".lstrip(".")
            if name not in now:
                return f"key {path} is missing"
            if name not in then:
                return f"key {path} is not in the record"
            found = _key(path, then[name], now[name])
            if found:
                return found
        return ""
    if isinstance(then, list) and isinstance(now, list):
        for at, pair in enumerate(zip(then, now, strict=False)):
            found = _key(f"{key}[{at}]", *pair)
            if found:
                return found
        lengths = f"key {key} has {len(now)} items, recorded {len(then)}"
        return "" if len(then) == len(now) else lengths
    same = json.dumps(then) == json.dumps(now)
    return "" if same else f"key {key or 'of the whole'} is {_short(now)}, recorded {_short(then)}"


def _line(then: str, now: str) -> str:
    one, other = then.split("\n"), now.split("\n")
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            # Lines of HTML are long: from shortly before where they part.
            column = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
            start = max(0, (min(len(a), len(b)) if column is None else column) - _SHOWN // 2)
            return f"line {at + 1} has {_short(b[start:])}, recorded {_short(a[start:])}"
    return f"it has {len(other)} lines, recorded {len(one)}"


def _said(value: Any) -> str:
    return "missing" if value is None else _short(str(value))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
