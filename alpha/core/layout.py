"""Where a pandas frame keeps what inside its HDF5 group, in fixed and in table format.

This is the untrusted side: it refuses Python objects, links and values kept in other files,
columns that are not numeric, and arrays larger than the limit, before a value is read. No
attribute is unpickled.
"""

import pickletools
from collections.abc import Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Column:
    """One column of the frame: a column of a block, a field of a table, or the index."""

    dataset: Any  # h5py.Dataset
    dtype: np.dtype
    field: str | None = None  # of a compound (table format) dataset
    position: int | None = None  # in a two-dimensional block
    rows_last: bool = False  # the block is stored (columns, rows)
    unit: str | None = None  # "ns", ... where the column holds timestamps


@dataclass
class Layout:
    """Where a frame keeps its values; `columns` in the frame's order."""

    path: Path
    group: Any  # h5py.Group
    max_bytes: int
    rows: int = 0
    tz_aware: bool = False
    index: Column = field(init=False)
    columns: dict[str, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kind = _text(self.group, "pandas_type")
        if kind == "frame":
            self._fixed()
        elif kind == "frame_table":
            self._table()
        else:
            raise InputError(
                f"{self.path}: key {self.group.name!r} must hold a pandas DataFrame, found "
                f"{kind or 'no pandas_type attribute'}"
            )

    def _fixed(self) -> None:
        index = self._dataset("axis1")
        self.rows = self._length(index)
        self.index = Column(index, index.dtype.base, unit=_unit(_text(index, "kind")))
        # pandas pickles None as "N.".
        self.tz_aware = _raw(index, "tz") not in (None, b"N.", b"")
        if "shape" in index.attrs:
            # How pandas writes an array without elements.
            raise InputError(f"{self.path}: must hold at least one row, found none")
        order = self._names("axis0")
        found: dict[str, Column] = {}
        for number in range(int(self.group.attrs.get("nblocks", 0))):
            names = self._names(f"block{number}_items")
            values = self._dataset(f"block{number}_values", of=names)
            # pandas stores rows first and says so; older files have columns first.
            rows_last = not bool(values.attrs.get("transposed", False))
            shape = values.shape[::-1] if rows_last else values.shape
            if shape != (self.rows, len(names)):
                raise InputError(
                    f"{self.path}: {values.name} must have the shape "
                    f"({self.rows}, {len(names)}), found {shape}"
                )
            dtype, unit = values.dtype.base, _unit(_text(values, "value_type"))
            for position, name in enumerate(names):
                found[name] = Column(values, dtype, None, position, rows_last, unit)
        if len(set(order)) != len(order) or set(found) != set(order):
            raise InputError(f"{self.path}: column names must be unique and each have values")
        self.columns = {name: found[name] for name in order}

    def _table(self) -> None:
        table = self._dataset("table")
        self.rows = self._length(table)
        fields = table.dtype.names or ()
        if "index" not in fields:
            raise InputError(f"{self.path}: {table.name} must have an index")
        unit = _unit(_text(table, "index_kind"))
        self.index = Column(table, table.dtype["index"].base, "index", unit=unit)
        # Table format keeps the index's time zone inside a pickled attribute, which is not
        # looked into; only whether it names one is seen.
        self.tz_aware = b"Vtz" in (_raw(self.group, "info") or b"")
        for block in (name for name in fields if name != "index"):
            try:
                names = _pickled_names(_raw(table, f"{block}_kind"))
            except ValueError as error:
                raise InputError(
                    f"{self.path}: column {block!r}: attribute '{block}_kind' {error}"
                ) from None
            dtype = table.dtype[block]
            if (dtype.shape or (1,)) != (len(names),):
                raise InputError(
                    f"{self.path}: column block {block!r} must have {len(names)} "
                    f"columns, found {dtype.shape}"
                )
            self._check_numeric(dtype.base, names)
            unit = _unit(_text(table, f"{block}_dtype"))
            for position, name in enumerate(names):
                at = position if dtype.shape else None
                self.columns[name] = Column(table, dtype.base, block, at, False, unit)

    def _dataset(self, name: str, of: Sequence[str] = ()) -> Any:
        """A dataset of the frame that is inside the file, numeric, and not too large."""
        where = f"{self.path}: {self.group.name}/{name}"
        link = self.group.get(name, getlink=True)
        if link is None:
            raise InputError(f"{where} is missing: not a whole pandas frame")
        if not isinstance(link, h5py.HardLink):
            raise InputError(f"{where} is a link out of the frame, which is not followed")
        node = self.group[name]
        if not isinstance(node, h5py.Dataset):
            raise InputError(f"{where} must be a dataset, found {type(node).__name__}")
        if node.is_virtual or node.external:
            raise InputError(f"{where} keeps its values in another file, which is not followed")
        if _text(node, "PSEUDOATOM") or node.dtype.kind == "O":
            raise InputError(
                f"{self.path}: column {_first(of) or name}: holds Python objects (a pickle), "
                f"which are never loaded; write it as numbers or drop it"
            )
        if of:
            self._check_numeric(node.dtype, of)
        size = node.size * node.dtype.itemsize
        if size > self.max_bytes:
            raise InputError(
                f"{where} would need {size / 1e6:,.0f} MB; data.max_file_mb allows "
                f"{self.max_bytes / 1e6:,.0f}"
            )
        return node

    def _check_numeric(self, dtype: np.dtype, names: Sequence[str]) -> None:
        # The bytes of long doubles differ between machines.
        if dtype.kind not in "fiub" or dtype.itemsize > 8:
            raise InputError(
                f"{self.path}: column {_first(names)}: must be numeric, found {dtype}; write it "
                f"as numbers or drop it"
            )

    def _names(self, name: str) -> list[str]:
        node = self._dataset(name)
        if _text(node, "kind") not in ("string", None):
            raise InputError(f"{self.path}: column names must be text, found another kind")
        if node.dtype.kind != "S":
            raise InputError(f"{self.path}: {node.name} must hold column names, found {node.dtype}")
        values = np.array([], dtype="S1") if node.shape is None else node[()]
        return [value.decode("utf-8", errors="replace") for value in values.reshape(-1).tolist()]

    def _length(self, dataset: Any) -> int:
        if dataset.ndim != 1:
            raise InputError(f"{self.path}: {dataset.name} must have one dimension")
        return int(dataset.shape[0])


def _first(names: Sequence[str]) -> str:
    return ", ".join(map(str, names[:8])) + (", ..." if len(names) > 8 else "")


def _unit(kind: str | None) -> str | None:
    """The time unit of a pandas dtype name: datetime64 (ns) or datetime64[unit, ...]."""
    if kind is None or not kind.startswith("datetime64"):
        return None
    unit = kind[len("datetime64") :].strip("[]").split(",")[0].strip() or "ns"
    return unit if unit in NS_PER_UNIT else None


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
