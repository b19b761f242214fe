"""Read frames that pandas or this project wrote: fixed or table format, any HDF5 filter.

h5py alone opens a file: pandas and PyTables unpickle attributes of a file as they open it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers blosc, zstd, lz4, ... with h5py)
import numpy as np

from alpha.core import parallel
from alpha.core.errors import InputError
from alpha.core.layout import NS_PER_UNIT, Column, Layout

# A wide block is read in slices of about this many bytes, so that it is never all in memory when
# a few of its columns are wanted.
_SLICE_BYTES = 1 << 25
# How far from 1970 a timestamp may be: 270 years.
_LATEST_NS = 270 * 31_556_952 * 10**9


class FrameReader(Layout):
    """One open frame."""

    @cached_property
    def columns(self) -> dict[str, np.dtype]:
        """The dtype of each column by its name, in file order."""
        return {
            name: column.dtype if column.unit is None else np.dtype("M8[ns]")
            for name, column in self._columns.items()
        }

    def time_ns(
        self, column: str | None = None, *, start: int = 0, stop: int | None = None
    ) -> np.ndarray:
        """Timestamps of rows [start, stop), int64 nanoseconds UTC, from the index or a column.

        A column of timestamps must be datetime64; the index too. Raises InputError otherwise.
        """
        source = self._index if column is None else self._source(column)
        unit = source.unit
        if unit is None or source.dtype.kind not in "iuM":
            what = "index" if column is None else f"column {column!r} (data.timestamp)"
            raise self._error(f"the {what} must hold timestamps, found {source.dtype}")
        values = self._read(source, start, stop).astype(np.int64, copy=False)
        # Times and look-ahead windows before and after them must fit 64 bits.
        latest = _LATEST_NS // NS_PER_UNIT[unit]
        if len(values) and not -latest <= values.min() <= values.max() <= latest:
            missing = values == np.iinfo(np.int64).min
            at = int(np.argmax(missing if missing.any() else np.abs(values) > latest))
            what = (
                "the timestamp is missing (NaT)"
                if missing.any()
                else f"the timestamp must be within the years 1700 to 2240, found {values[at]} "
                f"{unit} from 1970"
            )
            raise self._error(f"row {start + at}: {what}")
        return values if unit == "ns" else values * NS_PER_UNIT[unit]

    def _source(self, name: str) -> Column:
        if name not in self._columns:
            raise self._error(f"no column {name!r}, found {', '.join(self._columns)}")
        return self._columns[name]

    def column(self, name: str) -> np.ndarray:
        """One column as float64, (rows,). Raises InputError if it does not exist."""
        return self._read(self._source(name), 0, None).astype(np.float64)

    def matrix(self, names: Sequence[str], *, start: int = 0, stop: int | None = None) -> Any:
        """Columns `names` of rows [start, stop) as (rows, len(names)), C order.

        float32 if every column is float32 or narrower, else float64.
        """
        sources = [self._columns[name] for name in names]
        dtype = np.result_type(np.float32, *(source.dtype for source in sources))
        stop = self.rows if stop is None else min(stop, self.rows)
        out = np.empty((stop - start, len(names)), dtype=dtype)
        blocks: dict[tuple[int, str | None], list[int]] = {}
        for at, source in enumerate(sources):
            blocks.setdefault((id(source.dataset), source.field), []).append(at)
        for ats in blocks.values():
            self._fill(out, ats, [sources[at] for at in ats], start)
        return out

    def _read(self, source: Column, start: int, stop: int | None) -> np.ndarray:
        stop = self.rows if stop is None else min(stop, self.rows)
        out = np.empty((stop - start, 1), dtype=source.dtype)
        self._fill(out, [0], [source], start)
        return out[:, 0]

    def _fill(self, out: np.ndarray, ats: list[int], sources: list[Column], start: int) -> None:
        """Fill the columns `ats` of `out` with columns of one block, from row `start` on."""
        first, positions = sources[0], [source.position or 0 for source in sources]
        dataset, low, high = first.dataset, min(positions), max(positions) + 1
        there, here = _together([position - low for position in positions]), _together(ats)
        plain = isinstance(there, slice) and isinstance(here, slice) and not first.rows_last
        for rows in parallel.cut(len(out), self._rows_at_once(first)):
            into = slice(rows.start, rows.stop)
            stored = slice(start + rows.start, start + rows.stop)
            with reading(self.path):
                if first.field is not None:
                    values = dataset[stored][first.field]
                    values = values[:, None] if values.ndim == 1 else values[:, low:high]
                elif dataset.ndim == 1:
                    values = dataset[stored][:, None]
                elif plain and dataset.dtype == out.dtype:
                    dataset.read_direct(out, (stored, slice(low, high)), (into, here))
                    continue
                elif first.rows_last:
                    values = dataset[low:high, stored].T
                else:
                    values = dataset[stored, low:high]
            # A NaN in a damaged file may be one that signals.
            with np.errstate(invalid="ignore"):
                out[into, here] = values[:, there]

    def _rows_at_once(self, source: Column) -> int:
        dataset = source.dataset
        rows = max(1, _SLICE_BYTES * self.rows // max(1, dataset.size * dataset.dtype.itemsize))
        # A chunk that is cut is decompressed once for each part.
        step = dataset.chunks[int(source.rows_last)] if dataset.chunks else 1
        return max(rows // step * step, min(rows, step))


def _together(columns: list[int]) -> slice | list[int]:
    """Columns that stand side by side as a slice, which is faster."""
    first, stop = columns[0], columns[0] + len(columns)
    return slice(first, stop) if columns == list(range(first, stop)) else columns


@contextmanager
def open_frame(path: Path, key: str = "df", *, max_bytes: int = 1 << 40) -> Iterator[FrameReader]:
    """Open the frame under `key` for reading.

    Raises InputError, naming the file, if it is missing, unreadable, truncated, not a pandas
    frame, holds Python objects or links out, or needs more than `max_bytes` of memory.
    """
    with reading(path):
        file = h5py.File(path, "r")
    with file:
        with reading(path):
            link = file.get(key, getlink=True)
            if link is None:
                found = ", ".join(sorted(file)) or "nothing"
                raise InputError(f"{path}: no key {key!r}, found {found}")
            if not isinstance(link, h5py.HardLink):
                raise InputError(f"{path}: key {key!r} is a link out of the file, not followed")
            group = file[key]
            if not isinstance(group, h5py.Group):
                raise InputError(f"{path}: key {key!r} must hold a pandas DataFrame")
            frame = FrameReader(path, group, max_bytes)
        yield frame


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what h5py raises at a file that is missing, cut or damaged into one line.

    Found by damaging files at random: OSError, RuntimeError, KeyError, and ValueError or
    TypeError where a damaged header decodes to nonsense.
    """
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, MemoryError) as error:
        # HDF5's message without its clock, addresses and counts.
        reason = " ".join(str(error).split()).split(", time")[0].split(", filename")[0]
        raise InputError(f"{path}: cannot be read as HDF5: {reason}") from None
