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

from alpha.core.errors import InputError
from alpha.core.store import chunked
from alpha.core.store.chunked import Run
from alpha.core.store.layout import NS_PER_UNIT, Column, Layout

# Columns are read in slices of about this many bytes, so that the rows of a wide block are
# never all in memory when a few of its columns are wanted.
_SLICE_BYTES = 1 << 25
# Of a timestamp, before or after 1970: 270 years.
_LATEST_NS = 270 * 31_556_952 * 10**9


# The dtype of a matrix; of each block a column that stands in it, and its columns.
_Plan = tuple[np.dtype, list[tuple[Column, list[Run]]]]


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
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def time_ns(
        self, column: str | None = None, *, start: int = 0, stop: int | None = None
    ) -> np.ndarray:
        """Timestamps of rows [start, stop), int64 nanoseconds UTC, from the index or a column.

        A column of timestamps must be datetime64; the index too. Raises InputError otherwise.
        """
        source = self.source(column)
        if source.unit is None or source.dtype.kind not in "iuM":
            what = "index" if column is None else f"column {column!r} (data.timestamp)"
            raise InputError(f"{self.path}: the {what} must hold timestamps, found {source.dtype}")
        stop = self.rows if stop is None else stop
        values = self._read(source, start, stop).astype(np.int64, copy=False)
        latest = _LATEST_NS // NS_PER_UNIT[source.unit]
        if len(values) and not -latest <= values.min() <= values.max() <= latest:
            self._refuse_times(values, start, latest, source.unit)
        return values if source.unit == "ns" else values * NS_PER_UNIT[source.unit]

    def _refuse_times(self, values: np.ndarray, start: int, latest: int, unit: str) -> None:
        """Say which of the timestamps, which start with row `start`, is the first that is none."""
        missing = values == np.iinfo(np.int64).min
        if missing.any():
            row = start + int(np.argmax(missing))
            raise InputError(f"{self.path}: row {row}: the timestamp is missing (NaT)")
        # Times and look-ahead windows before and after them must fit 64 bits.
        row = int(np.argmax(np.abs(values) > latest))
        raise InputError(
            f"{self.path}: row {start + row}: the timestamp must be within the years 1700 to "
            f"2240, found {values[row]} {unit} from 1970"
        )

    def source(self, name: str | None) -> Column:
        """Where a column is, or the index if None. Raises InputError if it does not exist."""
        if name is None:
            return self._layout.index
        if name not in self._layout.columns:
            raise InputError(
                f"{self.path}: no column {name!r}, found {', '.join(self._layout.columns)}"
            )
        return self._layout.columns[name]

    def column(self, name: str) -> np.ndarray:
        """One column as float64, (rows,). Raises InputError if it does not exist."""
        return self._read(self.source(name), 0, self.rows).astype(np.float64)

    def matrix(self, names: Sequence[str], *, start: int = 0, stop: int | None = None) -> Any:
        """Columns `names` of rows [start, stop) as (rows, len(names)), C order.

        float32 if every column is float32 or narrower, else float64.
        """
        stop = self.rows if stop is None else min(stop, self.rows)
        dtype, blocks = self._plan(tuple(names))
        out = np.empty((stop - start, len(names)), dtype=dtype)
        for first, runs in blocks:
            self._fill(out, first, runs, start)
        return out

    def _plan(self, names: tuple[str, ...]) -> _Plan:
        """The dtype of a matrix, and of each block of the file its columns: the same for each
        part of the rows."""
        if names not in self._plans:
            sources = [self._layout.columns[name] for name in names]
            dtype = np.result_type(np.float32, *(source.dtype for source in sources))
            blocks: dict[tuple[int, str | None], list[int]] = {}
            for at, source in enumerate(sources):
                blocks.setdefault((id(source.dataset), source.field), []).append(at)
            runs = [
                (sources[ats[0]], _runs(ats, [sources[at].position or 0 for at in ats]))
                for ats in blocks.values()
            ]
            self._plans[names] = dtype, runs
        return self._plans[names]

    def _fill(self, out: np.ndarray, first: Column, runs: list[Run], start: int) -> None:
        """Fill the columns of `runs`, which stand in the block of `first`, from row `start` on."""
        if first.field is None and not first.rows_last:
            with reading(self.path):
                if chunked.fill(first.dataset, out, runs, start):
                    return
                if _whole(first.dataset, out, runs):
                    first.dataset.read_direct(out, np.s_[start : start + len(out)])
                    return
        step = self._rows_at_once(first)
        for low in range(0, len(out), step):
            high = min(low + step, len(out))
            values = self._slice(first, start + low, start + high)
            values = values[:, None] if values.ndim == 1 else values
            for at, position, count in runs:
                out[low:high, at : at + count] = values[:, position : position + count]

    def _read(self, source: Column, start: int, stop: int) -> np.ndarray:
        out = np.empty((stop - start, 1), dtype=source.dtype)
        self._fill(out, source, [(0, source.position or 0, 1)], start)
        return out[:, 0]

    def _rows_at_once(self, source: Column) -> int:
        block_bytes = source.dataset.size * source.dataset.dtype.itemsize
        rows = max(1, _SLICE_BYTES * self.rows // max(1, block_bytes))
        # A chunk that is cut is decompressed once for each part.
        step = source.dataset.chunks[int(source.rows_last)] if source.dataset.chunks else 1
        return max(rows // step * step, min(rows, step))

    def _slice(self, source: Column, low: int, high: int) -> np.ndarray:
        """Rows [low, high) of a column's block: (rows,) or (rows, columns of the block)."""
        values = source.dataset
        with reading(self.path):
            if source.field is not None:
                return values[low:high][source.field]
            if values.ndim == 1:
                return values[low:high]
            return values[:, low:high].T if source.rows_last else values[low:high]


def _whole(dataset: Any, out: np.ndarray, runs: list[Run]) -> bool:
    """Whether rows of the dataset are rows of `out` as they are."""
    return (
        dataset.chunks is None
        and dataset.shape[1:] == out.shape[1:]
        and dataset.dtype == out.dtype
        and runs == [(0, 0, out.shape[1])]
        and len(out) > 0
    )


def _runs(ats: list[int], positions: list[int]) -> list[Run]:
    """Columns that stand side by side in `out` and in the block alike: (at, position, count)."""
    runs: list[Run] = []
    for at, position in zip(ats, positions, strict=True):
        if runs and (at, position) == (runs[-1][0] + runs[-1][2], runs[-1][1] + runs[-1][2]):
            runs[-1] = (*runs[-1][:2], runs[-1][2] + 1)
        else:
            runs.append((at, position, 1))
    return runs


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
