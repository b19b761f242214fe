"""Read frames that pandas (or this project) wrote: fixed or table format, any HDF5 filter.

h5py is used for reading, not pandas or PyTables, because those unpickle attributes of the
file as they open it.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers blosc, zstd, lz4, ... with h5py)
import numpy as np

from alpha.errors import InputError
from alpha.store.layout import NS_PER_UNIT, Column, Layout

# Columns are read in slices of about this many bytes, so that the rows of a wide block are
# never all in memory when a few of its columns are wanted.
_SLICE_BYTES = 1 << 25


class FrameReader:
    """One open frame. `columns` maps each column's name to its dtype, in file order."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.path = layout.path
        self.rows = layout.rows
        self.aware = layout.aware
        self.columns = {
            name: column.dtype if column.unit is None else np.dtype("M8[ns]")
            for name, column in layout.columns.items()
        }

    def time_ns(self, column: str | None = None) -> np.ndarray:
        """Timestamps, (rows,) int64 nanoseconds UTC, from the index or from a column.

        A column of timestamps must be datetime64; the index too. Raises InputError otherwise.
        """
        source = self._layout.index if column is None else self._layout.columns.get(column)
        if source is None:
            raise InputError(f"{self.path}: no column {column!r} (data.timestamp)")
        if source.unit is None:
            what = "index" if column is None else f"column {column!r} (data.timestamp)"
            raise InputError(f"{self.path}: the {what} must hold timestamps, found {source.dtype}")
        values = self._read(source).astype(np.int64, copy=False)
        if (values == np.iinfo(np.int64).min).any():
            row = int(np.argmax(values == np.iinfo(np.int64).min))
            raise InputError(f"{self.path}: row {row}: the timestamp is missing (NaT)")
        return values * NS_PER_UNIT[source.unit]

    def column(self, name: str) -> np.ndarray:
        """One column as float64, (rows,). Raises InputError if it does not exist."""
        if name not in self._layout.columns:
            raise InputError(
                f"{self.path}: no column {name!r}, found {', '.join(self._layout.columns)}"
            )
        return self._read(self._layout.columns[name]).astype(np.float64)

    def matrix(self, names: Sequence[str], *, start: int = 0, stop: int | None = None) -> Any:
        """Columns `names` of rows [start, stop) as (rows, len(names)), C order.

        float32 if every column is float32 or narrower, else float64.
        """
        stop = self.rows if stop is None else min(stop, self.rows)
        sources = [self._layout.columns[name] for name in names]
        dtype = np.result_type(np.float32, *(source.dtype for source in sources))
        out = np.empty((stop - start, len(names)), dtype=dtype)
        by_block: dict[tuple[str, str | None], list[int]] = {}
        for at, source in enumerate(sources):
            by_block.setdefault(source.block, []).append(at)
        for ats in by_block.values():
            self._fill(out, ats, sources, start)
        return out

    def _fill(self, out: np.ndarray, ats: list[int], sources: list[Column], start: int) -> None:
        """Fill the columns `ats` of `out`, which stand in one block, from row `start` on."""
        first = sources[ats[0]]
        step = self._rows_at_once(first)
        positions = np.array([sources[at].position or 0 for at in ats])
        for low in range(0, len(out), step):
            high = min(low + step, len(out))
            values = self._slice(first, start + low, start + high)
            if values.ndim == 1:
                out[low:high, ats[0]] = values
            elif _run(positions) and _run(np.array(ats)) and len(ats) == values.shape[1]:
                out[low:high, ats[0] : ats[0] + len(ats)] = values
            else:
                out[low:high, ats] = values[:, positions]

    def _read(self, source: Column) -> np.ndarray:
        step = self._rows_at_once(source)
        out = np.empty(self.rows, dtype=source.dtype)
        for low in range(0, self.rows, step):
            values = self._slice(source, low, min(low + step, self.rows))
            column = values if values.ndim == 1 else values[:, source.position]
            out[low : low + len(values)] = column
        return out

    def _rows_at_once(self, source: Column) -> int:
        block_bytes = source.dataset.size * source.dataset.dtype.itemsize
        return max(1, _SLICE_BYTES * self.rows // max(1, block_bytes))

    def _slice(self, source: Column, low: int, high: int) -> np.ndarray:
        """Rows [low, high) of a column's block: (rows,) or (rows, columns of the block)."""
        values = source.dataset
        with reading(self.path):
            if source.field is not None:
                return values[low:high][source.field]
            if values.ndim == 1:
                return values[low:high]
            return values[:, low:high].T if source.rows_last else values[low:high]


def _run(numbers: np.ndarray) -> bool:
    """Whether the numbers count up one by one."""
    return bool((np.diff(numbers) == 1).all())


@contextmanager
def open_frame(path: Path, *, key: str, max_bytes: int = 1 << 40) -> Iterator[FrameReader]:
    """Open the frame under `key` for reading.

    Raises InputError, naming the file, if it is missing, unreadable, truncated, not a pandas
    frame, holds Python objects or links out, or needs more than `max_bytes` of memory.
    """
    with ExitStack() as stack:
        with reading(path):
            file = stack.enter_context(h5py.File(path, "r"))
            if key.strip("/") not in file:
                found = ", ".join(sorted(file)) or "nothing"
                raise InputError(f"{path}: no key {key!r}, found {found}")
            if not isinstance(file.get(key, getlink=True), h5py.HardLink):
                raise InputError(f"{path}: key {key!r} is a link out of the file, not followed")
            group = file[key]
            if not isinstance(group, h5py.Group):
                raise InputError(f"{path}: key {key!r} must hold a pandas DataFrame")
            frame = FrameReader(Layout(path, group, max_bytes))
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
