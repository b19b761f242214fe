"""Read frames that pandas or this project wrote: Parquet, or HDF5 in fixed or table format, with
any filter.

h5py alone opens an HDF5 file: pandas and PyTables unpickle attributes of a file as they open it.
"""

import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from math import prod
from pathlib import Path
from threading import RLock
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers blosc, zstd, lz4, ... with h5py)
import numpy as np

from alpha.core import parallel
from alpha.core.artifacts import check_file
from alpha.core.errors import InputError
from alpha.core.layout import NS_PER_UNIT, Block, Column, Layout, Skip
from alpha.core.text import one_line

# How far from 1970 a timestamp may be: 270 years.
_LATEST_NS = 270 * 31_556_952 * 10**9
# A wide block is read in slices of about this many bytes, so that it is never all in memory when
# a few of its columns are wanted.
_SLICE_BYTES = 1 << 25
# What libraries, and other threads, may take while a file is decoded.
_SLACK_BYTES, _MORE_BYTES, _LIMITING = 200_000_000, 1_500_000_000, RLock()
# What damaging files at random has brought.
_DAMAGES = OSError, RuntimeError, LookupError, ValueError, TypeError, MemoryError, ArithmeticError


class FrameReader(Layout):
    """One open frame, or as many `rows` of it from `first` on: these are numbered from 0."""

    first = 0

    @cached_property
    def columns(self) -> dict[str, np.dtype]:
        """The dtype of each column by its name, in file order."""
        return {
            name: block.dtype if block.unit is None else np.dtype("M8[ns]")
            for name, (block, _) in self._columns.items()
        }

    def time_ns(
        self, column: str | None = None, *, start: int = 0, stop: int | None = None
    ) -> np.ndarray:
        """Timestamps of rows [start, stop), int64 nanoseconds UTC, from the index or a column.

        A column of timestamps must be datetime64; the index too. Raises InputError otherwise.
        """
        source = (self._index, 0) if column is None else self._source(column)
        unit, dtype = source[0].unit, source[0].dtype
        if unit is None or dtype.kind not in "iu" or dtype.itemsize != 8:
            what = "index" if column is None else f"column {column!r} (data.timestamp)"
            hint = "; data.timestamp may name a column" if column is None else ""
            raise self._error(f"the {what} must hold timestamps, found {dtype}{hint}")
        values = self._read([source], dtype, start, stop)[:, 0].astype(np.int64, copy=False)
        # Times and look-ahead windows before and after them must fit 64 bits.
        latest = _LATEST_NS // NS_PER_UNIT[unit]
        if len(values) and not -latest <= values.min() <= values.max() <= latest:
            missing = values == np.iinfo(np.int64).min
            at = int(np.argmax(missing if missing.any() else np.abs(values) > latest))
            what = f"must be within the years 1700 to 2240, found {values[at]} {unit} from 1970"
            what = "is missing (NaT)" if missing.any() else f"{what}: is that its unit?"
            raise self._error(f"row {start + at}: the timestamp {what}")
        return values if unit == "ns" else values * NS_PER_UNIT[unit]

    def column(self, name: str) -> np.ndarray:
        """One column as float64, (rows,). Raises InputError if it does not exist."""
        return self._read([self._source(name)], np.dtype(np.float64))[:, 0]

    def matrix(self, names: Sequence[str], *, start: int = 0, stop: int | None = None) -> Any:
        """Columns `names` of rows [start, stop) as (rows, len(names)), C order.

        float32 if every column is float32 or narrower, else float64. Raises InputError if one does
        not exist.
        """
        sources = [self._source(name) for name in names]
        dtype = np.result_type(np.float32, *(block.dtype for block, _ in sources))
        return self._read(sources, dtype, start, stop)

    def _source(self, name: str) -> Column:
        if name not in self._columns:
            raise self._error(f"no column {name!r}, found {', '.join(self._columns)}")
        return self._columns[name]

    def _read(
        self, sources: list[Column], dtype: np.dtype, start: int = 0, stop: int | None = None
    ) -> np.ndarray:
        stop = self.rows if stop is None else min(stop, self.rows)
        out = np.empty((stop - start, len(sources)), dtype=dtype)
        # What is in one block is read together.
        together: dict[Block, list[int]] = {}
        for at, (block, _) in enumerate(sources):
            together.setdefault(block, []).append(at)
        for block, ats in together.items():
            self._fill(out, ats, block, [sources[at][1] for at in ats], self.first + start)
        return out

    def _fill(
        self, out: np.ndarray, ats: list[int], block: Block, positions: list[int], start: int
    ) -> None:
        """Fill the columns `ats` of `out` from those at `positions` of a block, from `start` on."""
        low, high = min(positions), max(positions) + 1
        there, here = _side_by_side([position - low for position in positions]), _side_by_side(ats)
        dataset = block.dataset
        plain = isinstance(there, slice) and isinstance(here, slice) and dataset.ndim == 2
        direct = plain and dataset.dtype == out.dtype and not block.rows_last
        size, chunk = self._rows_at_once(block), prod(dataset.chunks or ())
        limit = self._limit(out, (chunk + size * (high - low)) * dataset.dtype.itemsize)
        for piece in parallel.cut(len(out), size):
            into = slice(piece.start, piece.stop)
            rows = slice(start + piece.start, start + piece.stop)
            with reading(self.path, limit=limit), np.errstate(invalid="ignore"):
                if direct:
                    dataset.read_direct(out, (rows, slice(low, high)), (into, here))
                else:
                    # A NaN in a damaged file may be one that signals.
                    values = _values(block, rows, low, high)[:, there]
                    out[into, here] = values.astype(block.dtype, copy=False)

    def _limit(self, out: np.ndarray, part: int) -> int:
        """How many bytes decoding `part` bytes may take, besides those of `out`."""
        return self._max_bytes and max(1, min(self._max_bytes - out.nbytes, 4 * part + _MORE_BYTES))

    def _rows_at_once(self, block: Block) -> int:
        dataset = block.dataset
        rows = dataset.shape[-1 if block.rows_last else 0]
        rows = max(1, _SLICE_BYTES * rows // max(1, dataset.size * dataset.dtype.itemsize))
        # A chunk that is cut is decompressed once for each part.
        step = dataset.chunks[int(block.rows_last)] if dataset.chunks else 1
        return max(rows // step * step, min(rows, step))


def _side_by_side(columns: list[int]) -> slice | list[int]:
    """Columns that stand side by side as a slice, which is faster."""
    first, stop = columns[0], columns[0] + len(columns)
    return slice(first, stop) if columns == list(range(first, stop)) else columns


def _values(block: Block, rows: slice, low: int, high: int) -> np.ndarray:
    """Columns [low, high) of a block as (rows, columns)."""
    if block.rows_last:
        return block.dataset[low:high, rows].T
    if block.field is None and block.dataset.ndim == 2:
        return block.dataset[rows, low:high]
    # Of a table no more than the field: others may hold what is not to be loaded.
    values = (block.dataset.fields(block.field) if block.field else block.dataset)[rows]
    return values[:, None] if values.ndim == 1 else values[:, low:high]


@contextmanager
def open_frame(
    path: Path, key: str = "df", *, max_bytes: int = 0, rows: range | None = None, skip: Skip = None
) -> Iterator[FrameReader]:
    """Open the frame under `key` of an HDF5 file, or that of a Parquet file, for reading: what a
    file is, its first bytes say. With `rows`, of an HDF5 file, it holds these alone. Columns of the
    names that `skip` chooses are as if they were not there, whatever they hold.

    Raises InputError, naming the file, if it is missing, damaged, not a pandas frame, holds Python
    objects or links out, or needs more than `max_bytes` of memory, if it is not 0.
    """
    check_file(path)
    with reading(path), path.open("rb") as start:
        first = start.read(8)
    if first[:4] == b"PAR1":
        from alpha.core.parquet import ParquetReader  # which few users need

        with reading(path, "Parquet", limit=max_bytes):
            parquet = ParquetReader(path, max_bytes, skip)
        yield parquet
        return
    with reading(path):
        if first[1:4] != b"HDF" and not h5py.is_hdf5(path):
            raise InputError(f"{path}: must be HDF5 or Parquet, but starts with {first!r}")
        file = h5py.File(path, "r")
    with file:
        with reading(path, limit=max_bytes):
            link = file.get(key, getlink=True)
            if link is None:
                found = one_line(", ".join(list(file)[:8])) or "nothing"
                raise InputError(f"{path}: no key {key!r}, found {found}")
            if not isinstance(link, h5py.HardLink):
                raise InputError(f"{path}: key {key!r} is a link out of the file, not followed")
            group = file[key]
            if not isinstance(group, h5py.Group):
                raise InputError(f"{path}: key {key!r} must hold a pandas DataFrame")
            frame = FrameReader(path, group, max_bytes, skip)
        if rows is not None:
            if rows.stop > frame.rows:
                raise InputError(f"{path}: must have {rows.stop} rows, found {frame.rows}")
            frame.first, frame.rows = rows.start, len(rows)
        yield frame


@contextmanager
def reading(path: Path, form: str = "HDF5", *, limit: int = 0) -> Iterator[None]:
    """Turn what h5py or pyarrow raises at a file that is missing, cut or damaged into one line; and
    a need for more than `limit` bytes, if it is not 0: a few may be decompressed to any number."""
    with _LIMITING:
        before = resource.getrlimit(resource.RLIMIT_DATA)
        try:
            if limit:
                held = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
                most = [held + limit + _SLACK_BYTES, *(of for of in before if of >= 0)]
                resource.setrlimit(resource.RLIMIT_DATA, (min(most), before[1]))
            yield
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except _DAMAGES as error:
            # HDF5's message without its clock, addresses and counts.
            reason = " ".join(str(error).split())
            reason = one_line(reason.split(", time")[0].split(", filename")[0])
            if isinstance(error, MemoryError):
                reason = f"it needs more memory than data.max_file_mb allows {reason}".strip()
            if any(word in reason for word in ("lock file", "truncated file", "open for write")):
                reason = f"{reason}; is today's recording still running?"
            raise InputError(f"{path}: cannot be read as {form}: {reason}") from None
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, before)
