"""The first difference between two files: a node of HDF5, a key of JSON, a line of text."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from alpha.core.store.logical import attribute, attributes, parts
from alpha.core.store.read import reading

_SHOWN = 60
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


def hdf5(before: Path | None, after: Path, then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """The first node that differs by its hashes, and if the recorded file is still there, what
    of it. Memory is bounded."""
    name = min(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if name not in now:
        return f"node {name} is missing"
    if name not in then:
        return f"node {name} is not in the record"
    if before is None:
        return f"node {name} differs"
    with reading(before), h5py.File(before, "r") as one, h5py.File(after, "r") as other:
        return f"node {name}: {_node(one, other, name)}"


def _node(before: h5py.File, after: h5py.File, name: str) -> str:
    then, now = before[name], after[name]
    for key in sorted({*attributes(then), *attributes(now)}):
        if attribute(then, key) != attribute(now, key):
            return (
                f"attribute {key!r} is {_said(now.attrs.get(key))}, "
                f"recorded {_said(then.attrs.get(key))}"
            )
    if not (isinstance(then, h5py.Dataset) and isinstance(now, h5py.Dataset)):
        return "differs"
    for what in ("dtype", "shape"):
        one, other = (getattr(node, what) for node in (then, now))
        if one != other:
            return f"its {what} is {other}, recorded {one}"
    return _value(then, now)


def _value(then: h5py.Dataset, now: h5py.Dataset) -> str:
    """The first value that differs by its bits, in C order."""
    start = 0
    for part in parts(then):
        one, other = (np.ascontiguousarray(node[part]).reshape(-1) for node in (then, now))
        if one.dtype.hasobject:
            unlike = [not np.array_equal(a, b) for a, b in zip(one, other, strict=True)]
            differ = np.array(unlike, dtype=bool)
        else:
            a, b = (side.view(np.uint8).reshape(len(side), -1) for side in (one, other))
            differ = np.asarray((a != b).any(axis=1))
        if differ.any():
            at = int(np.argmax(differ))
            where = ", ".join(map(str, np.unravel_index(start + at, then.shape)))
            return f"the value at [{where}] is {other[at]!s}, recorded {one[at]!s}"
        start += len(one)
    return "its type differs"


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
