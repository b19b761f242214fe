"""Read datasets in the chunks of `alpha.core.store.chunks`, several at once."""

from concurrent.futures import wait
from typing import Any

import numpy as np

from alpha.core.store import chunks

# Columns [position, position + count) of a dataset are columns [at, at + count) of the result.
Run = tuple[int, int, int]  # at, position, count


def fill(dataset: Any, out: np.ndarray, runs: list[Run], start: int) -> bool:
    """Fill the columns of `runs` of `out` from rows [start, start + len(out)) of the dataset.

    False if not every chunk is as artifacts have them: then `out` may be filled in part, and
    HDF5 is to be asked. Raises what h5py raises, or ValueError, if the file is damaged.
    """
    if not len(out) or not _is_ours(dataset):
        return False
    high, across = (*dataset.chunks, 1)[:2]
    rows = range(start // high * high, start + len(out), high)
    columns = sorted(
        {at for _, position, count in runs for at in _columns(position, count, across)}
    )
    places = [(row, column) for row in rows for column in columns]
    read = _Chunks(dataset, out, runs, start)
    if len(places) == 1:
        return read.each(places)
    # Both halves are waited for, whatever became of the first.
    halves = [chunks.POOL.submit(read.each, places[at::2]) for at in range(2)]
    wait(halves)
    return all(half.result() for half in halves)


def _columns(position: int, count: int, across: int) -> range:
    return range(position // across * across, position + count, across)


def _is_ours(dataset: Any) -> bool:
    if dataset.chunks is None or dataset.ndim > 2 or dataset.dtype.kind not in "fiub":
        return False
    columns = dataset.shape[1] if dataset.ndim == 2 else 1
    expected = chunks.shape(dataset.shape[0], columns, dataset.dtype.itemsize)
    plist = dataset.id.get_create_plist()
    return (
        (*dataset.chunks, 1)[:2] == expected
        and dataset.dtype.isnative
        and plist.get_nfilters() == 1
        and plist.get_filter(0)[0] == chunks.FILTER
    )


class _Chunks:
    """Chunks of one dataset on their way to `out`."""

    def __init__(self, dataset: Any, out: np.ndarray, runs: list[Run], start: int) -> None:
        self._id, self._ndim = dataset.id, dataset.ndim
        self._shape = (*dataset.chunks, 1)[:2]
        self._dtype = dataset.dtype
        self._out, self._runs, self._start = out, runs, start

    def each(self, places: list[tuple[int, int]]) -> bool:
        """Copy what is asked for of the chunks that start at these rows and columns."""
        values = np.empty(self._shape, dtype=self._dtype)
        stored = np.empty(values.nbytes + chunks.OVERHEAD, dtype=np.uint8)
        for place in places:
            at = place[: self._ndim]
            size = self._id.get_chunk_info_by_coord(at).size
            if not 0 < size <= len(stored):
                return False
            mask, found = self._id.read_direct_chunk(at, out=stored[:size])
            if mask or not chunks.decode(found, values):
                return False
            # Of a damaged file a NaN may be one that signals.
            with np.errstate(invalid="ignore"):
                self._copy(values, *place)
        return True

    def _copy(self, values: np.ndarray, row: int, column: int) -> None:
        low = max(row, self._start)
        high = min(row + self._shape[0], self._start + len(self._out))
        for start, position, count in self._runs:
            first = max(position, column)
            last = min(position + count, column + self._shape[1])
            if first < last:
                part = values[low - row : high - row, first - column : last - column]
                at = start + first - position
                self._out[low - self._start : high - self._start, at : at + last - first] = part
