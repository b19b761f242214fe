"""Read frames that pandas (or this project) wrote: fixed or table format, any HDF5 filter.

h5py is used for reading, not pandas or PyTables, because those unpickle attributes of the
file as they open it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers blosc, zstd, lz4, ... with h5py)
import numpy as np

from alpha.errors import InputError
from alpha.store import attributes

# Columns are read in slices of about this many bytes, so that the rows of a wide block are
# never all in memory when a few of its columns are wanted.
_SLICE_BYTES = 1 << 25
_NS_PER_UNIT = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


@dataclass(frozen=True)
class _Column:
    dataset: Any  # h5py.Dataset
    field: str | None  # of a compound (table format) dataset
    position: int | None  # in a two-dimensional block
    rows_last: bool  # the block is stored (columns, rows)
    unit: str | None  # "ns", ... where the column holds timestamps

    @property
    def dtype(self) -> np.dtype:
        dtype = (
            self.dataset.dtype if self.field is None else self.dataset.dtype[self.field]
        )
        return dtype.base

    def block(self) -> tuple[str, str | None]:
        return self.dataset.name, self.field


class FrameReader:
    """One open frame. `columns` maps each column's name to its dtype, in file order."""

    def __init__(self, path: Path, group: Any, max_bytes: int) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._group = group
        self._index: _Column | None = None
        self._columns: dict[str, _Column] = {}
        self.rows = 0
        self.aware = False
        kind = attributes.text(group, "pandas_type")
        if kind == "frame":
            self._open_fixed()
        elif kind in ("frame_table", "appendable_frame") or "table" in group:
            self._open_table()
        else:
            raise InputError(
                f"{path}: key {group.name!r} must hold a pandas DataFrame, found "
                f"{kind or 'no pandas_type attribute'}"
            )
        self.columns = {
            name: column.dtype if column.unit is None else np.dtype("M8[ns]")
            for name, column in self._columns.items()
        }

    # -- what is in it ------------------------------------------------------------------

    def _open_fixed(self) -> None:
        index = self._dataset("axis1")
        self.rows = self._length(index)
        self._set_index(
            _Column(index, None, None, False, _unit(attributes.text(index, "kind")))
        )
        order = self._read_names("axis0")
        found: dict[str, _Column] = {}
        for number in range(int(self._group.attrs.get("nblocks", 0))):
            names = self._read_names(f"block{number}_items")
            values = self._dataset(f"block{number}_values", of=names)
            # pandas stores rows first and says so; older files have columns first.
            rows_last = not bool(values.attrs.get("transposed", False))
            shape = values.shape[::-1] if rows_last else values.shape
            if shape != (self.rows, len(names)):
                raise InputError(
                    f"{self.path}: {values.name} must have the shape "
                    f"({self.rows}, {len(names)}), found {shape}"
                )
            unit = _unit(attributes.text(values, "value_type"))
            for position, name in enumerate(names):
                found[name] = _Column(values, None, position, rows_last, unit)
        self._columns = {name: found[name] for name in order if name in found}
        if len(set(order)) != len(order) or len(found) != len(order):
            raise InputError(
                f"{self.path}: column names must be unique and each have values"
            )

    def _open_table(self) -> None:
        table = self._dataset("table")
        self.rows = self._length(table)
        fields = table.dtype.names or ()
        if "index" not in fields:
            raise InputError(f"{self.path}: {table.name} must have an index")
        unit = _unit(attributes.text(table, "index_kind"))
        self._set_index(_Column(table, "index", None, False, unit))
        # Table format keeps the index's time zone inside a pickled attribute, which is not
        # looked into; only whether it names one is seen.
        self.aware = b"Vtz" in _bytes(self._group.attrs.get("info", b""))
        found = {}
        for field in fields:
            if field == "index":
                continue
            try:
                names = attributes.text_list(table, f"{field}_kind")
            except ValueError as error:
                raise InputError(f"{self.path}: column {field!r}: {error}") from None
            shape = table.dtype[field].shape or (1,)
            if shape != (len(names),):
                raise InputError(
                    f"{self.path}: column block {field!r} must have {len(names)} columns, "
                    f"found {shape}"
                )
            self._check_numeric(table.dtype[field].base, names)
            unit = _unit(attributes.text(table, f"{field}_dtype"))
            for position, name in enumerate(names):
                at = position if table.dtype[field].shape else None
                found[name] = _Column(table, field, at, False, unit)
        self._columns = found

    def _set_index(self, index: _Column) -> None:
        self._index = index
        self.aware = attributes.is_set(index.dataset, "tz")

    def _dataset(self, name: str, of: Sequence[str] = ()) -> Any:
        """A dataset of the frame that is inside the file, numeric, and not too large."""
        where = f"{self.path}: {self._group.name}/{name}"
        link = self._group.get(name, getlink=True)
        if link is None:
            raise InputError(f"{where} is missing: not a whole pandas frame")
        if not isinstance(link, h5py.HardLink):
            raise InputError(
                f"{where} is a link out of the frame, which is not followed"
            )
        node = self._group[name]
        if not isinstance(node, h5py.Dataset):
            raise InputError(f"{where} must be a dataset, found {type(node).__name__}")
        if node.is_virtual or node.external:
            raise InputError(
                f"{where} keeps its values in another file, which is not followed"
            )
        if attributes.text(node, "PSEUDOATOM") or node.dtype.kind == "O":
            columns = ", ".join(of) or name
            raise InputError(
                f"{self.path}: column {columns}: holds Python objects (a pickle), which are "
                f"never loaded; write it as numbers or drop it"
            )
        if of:
            self._check_numeric(node.dtype, of)
        size = node.size * node.dtype.itemsize
        if size > self._max_bytes:
            raise InputError(
                f"{where} would need {size / 1e6:,.0f} MB; data.max_file_mb allows "
                f"{self._max_bytes / 1e6:,.0f}"
            )
        return node

    def _check_numeric(self, dtype: np.dtype, names: Sequence[str]) -> None:
        if dtype.kind not in "fiub":
            raise InputError(
                f"{self.path}: column {', '.join(names)}: must be numeric, found {dtype}; "
                f"write it as numbers or drop it"
            )

    def _read_names(self, name: str) -> list[str]:
        node = self._dataset(name)
        if node.dtype.kind != "S":
            raise InputError(
                f"{self.path}: {node.name} must hold column names, found {node.dtype}"
            )
        return [
            value.decode("utf-8", errors="replace") for value in node[()].reshape(-1)
        ]

    def _length(self, dataset: Any) -> int:
        if dataset.ndim != 1:
            raise InputError(f"{self.path}: {dataset.name} must have one dimension")
        return int(dataset.shape[0])

    # -- its values ---------------------------------------------------------------------

    def time_ns(self, column: str | None = None) -> np.ndarray:
        """Timestamps, (rows,) int64 nanoseconds UTC, from the index or from a column.

        A column of timestamps must be datetime64; the index too. Raises InputError otherwise.
        """
        source = self._index if column is None else self._columns.get(column)
        if source is None:
            raise InputError(f"{self.path}: no column {column!r} (data.timestamp)")
        if source.unit is None:
            what = "index" if column is None else f"column {column!r} (data.timestamp)"
            raise InputError(
                f"{self.path}: the {what} must hold timestamps, found {source.dtype}"
            )
        values = self._read(source).astype(np.int64, copy=False)
        if (values == np.iinfo(np.int64).min).any():
            row = int(np.argmax(values == np.iinfo(np.int64).min))
            raise InputError(f"{self.path}: row {row}: the timestamp is missing (NaT)")
        return values * _NS_PER_UNIT[source.unit]

    def column(self, name: str) -> np.ndarray:
        """One column as float64, (rows,). Raises InputError if it does not exist."""
        if name not in self._columns:
            raise InputError(
                f"{self.path}: no column {name!r}, found {', '.join(self._columns)}"
            )
        return self._read(self._columns[name]).astype(np.float64)

    def matrix(
        self, names: Sequence[str], *, start: int = 0, stop: int | None = None
    ) -> Any:
        """Columns `names` of rows [start, stop) as (rows, len(names)), C order.

        float32 if every column is float32 or narrower, else float64.
        """
        stop = self.rows if stop is None else min(stop, self.rows)
        sources = [self._columns[name] for name in names]
        dtype = np.result_type(np.float32, *(source.dtype for source in sources))
        out = np.empty((stop - start, len(names)), dtype=dtype)
        by_block: dict[tuple[str, str | None], list[int]] = {}
        for at, source in enumerate(sources):
            by_block.setdefault(source.block(), []).append(at)
        for ats in by_block.values():
            self._fill(out, ats, sources, start)
        return out

    def _fill(
        self, out: np.ndarray, ats: list[int], sources: list[_Column], start: int
    ) -> None:
        first = sources[ats[0]]
        row_bytes = max(
            1, first.dataset.dtype.itemsize * (first.dataset.size // max(1, self.rows))
        )
        step = max(1, _SLICE_BYTES // row_bytes)
        positions = [sources[at].position for at in ats]
        for low in range(0, len(out), step):
            high = min(low + step, len(out))
            values = _slice(first, start + low, start + high)
            if values.ndim == 1:
                out[low:high, ats[0]] = values
            elif positions == list(range(values.shape[1])) and ats == list(
                range(ats[0], ats[0] + len(ats))
            ):
                out[low:high, ats[0] : ats[0] + len(ats)] = values
            else:
                out[low:high, ats] = values[:, positions]

    def _read(self, source: _Column) -> np.ndarray:
        row_bytes = (
            source.dataset.dtype.itemsize * source.dataset.size // max(1, self.rows)
        )
        step = max(1, _SLICE_BYTES // max(1, row_bytes))
        out = np.empty(self.rows, dtype=source.dtype)
        for low in range(0, self.rows, step):
            values = _slice(source, low, min(low + step, self.rows))
            out[low : low + len(values)] = (
                values if values.ndim == 1 else values[:, source.position]
            )
        return out


def _slice(source: _Column, low: int, high: int) -> np.ndarray:
    """Rows [low, high) of a column's block: (rows,) or (rows, columns of the block)."""
    if source.field is not None:
        return source.dataset[low:high][source.field]
    if source.dataset.ndim == 1:
        return source.dataset[low:high]
    return (
        source.dataset[:, low:high].T if source.rows_last else source.dataset[low:high]
    )


def _unit(kind: str | None) -> str | None:
    """The time unit of a pandas dtype name: datetime64 (ns) or datetime64[unit, ...]."""
    if kind is None or not kind.startswith("datetime64"):
        return None
    unit = kind[len("datetime64") :].strip("[]").split(",")[0].strip() or "ns"
    return unit if unit in _NS_PER_UNIT else None


def _bytes(value: Any) -> bytes:
    return (
        bytes(value)
        if isinstance(value, bytes)
        else str(value).encode("latin-1", "replace")
    )


@contextmanager
def open_frame(
    path: Path, *, key: str, max_bytes: int = 1 << 40
) -> Iterator[FrameReader]:
    """Open the frame under `key` for reading.

    Raises InputError, naming the file, if it is missing, unreadable, truncated, not a pandas
    frame, holds Python objects or links out, or needs more than `max_bytes` of memory.
    """
    try:
        with h5py.File(path, "r") as file:
            if key.strip("/") not in file:
                found = ", ".join(sorted(file)) or "nothing"
                raise InputError(f"{path}: no key {key!r}, found {found}")
            group = file[key]
            if not isinstance(group, h5py.Group):
                raise InputError(f"{path}: key {key!r} must hold a pandas DataFrame")
            yield FrameReader(path, group, max_bytes)
    except OSError as error:
        raise InputError(f"{path}: cannot be read as HDF5: {_reason(error)}") from None


def _reason(error: OSError) -> str:
    return error.strerror or " ".join(str(error).split())
