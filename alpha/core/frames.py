"""Frames in HDF5 files, laid out as pandas' fixed format: `pandas.read_hdf(path, "df")` opens them.

PyTables writes them, and alpha.core.foreign reads them, as any file that it does not trust. Their
bytes depend on content alone: no node has a time, and nothing is pickled. HDF5 has a lock around
its filters, so chunks are compressed outside, in two threads.
"""

import errno
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from alpha.core import parallel
from alpha.core.foreign import FrameReader
from alpha.core.foreign import open_frame as open_frame

# Smaller frames are stored as they are: importing Blosc2 takes longer than writing them.
_PLAIN_BYTES = 1 << 23
# A row of a chunk is one element to the shuffle filter, which puts bytes of one column and one
# significance side by side. A chunk fits the cache that HDF5 has for it, a megabyte.
_CHUNK_ROWS = 1 << 12
_ELEMENT_BYTES = 255
_BLOCK_BYTES = 1 << 17
# Rows that are read at a time. A definition: sums of other parts may differ in their last bits.
_PART_ROWS = 1 << 15
# Chunks that wait to be made, or to be written.
_AHEAD = 8
_POOL = ThreadPoolExecutor(2, thread_name_prefix="chunks")

Columns = Sequence[tuple[tuple[str, ...], np.dtype]]


class Block(NamedTuple):
    names: tuple[str, ...]
    values: np.ndarray  # (rows, len(names)), numeric or bool


def parts(
    frames: Iterable[AbstractContextManager[FrameReader]],
    names: Sequence[str],
    time: str | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Times (n,), in the index or a column `time`, and columns (n, names) of frames, part by part.
    Raises InputError if a column is missing."""
    for opened in frames:
        with opened as frame:
            for at in parallel.cut(frame.rows, _PART_ROWS):
                time_ns = frame.time_ns(time, start=at.start, stop=at.stop)
                yield time_ns, frame.matrix(names, start=at.start, stop=at.stop)


def import_ahead() -> None:
    """Start to import what writing needs, a third of a second, beside what a step does first."""
    _POOL.submit(__import__, "tables")
    _POOL.submit(__import__, "blosc2")


def write_frame(
    path: Path, time_ns: np.ndarray, blocks: Sequence[Block], *, tz_aware: bool
) -> None:
    """Write `time_ns` (rows,) int64 UTC nanoseconds as the index and `blocks` as the columns.

    `tz_aware` says whether pandas reads the index as UTC or as naive.
    """
    columns = [(block.names, block.values.dtype) for block in blocks]
    with open_writer(path, columns, rows=len(time_ns), tz_aware=tz_aware) as writer:
        writer.append(np.asarray(time_ns, dtype=np.int64), [block.values for block in blocks])


@contextmanager
def open_writer(
    path: Path, columns: Columns, *, rows: int, tz_aware: bool
) -> Iterator["FrameWriter"]:
    """A writer of a frame of so many rows, which come part by part.

    `columns` are the names and the dtype of each block. However rows are cut, the file has the
    same bytes. One thread at a time may write. Raises ValueError if there are more or fewer rows.
    """
    import tables

    if rows < 1:
        raise ValueError(f"a frame must have at least one row, found {rows}")
    row_bytes = 8 + sum(len(names) * np.dtype(dtype).itemsize for names, dtype in columns)
    plain = rows * row_bytes < _PLAIN_BYTES
    # PyTables does not say when the end of a file cannot be written: a small one is made in memory,
    # and of another all but its rows is read again. HDF5's own words are silenced by the thread.
    memory: Any = {"driver": "H5FD_CORE", "driver_core_backing_store": 0} if plain else {}
    tables.silence_hdf5_messages(True)
    with tables.open_file(str(path), "w", **memory) as file:
        writer = FrameWriter(_create(file, columns, rows, plain=plain, tz_aware=tz_aware), rows)
        yield writer
        writer.finish()
        image = file.get_file_image() if plain else b""
    if plain:
        path.write_bytes(image)
        return
    try:
        with h5py.File(path) as file:
            assert all(not node.chunks or node.id.get_num_chunks() for node in file["df"].values())
    except (OSError, RuntimeError, KeyError):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from None


class FrameWriter:
    """Rows on their way to their file: see `open_writer`."""

    def __init__(self, arrays: list[Any], rows: int) -> None:
        self._arrays, self._rows = arrays, rows
        self._at = 0  # how many rows were given
        # The last rows given, which make no whole chunk yet.
        self._left = [np.empty((0, *array.shape[1:]), dtype=array.dtype) for array in arrays]
        self._waiting: deque[tuple[Any, tuple[int, ...], Future[bytes]]] = deque()

    def append(self, time_ns: np.ndarray, values: Sequence[np.ndarray]) -> None:
        """Add rows: `time_ns` (n,) int64, and (n, columns) of each block, which must not be changed
        before the file is closed. Raises ValueError if they are not what was announced."""
        parts = [time_ns, *values]
        if len(parts) != len(self._arrays) or any(len(part) != len(time_ns) for part in parts):
            raise ValueError("all blocks must have as many rows as the index")
        for array, part in zip(self._arrays, parts, strict=True):
            if part.shape[1:] != array.shape[1:] or part.dtype != array.dtype:
                wanted, found = (f"{one.dtype} of shape {one.shape[1:]}" for one in (array, part))
                raise ValueError(f"{array.name}: rows must be {wanted}, found {found}")
        start = self._at - len(self._left[0])
        self._at += len(time_ns)
        if self._at > self._rows:
            raise ValueError(f"a frame of {self._rows} rows was given more")
        if len(self._left[0]):
            parts = [np.concatenate(pair) for pair in zip(self._left, parts, strict=True)]
        end = self._at if self._at == self._rows else self._at // _CHUNK_ROWS * _CHUNK_ROWS
        for row in range(start, end, _CHUNK_ROWS):
            for array, part in zip(self._arrays, parts, strict=True):
                self._write(array, row, part[row - start : min(row + _CHUNK_ROWS, end) - start])
        self._left = [part[end - start :].copy() for part in parts]

    def _write(self, array: Any, row: int, values: np.ndarray) -> None:
        """Write the rows of a chunk, or start to make the chunks of them."""
        if array.chunkshape is None:
            array[row : row + len(values)] = values
            return
        columns, width = (array.shape[1], array.chunkshape[1]) if array.ndim == 2 else (1, 1)
        for column in range(0, columns, width):
            part = values[:, column : column + width] if array.ndim == 2 else values
            made = _POOL.submit(_chunk, part, array.chunkshape)
            self._waiting.append((array, (row, column)[: array.ndim], made))
            self._settle(_AHEAD)

    def _settle(self, left: int) -> None:
        while len(self._waiting) > left:
            array, at, made = self._waiting.popleft()
            array.write_chunk(at, made.result())

    def finish(self) -> None:
        if self._at != self._rows:
            raise ValueError(f"a frame of {self._rows} rows was given {self._at}")
        self._settle(0)


def _chunk(values: np.ndarray, shape: tuple[int, ...]) -> bytes:
    """The Blosc2 frame of a chunk of the given shape, which starts with `values`; zeros follow."""
    import blosc2

    blosc2.set_releasegil(True)
    whole = np.ascontiguousarray(values)
    if values.shape != shape:
        whole = np.zeros(shape, dtype=values.dtype)
        whole[tuple(map(slice, values.shape))] = values
    element = whole.nbytes // len(whole)
    # In rows by which the shuffle filter works fastest. Stated: Blosc2's choice is its version's.
    block = max(1, _BLOCK_BYTES // element // 32) * 32 * element
    cparams = {
        "codec": blosc2.Codec.LZ4, "clevel": 1, "filters": [blosc2.Filter.SHUFFLE],
        "filters_meta": [0], "typesize": element, "blocksize": min(block, whole.nbytes),
        "nthreads": 1,
    }  # fmt: skip
    chunk = blosc2.SChunk(
        chunksize=whole.nbytes, data=whole, cparams=cparams, dparams={"nthreads": 1}
    )
    return bytes(chunk.to_cframe())


def _create(file: Any, columns: Columns, rows: int, *, plain: bool, tz_aware: bool) -> list[Any]:
    """Make the nodes of a frame; returns the arrays of the index and of each block, without
    values yet. Each attribute is text, an int or a bool: PyTables pickles what is anything else."""
    import tables

    group = file.create_group("/", "df")
    filters = tables.Filters(complevel=1, complib="blosc2:lz4", shuffle=True)

    def mark(node: Any, **attributes: str | int | bool) -> None:
        for name, value in attributes.items():
            setattr(node._v_attrs, name, value)

    def write_names(name: str, values: Sequence[str]) -> None:
        encoded = np.array([value.encode("utf-8") for value in values], dtype=np.bytes_)
        array = file.create_array(group, name, encoded, track_times=False)
        mark(array, transposed=True, kind="string", nan_rep="nan")

    def create(name: str, dtype: np.dtype, *width: int) -> Any:
        atom = tables.Atom.from_dtype(np.dtype(dtype))
        kind: dict[str, Any] = {"atom": atom, "shape": (rows, *width), "track_times": False}
        if plain:
            array = file.create_array(group, name, **kind)
        else:
            # As many columns in each of as few chunks as there have to be.
            most = _ELEMENT_BYTES // atom.itemsize
            chunk = (min(rows, _CHUNK_ROWS), *(-(-count // -(-count // most)) for count in width))
            array = file.create_carray(group, name, filters=filters, chunkshape=chunk, **kind)
        # pandas stores blocks with rows first and marks them so.
        mark(array, transposed=True)
        return array

    mark(
        group, pandas_type="frame", pandas_version="0.15.2", encoding="UTF-8", errors="strict",
        ndim=2, axis0_variety="regular", axis1_variety="regular", nblocks=len(columns),
    )  # fmt: skip
    write_names("axis0", [name for names, _ in columns for name in names])
    arrays = [create("axis1", np.dtype(np.int64))]
    mark(arrays[0], kind="datetime64[ns]", index_class="datetime")
    if tz_aware:
        mark(arrays[0], tz="UTC")
    for number, (names, dtype) in enumerate(columns):
        mark(group, **{f"block{number}_items_variety": "regular"})
        write_names(f"block{number}_items", names)
        arrays.append(create(f"block{number}_values", dtype, len(names)))
    return arrays
