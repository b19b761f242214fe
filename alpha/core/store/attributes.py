"""HDF5 attributes as pandas writes them, read without ever loading a pickle.

Table-format files keep their column names as a pickled list of strings. That list is read
here by walking the pickle's opcodes and accepting those for plain lists of text alone: no
pickle machine runs, so nothing in the file can be called or imported. Every other pickled
attribute (tz, freq, info) is never looked into.
"""

import pickletools
from typing import Any

import h5py
import numpy as np

_PUSHES = {
    "UNICODE",
    "BINUNICODE",
    "SHORT_BINUNICODE",
    "STRING",
    "BINSTRING",
    "SHORT_BINSTRING",
}
_MEMO = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "PROTO", "FRAME"}
_LIST_MAKERS = {"LIST", "EMPTY_LIST", "MARK"}
_LIST_FILLERS = {"APPEND", "APPENDS"}


def text(node: Any, name: str) -> str | None:
    """A text attribute, or None where it is absent, empty or not text."""
    value = _raw(node, name)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return value if isinstance(value, str) else None


def is_set(node: Any, name: str) -> bool:
    """Whether an attribute exists and is not pandas' pickled None (`N.`)."""
    value = _raw(node, name)
    return value is not None and value not in (b"N.", "N.", b"", "")


def mentions(node: Any, name: str, word: bytes) -> bool:
    """Whether the bytes of an attribute hold `word`, whatever they mean."""
    value = _raw(node, name)
    return word in (value.encode("utf-8", "replace") if isinstance(value, str) else value or b"")


def text_list(node: Any, name: str) -> list[str]:
    """The strings of a pickled list of strings. Raises ValueError for anything else."""
    value = _raw(node, name)
    if isinstance(value, str):
        value = value.encode("latin-1", errors="replace")
    if not isinstance(value, bytes):
        raise ValueError(f"attribute {name!r} is not a list of names")
    found: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(value):
            if opcode.name in _PUSHES:
                found.append(str(argument))
            elif opcode.name == "STOP":
                return found
            elif opcode.name not in _MEMO | _LIST_MAKERS | _LIST_FILLERS:
                raise ValueError(
                    f"attribute {name!r} is a pickle of more than a list of names "
                    f"({opcode.name}), which is never loaded"
                )
    except (UnicodeDecodeError, IndexError) as error:
        raise ValueError(f"attribute {name!r} is damaged: {error}") from None
    raise ValueError(f"attribute {name!r} is not a list of names")


def _raw(node: Any, name: str) -> bytes | str | None:
    """The value of an attribute that is text, as h5py gives it; of a fixed length in less time."""
    key = name.encode("utf-8")
    if not h5py.h5a.exists(node.id, key):
        return None
    attribute = h5py.h5a.open(node.id, key)
    stored = attribute.get_type()
    if attribute.shape == () and _is_fixed_text(stored):
        padded = stored.copy()
        padded.set_strpad(h5py.h5t.STR_NULLPAD)
        found = np.zeros(padded.get_size(), dtype=np.uint8)
        attribute.read(found, mtype=padded)
        return found.tobytes().rstrip(b"\0")
    value = node.attrs[name]
    # numpy's bytes and text scalars are subclasses of the built-in ones; h5py gives Empty
    # for a zero-length string.
    return value if isinstance(value, bytes | str) else None


def _is_fixed_text(kind: Any) -> bool:
    return isinstance(kind, h5py.h5t.TypeStringID) and not kind.is_variable_str()
