"""Where a pandas frame keeps what inside its HDF5 group, in fixed and in table format.

This is the untrusted side: Python objects, links and values kept in other files, columns that are
not numeric, and arrays larger than the limit are refused before a value is read. No attribute is
unpickled.
"""

import pickletools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from alpha.core.errors import InputError
from alpha.core.text import one_line, some

NS_PER_UNIT = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
# In bytes: a name, as HDF5's filters have it, all names, an attribute; what labelling a row takes.
_NAME_BYTES, _NAMES_BYTES, _ATTRIBUTE_BYTES, ROW_BYTES = 255, 1 << 25, 1 << 21, 650
HELP = "write it as numbers, drop it, or name it in data.exclude"
# What pickles of lists of names are made of.
_TEXTS = ["UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"]
_LISTS = ["LIST", "EMPTY_LIST", "MARK", "APPEND", "APPENDS", "MEMOIZE", "PROTO", "FRAME"]
_LISTS += ["PUT", "BINPUT", "LONG_BINPUT"]


@dataclass(frozen=True, eq=False)
class Block:
    """Columns that stand together: a block of the fixed format, a field of a table, the index."""

    dataset: Any  # h5py.Dataset
    dtype: np.dtype
    unit: str | None = None  # "ns", ... where they hold timestamps
    field: str | None = None  # of a compound (table format) dataset
    rows_last: bool = False  # stored as (columns, rows)


Column = tuple[Block, int]  # which of the block
Skip = Callable[[str], bool] | None


class Layout:
    """Where an open frame keeps its index and its columns, in the frame's order."""

    rows: int
    tz_aware: bool
    _index: Block

    def __init__(self, path: Path, group: Any, max_bytes: int, skip: Skip) -> None:
        self.path, self._group, self._max_bytes = path, group, max_bytes
        self._skip, self._bytes = skip, 0  # what was found so far would need
        self._columns: dict[str, Column] = {}
        kind = _text(group, "pandas_type")
        if kind not in ("frame", "frame_table"):
            kind = one_line(kind or "no pandas_type attribute", most=200)
            raise self._error(f"key {group.name!r} must hold a pandas DataFrame, found {kind}")
        levels = (_text(group, name) for name in ("axis0_variety", "axis1_variety", "table_type"))
        if any("multi" in (of or "") for of in levels):
            hint = "several symbols in one file? Write one each"
            raise self._error(f"must have no MultiIndex; {hint}")
        if kind == "frame":
            self._fixed()
        else:
            self._table()

    def _fixed(self) -> None:
        index = self._one_dimension("axis1")
        self._index = Block(index, index.dtype.base, _unit(_text(index, "kind")))
        # pandas pickles None as "N.".
        self.tz_aware = _raw(index, "tz") not in (None, b"N.", b"")
        order = self._kept(self._names("axis0"))
        for number in range(int(self._group.attrs.get("nblocks", 0))):
            names = self._names(f"block{number}_items")
            if not (kept := self._kept(names)):
                continue
            values = self._dataset(f"block{number}_values", of=kept)
            # pandas stores rows first and says so; older files have columns first.
            rows_last = not bool(values.attrs.get("transposed", False))
            shape = values.shape[::-1] if rows_last else values.shape
            expected = (self.rows, len(names))
            if shape != expected:
                raise self._error(f"{values.name} must have the shape {expected}, found {shape}")
            block = Block(values, values.dtype.base, rows_last=rows_last)
            # NumPy has no such type: bytes, each of which PyTables takes for a truth.
            truths = values.id.get_type().get_class() == h5py.h5t.BITFIELD
            self._add(names, block, "bool" if truths else _text(values, "value_type"))
        if len(set(order)) != len(order) or set(self._columns) != set(order):
            raise self._error("column names must be unique and each have values")
        self._columns = {name: self._columns[name] for name in order}

    def _table(self) -> None:
        table = self._one_dimension("table")
        blocks = list(table.dtype.names or ())
        if "index" not in blocks or table.dtype["index"].shape:
            raise self._error(f"{table.name} must have an index")
        blocks.remove("index")
        unit = _unit(_text(table, "index_kind"))
        self._index = Block(table, table.dtype["index"].base, unit, "index")
        # Table format keeps the index's time zone inside a pickled attribute, which is not
        # looked into; only whether it names one is seen.
        self.tz_aware = b"Vtz" in (_raw(self._group, "info") or b"")
        for block in blocks:
            try:
                names = self._named(_pickled_names(_raw(table, f"{block}_kind")))
            except ValueError as error:
                raise self._error(f"column {block!r}: attribute '{block}_kind' {error}") from None
            dtype = table.dtype[block]
            if (dtype.shape or (1,)) != (len(names),):
                what = f"must have {len(names)} columns, found {dtype.shape}"
                raise self._error(f"column block {block!r} {what}")
            coded = _text(table, f"{block}_meta") == "category"
            stated = _text(table, f"{block}_{'meta' if coded else 'dtype'}")
            self._add(names, Block(table, dtype.base, field=block), stated)

    def _kept(self, names: list[str]) -> list[str]:
        return [name for name in names if not (self._skip and self._skip(name))]

    def _add(self, names: list[str], block: Block, stated: str | None) -> None:
        """Add the columns of a block, which pandas states to be of a dtype: numbers, stored as
        such, or times. What only looks like numbers, such as codes of categories, is refused."""
        kept, dtype, unit = self._kept(names), block.dtype, _unit(stated)
        block = replace(block, unit=unit, dtype=np.dtype(bool) if stated == "bool" else dtype)
        # The bytes of long doubles differ between machines.
        numeric = dtype.kind in "fiub" and dtype.itemsize <= 8
        stored = stated in (None, dtype.name) or (stated, dtype.name) == ("bool", "uint8")
        if kept and not (numeric and (stored or (unit and dtype == np.int64))):
            found = f"must be numeric, found {one_line(stated or '') if numeric else dtype}"
            raise self._error(f"column {some(kept, most=8)}: {found}; {HELP}")
        for position, name in enumerate(names):
            if name in self._columns:
                raise self._error(f"column {name!r}: column names must be unique")
            if name in kept:
                self._columns[name] = block, position

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
            raise self._error(f"column {some(of, most=8) or name}: {what}; {HELP}")
        if "shape" in node.attrs or not node.size:
            # How pandas writes an array without elements.
            raise self._error("must hold at least one row, found none")
        plan = node.id.get_create_plist()
        codes = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
        if unknown := [code for code in codes if not h5py.h5z.filter_avail(code)]:
            what = f"is compressed by the HDF5 filter {unknown[0]}, which is not known"
            raise self._error(f"{where} {what}; write it with blosc or none")
        # A chunk is decoded as a whole, and may be larger than what is in it.
        self._bytes += max(node.size, prod(node.chunks or ())) * node.dtype.itemsize
        self._check_size(self._bytes, where)
        return node

    def _check_size(self, size: int, what: str) -> None:
        if 0 < self._max_bytes < size:
            allowed = f"data.max_file_mb allows {self._max_bytes / 1e6:,.0f}"
            raise self._error(f"{what} would need {size / 1e6:,.0f} MB; {allowed}")

    def _one_dimension(self, name: str) -> Any:
        """A dataset of one dimension, which says how many rows there are."""
        node = self._dataset(name)
        if node.ndim != 1:
            raise self._error(f"{node.name} must have one dimension")
        self.rows = int(node.shape[0])
        self._check_size(self.rows * ROW_BYTES, f"{self.rows:,} rows")
        return node

    def _names(self, name: str) -> list[str]:
        node = self._dataset(name)
        if _text(node, "kind") not in ("string", None) or node.dtype.kind != "S":
            raise self._error(f"{node.name}: column names must be text, found {node.dtype}")
        if node.size * (200 + node.dtype.itemsize) > _NAMES_BYTES:
            raise self._error(f"{node.name}: must hold fewer or shorter names, found {node.size:,}")
        # What is no UTF-8 becomes surrogates, which are not printable either.
        return self._named([one.decode(errors="surrogateescape") for one in node[()].flat])

    def _named(self, names: list[str]) -> list[str]:
        """Names of columns, if all are fit to be shown and to be written."""
        for name in names:
            if not name.isprintable() or len(name.encode()) > _NAME_BYTES:
                must = f"a column's name must be printable UTF-8 of at most {_NAME_BYTES} bytes"
                raise self._error(f"{must}, found {name[:60]!a}")
        return names

    def _error(self, what: str) -> InputError:
        return InputError(f"{self.path}: {what}")


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
            if opcode.name in _TEXTS:
                found.append(str(argument))
            elif opcode.name == "STOP":
                return found
            elif opcode.name not in _LISTS:
                what = f"is a pickle of more than a list of names ({opcode.name})"
                raise ValueError(f"{what}, which is never loaded; a name twice, a MultiIndex?")
    except (UnicodeDecodeError, IndexError) as error:
        raise ValueError(f"is damaged: {error}") from None
    raise ValueError("is not a list of names")


def _text(node: Any, name: str) -> str | None:
    """A text attribute, or None where it is absent, empty or not text."""
    value = _raw(node, name)
    return None if value is None else value.decode("utf-8", errors="replace")


def _raw(node: Any, name: str) -> bytes | None:
    """The bytes of an attribute that is text, as it is stored."""
    if name in node.attrs and node.attrs.get_id(name).get_storage_size() > _ATTRIBUTE_BYTES:
        raise ValueError(f"the attribute {name!r} is too large")
    value = node.attrs.get(name)
    if isinstance(value, str):
        return value.encode("utf-8", errors="surrogateescape")
    # h5py gives Empty for a text without a character.
    return value if isinstance(value, bytes) else None
