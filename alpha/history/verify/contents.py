"""The first difference between two files: a node of HDF5, a key of JSON, a line of text."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers blosc2 with h5py)
import numpy as np

_SHOWN = 60  # signs of a value, or of a line
_ROWS = 1 << 16  # are compared at a time
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
    with suppress(UnicodeDecodeError):
        return _line(then.decode(), now.decode())
    return f"its bytes differ ({len(then)} recorded, {len(now)} rebuilt)"


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
    first, most = "", 0.0
    for start, one, other, differ in _parts(then, now):
        if differ.any() and not first:
            at = tuple(map(int, np.unravel_index(np.argmax(differ), differ.shape)))
            where = ", ".join(map(str, (start + at[0], *at[1:]) if at else ()))
            first = f"the value at [{where}] is {other[at]!s}, recorded {one[at]!s}"
        if differ.any() and _is_float(then):
            a, b = (side[differ].astype(np.float64) for side in (one, other))
            with np.errstate(invalid="ignore"):
                most = max(most, float(np.max(np.abs(a - b) / np.maximum(np.abs(a), np.abs(b)))))
    return f"{first} (by at most {most:.1e} of it)" if 0 < most < np.inf else first


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


def _key(key: str, then: Any, now: Any) -> str:
    """The first key, in their order, whose values differ; empty if none do."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in sorted(then.keys() | now.keys()):
            path = f"{key}.{name}".lstrip(".")
            if name not in now:
                return f"key {path} is missing"
            if name not in then:
                return f"key {path} is not in the record"
            if found := _key(path, then[name], now[name]):
                return found
        return ""
    if isinstance(then, list) and isinstance(now, list):
        pairs = enumerate(zip(then, now, strict=False))
        found = next(filter(None, (_key(f"{key}[{at}]", *pair) for at, pair in pairs)), "")
        lengths = f"key {key} has {len(now)} items, recorded {len(then)}"
        return found or ("" if len(then) == len(now) else lengths)
    same = json.dumps(then) == json.dumps(now)
    return "" if same else f"key {key or 'of the whole'} is {_short(now)}, recorded {_short(then)}"


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
