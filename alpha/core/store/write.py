"""Write a frame as pandas' fixed format lays it out, with bytes that depend on content alone.

pandas' own writer stamps node times and pickles attributes, so its bytes differ each time; this
one writes the same layout without either. `pandas.read_hdf(path, "df")` opens the result.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from alpha.core.store import chunks, logical, pytables

KEY = "df"
# Chunks and hashes that wait to be made, or to be written: about a megabyte each.
_AHEAD = 12
# Each hash goes through its values in order: one thread for all.
_HASHING = ThreadPoolExecutor(1, thread_name_prefix="hashes")
# By the form of a frame: the hashes of nodes without rows, and what is said of the other nodes
# beside their values. Files that follow each other have one form, and reading nodes takes long.
_FORMS: dict[Any, tuple[dict[str, str], dict[str, bytes]]] = {}


@dataclass(frozen=True)
class Block:
    """Columns of one dtype: `values` is (rows, len(names)), numeric or bool."""

    names: tuple[str, ...]
    values: np.ndarray

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise ValueError(
                f"a block of {len(self.names)} names needs values of shape (rows, "
                f"{len(self.names)}), found {self.values.shape}"
            )


def write_frame(
    path: Path, time_ns: np.ndarray, blocks: Sequence[Block], *, aware: bool
) -> dict[str, str]:
    """Write `time_ns` (rows,) int64 UTC nanoseconds as the index and `blocks` as the columns.

    `aware` says whether pandas reads the index as UTC or as naive. Column order is that of the
    blocks. The file is written in place: callers write to a scratch path and rename. Gives back
    what `alpha.core.store.logical.nodes` would find in it.
    """
    columns = [(block.names, block.values.dtype) for block in blocks]
    with open_writer(path, columns, rows=len(time_ns), aware=aware) as writer:
        writer.append(np.asarray(time_ns, dtype=np.int64), [block.values for block in blocks])
    return writer.nodes


@contextmanager
def open_writer(
    path: Path,
    columns: Sequence[tuple[tuple[str, ...], np.dtype]],
    *,
    rows: int,
    aware: bool,
) -> Iterator["FrameWriter"]:
    """A writer of a frame of so many rows, which come one block after the other.

    `columns` are the names and the dtype of each block of columns. However rows are cut, the
    file has the bytes that `write_frame` gives all of them at once, and memory is bounded. Raises
    ValueError if in the end there were more or fewer rows.
    """
    with pytables.create_file(path) as file:
        writer = FrameWriter(file, columns, rows, aware)
        try:
            yield writer
            writer.finish()
        finally:
            writer.stop()


class FrameWriter:
    """Rows on their way to their file: see `open_writer`. In the end there are its `nodes`."""

    nodes: dict[str, str]

    def __init__(
        self,
        file: Any,
        columns: Sequence[tuple[tuple[str, ...], np.dtype]],
        rows: int,
        aware: bool,
    ) -> None:
        if rows < 1:
            raise ValueError(f"a frame must have at least one row, found {rows}")
        self._file = file
        self._rows, self._at = rows, 0
        dtypes = [np.dtype(np.int64), *(dtype for _, dtype in columns)]
        made = _create(file, columns, rows, aware)
        self._arrays = [_Array(*pair) for pair in zip(made, dtypes, strict=True)]
        kinds = tuple((array.dtype, array.chunked) for array in self._arrays)
        self._form = (tuple(names for names, _ in columns), kinds, aware)
        self._waiting: deque[tuple[Future, Callable[[Any], None] | None]] = deque()

    def append(self, time_ns: np.ndarray, values: Sequence[np.ndarray]) -> None:
        """Add rows: `time_ns` (n,) int64, and (n, columns) of each block.

        The arrays must not be changed before the file is closed: they are not copied. Raises
        ValueError if they are not what was announced.
        """
        given = [time_ns[:, None], *values]
        if len(given) != len(self._arrays) or any(len(part) != len(time_ns) for part in given):
            raise ValueError("all blocks must have as many rows as the index")
        if self._at + len(time_ns) > self._rows:
            raise ValueError(f"a frame of {self._rows} rows was given more")
        for array, part in zip(self._arrays, given, strict=True):
            array.check(part)
        low = 0
        while low < len(time_ns):
            high = min(len(time_ns), low + chunks.ROWS - self._at % chunks.ROWS)
            self._append([part[low:high] for part in given])
            low = high

    def _append(self, given: list[np.ndarray]) -> None:
        """Add no more rows than the longest chunk has."""
        low, high = self._at, self._at + len(given[0])
        for array, part in zip(self._arrays, given, strict=True):
            self._wait_for(_HASHING.submit(array.said.values, part), None)
        # In the order in which chunks become whole, wherever rows are cut.
        ends = sorted(
            (end, number)
            for number, array in enumerate(self._arrays)
            for end in array.ends(low, high)
        )
        for end, number in ends:
            array = self._arrays[number]
            whole = array.take(given[number], low, end)
            made = chunks.POOL.submit(array.make, whole)
            self._wait_for(made, partial(array.store, end - len(whole)))
        for array, part in zip(self._arrays, given, strict=True):
            array.keep(part, low, high)
        self._at = high

    def _wait_for(self, made: Future, then: Callable[[Any], None] | None) -> None:
        self._waiting.append((made, then))
        self._settle(_AHEAD)

    def _settle(self, left: int) -> None:
        while len(self._waiting) > left:
            made, then = self._waiting.popleft()
            result = made.result()
            if then is not None:
                then(result)

    def finish(self) -> None:
        self._settle(0)
        if self._at != self._rows:
            raise ValueError(f"a frame of {self._rows} rows was given {self._at}")
        self.nodes = self._nodes()

    def _nodes(self) -> dict[str, str]:
        # Each has the values of one array, and lacks its attributes.
        begun = {array.name: array.said for array in self._arrays}
        if self._form not in _FORMS:
            about = {array.name: logical.about(array.dataset) for array in self._arrays}
            found = logical.of_file(self._file, begun)
            rest = {name: said for name, said in found.items() if name not in begun}
            _FORMS[self._form] = rest, about
            return found
        rest, about = _FORMS[self._form]
        for name, said in begun.items():
            said.more(about[name])
        return dict(sorted((rest | {name: said.hex() for name, said in begun.items()}).items()))

    def stop(self) -> None:
        """Wait until nothing is at work for this file any more."""
        wait([made for made, _ in self._waiting])


class _Array:
    """One array of the frame, seen as (rows, columns), and the rows of a chunk yet to be whole."""

    def __init__(self, dataset: Any, dtype: np.dtype) -> None:
        self.dataset, self.name, self.dtype = dataset, dataset.name, dtype
        self.said = logical.begin(dataset)
        self.rows, self.columns = (*dataset.shape, 1)[:2]
        self._id, self._ndim, self.chunked = dataset.id, dataset.ndim, dataset.chunks is not None
        self.chunk = (*dataset.chunks, 1)[:2] if self.chunked else (self.rows, self.columns)
        self._begun: list[np.ndarray] = []

    def check(self, part: np.ndarray) -> None:
        if part.shape[1] != self.columns or part.dtype != self.dtype:
            raise ValueError(
                f"{self.dataset.name}: must have {self.columns} columns of {self.dtype}, found "
                f"{part.shape[1]} of {part.dtype}"
            )

    def ends(self, low: int, high: int) -> list[int]:
        """Where chunks become whole by the rows [low, high)."""
        step = self.chunk[0]
        found = list(range((low // step + 1) * step, high + 1, step))
        return [*found, high] if high == self.rows and high % step else found

    def take(self, given: np.ndarray, low: int, end: int) -> np.ndarray:
        """The rows of the chunk that ends before `end`; `given` starts at row `low`."""
        start = (end - 1) // self.chunk[0] * self.chunk[0]
        part = given[max(start - low, 0) : end - low]
        whole = np.concatenate([*self._begun, part]) if self._begun else part
        self._begun = []
        return whole

    def keep(self, given: np.ndarray, low: int, high: int) -> None:
        """Keep rows of a chunk that is not whole."""
        start = high // self.chunk[0] * self.chunk[0]
        if high != self.rows and start < high:
            self._begun.append(given[max(start - low, 0) :].copy())

    def make(self, whole: np.ndarray) -> list[Any]:
        """What is stored of the rows of a chunk: of each chunk beside the other, or as it is."""
        if not self.chunked:
            return [np.ascontiguousarray(whole)]
        across = self.chunk[1]
        columns = range(0, self.columns, across)
        return [chunks.encode(whole[:, at : at + across], self.chunk) for at in columns]

    def store(self, row: int, made: list[Any]) -> None:
        if not self.chunked:
            self._id.write(h5py.h5s.ALL, h5py.h5s.ALL, made[0], mtype=self._id.get_type())
            return
        for number, stored in enumerate(made):
            at = (row, number * self.chunk[1])[: self._ndim]
            self._id.write_direct_chunk(at, stored)


def _create(
    file: Any, columns: Sequence[tuple[tuple[str, ...], np.dtype]], rows: int, aware: bool
) -> Iterator[Any]:
    """Make the nodes of a frame; gives the datasets of the index and of each block."""
    attributes: dict[str, str | int | bool] = {
        "pandas_type": "frame",
        "pandas_version": "0.15.2",
        "encoding": "UTF-8",
        "errors": "strict",
        "ndim": 2,
        "axis0_variety": "regular",
        "axis1_variety": "regular",
        "nblocks": len(columns),
    }
    attributes |= {f"block{number}_items_variety": "regular" for number in range(len(columns))}
    group = pytables.create_group(file, KEY, attributes)
    _names(group, "axis0", [name for names, _ in columns for name in names])
    index = {"kind": "datetime64[ns]", "index_class": "datetime"} | ({"tz": "UTC"} if aware else {})
    yield pytables.create_array(
        group, "axis1", (rows,), np.dtype(np.int64), {**_ROWS_FIRST, **index}
    )
    for number, (names, dtype) in enumerate(columns):
        _names(group, f"block{number}_items", names)
        shape = (rows, len(names))
        yield pytables.create_array(group, f"block{number}_values", shape, dtype, _ROWS_FIRST)


# pandas stores blocks with rows first and marks them so.
_ROWS_FIRST: dict[str, str | int | bool] = {"transposed": True}


def _names(group: Any, name: str, values: Sequence[str]) -> None:
    encoded = np.array([value.encode("utf-8") for value in values], dtype=np.bytes_)
    attributes = {**_ROWS_FIRST, "kind": "string", "nan_rep": "nan"}
    pytables.write_array(group, name, encoded, attributes)
