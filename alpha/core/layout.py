"""Where a pandas frame keeps what inside its HDF5 group, in fixed and in table format.

This is the untrusted side: Python objects, links and values kept in other files, columns that are
not numeric, and arrays larger than the limit are refused before a value is read. No attribute is
unpickled.
"""

import pickletools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from alpha.core.errors import InputError

NS_PER_UNIT = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_TEXT_OPCODES = {
    "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING",
}  # fmt: skip
_LIST_OPCODES = {
    "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "PROTO", "FRAME",
    "LIST", "EMPTY_LIST", "MARK", "APPEND", "APPENDS",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Block:
    """Columns that stand together: a block of the fixed format, a field of a table, the index."""

    dataset: Any  # h5py.Dataset
    dtype: np.dtype
    unit: str | None = None  # "ns", ... where they hold timestamps
    field: str | None = None  # of a compound (table format) dataset
    rows_last: bool = False  # stored as (columns, rows)


Column = tuple[Block, int]  # which of the block


class Layout:
    """Where an open frame keeps its index and its columns, in the frame's order."""

    rows: int
    tz_aware: bool
    _index: Block

    def __init__(self, path: Path, group: Any, max_bytes: int) -> None:
        self.path, self._group, self._max_bytes = path, group, max_bytes
        self._columns: dict[str, Column] = {}
        kind = _text(group, "pandas_type")
        if kind not in ("frame", "frame_table"):
            kind = kind or "no pandas_type attribute"
            raise self._error(f"key {group.name!r} must hold a pandas DataFrame, found {kind}")
        if kind == "frame":
            self._fixed()
        else:
            self._table()

    def _fixed(self) -> None:
        index = self._one_dimension("axis1")
        self._index = Block(index, index.dtype.base, _unit(_text(index, "kind")))
        # pandas pickles None as "N.".
        self.tz_aware = _raw(index, "tz") not in (None, b"N.", b"")
        if "shape" in index.attrs:
            # How pandas writes an array without elements.
            raise self._error("must hold at least one row, found none")
        order = self._names("axis0")
        for number in range(int(self._group.attrs.get("nblocks", 0))):
            names = self._names(f"block{number}_items")
            values = self._dataset(f"block{number}_values", of=names)
            # pandas stores rows first and says so; older files have columns first.
            rows_last = not bool(values.attrs.get("transposed", False))
            shape = values.shape[::-1] if rows_last else values.shape
            expected = (self.rows, len(names))
            if shape != expected:
                raise self._error(f"{values.name} must have the shape {expected}, found {shape}")
            unit = _unit(_text(values, "value_type"))
            self._add(names, Block(values, values.dtype.base, unit, None, rows_last))
        if len(set(order)) != len(order) or set(self._columns) != set(order):
            raise self._error("column names must be unique and each have values")
        self._columns = {name: self._columns[name] for name in order}

    def _table(self) -> None:
        table = self._one_dimension("table")
        blocks = list(table.dtype.names or ())
        if "index" not in blocks:
            raise self._error(f"{table.name} must have an index")
        blocks.remove("index")
        unit = _unit(_text(table, "index_kind"))
        self._index = Block(table, table.dtype["index"].base, unit, "index")
        # Table format keeps the index's time zone inside a pickled attribute, which is not
        # looked into; only whether it names one is seen.
        self.tz_aware = b"Vtz" in (_raw(self._group, "info") or b"")
        for block in blocks:
            try:
                names = _pickled_names(_raw(table, f"{block}_kind"))
            except ValueError as error:
                raise self._error(f"column {block!r}: attribute '{block}_kind' {error}") from None
            dtype = table.dtype[block]
            if (dtype.shape or (1,)) != (len(names),):
                what = f"must have {len(names)} columns, found {dtype.shape}"
                raise self._error(f"column block {block!r} {what}")
            self._check_numeric(dtype.base, names)
            unit = _unit(_text(table, f"{block}_dtype"))
            self._add(names, Block(table, dtype.base, unit, block))

    def _add(self, names: Sequence[str], block: Block) -> None:
        self._columns |= {name: (block, position) for position, name in enumerate(names)}

    def _dataset(self, name: str, of: Sequence[str] = ()) -> Any:
        """A dataset of the frame that is inside the file, numeric, and not too large."""
        where = f"{self._group.name}/{name}"
        link = self._group.get(name, getlink=True)
        if link is None:
            raise self._error(f"{where} is missing: not a whole pandas frame")
        if not isinstance(link, h5py.HardLink):
            raise self._error(f"{where} is a link out of the frame, which is not followed")
        node = self._group[name]
        if not isinstance(node, h5py.Dataset):
            raise self._error(f"{where} must be a dataset, found {type(node).__name__}")
        if node.is_virtual or node.external:
            raise self._error(f"{where} keeps its values in another file, which is not followed")
        if _text(node, "PSEUDOATOM") or node.dtype.kind == "O":
            what = "holds Python objects (a pickle), which are never loaded"
            what = f"{what}; write it as numbers or drop it"
            raise self._error(f"column {_first(of) or name}: {what}")
        if of:
            self._check_numeric(node.dtype, of)
        size = node.size * node.dtype.itemsize
        if size > self._max_bytes:
            allowed = f"data.max_file_mb allows {self._max_bytes / 1e6:,.0f}"
            raise self._error(f"{where} would need {size / 1e6:,.0f} MB; {allowed}")
        return node

    def _one_dimension(self, name: str) -> Any:
        """A dataset of one dimension, which says how many rows there are."""
        node = self._dataset(name)
        if node.ndim != 1:
            raise self._error(f"{node.name} must have one dimension")
        self.rows = int(node.shape[0])
        return node

    def _check_numeric(self, dtype: np.dtype, names: Sequence[str]) -> None:
        # The bytes of long doubles differ between machines.
        if dtype.kind not in "fiub" or dtype.itemsize > 8:
            what = f"must be numeric, found {dtype}; write it as numbers or drop it"
            raise self._error(f"column {_first(names)}: {what}")

    def _names(self, name: str) -> list[str]:
        node = self._dataset(name)
        if _text(node, "kind") not in ("string", None) or node.dtype.kind != "S":
            raise self._error(f"{node.name}: column names must be text, found {node.dtype}")
        values = np.array([], dtype="S1") if node.shape is None else node[()]
        return [value.decode("utf-8", errors="replace") for value in values.reshape(-1).tolist()]

    def _error(self, what: str) -> InputError:
        return InputError(f"{self.path}: {what}")


def _first(names: Sequence[str]) -> str:
    return ", ".join(map(str, names[:8])) + (", ..." if len(names) > 8 else "")


def _unit(kind: str | None) -> str | None:
    """The time unit of a pandas dtype name: datetime64 (ns) or datetime64[unit, ...]."""
    found = re.fullmatch(r"datetime64(?:\[ *(s|ms|us|ns) *(?:,.*)?\])?", kind or "")
    return (found[1] or "ns") if found else None


def _pickled_names(value: bytes | None) -> list[str]:
    """The strings of a pickled list of strings, by its opcodes: no pickle machine runs, so that
    nothing can be called or imported. Raises ValueError for anything else."""
    found: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(value or b""):
            if opcode.name in _TEXT_OPCODES:
                found.append(str(argument))
            elif opcode.name == "STOP":
                return found
            elif opcode.name not in _LIST_OPCODES:
                what = f"a pickle of more than a list of names ({opcode.name})"
                raise ValueError(f"is {what}, which is never loaded")
    except (UnicodeDecodeError, IndexError) as error:
        raise ValueError(f"is damaged: {error}") from None
    raise ValueError("is not a list of names")


def _text(node: Any, name: str) -> str | None:
    """A text attribute, or None where it is absent, empty or not text."""
    value = _raw(node, name)
    return None if value is None else value.decode("utf-8", errors="replace")


def _raw(node: Any, name: str) -> bytes | None:
    """The bytes of an attribute that is text, as it is stored."""
    value = node.attrs.get(name)
    if isinstance(value, str):
        return value.encode("utf-8", errors="surrogateescape")
    # h5py gives Empty for a text without a character.
    return value if isinstance(value, bytes) else None
