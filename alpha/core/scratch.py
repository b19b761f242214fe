"""Records in a scratch file: more of them than should be in memory, gone through in parts.

The file has no name, so that nothing is left of it, whatever becomes of the process.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

# Records that are read at once.
PART_ROWS = 1 << 16


class Scratch:
    """Records of one dtype in a scratch file in `folder`; `count` says how many."""

    def __init__(self, folder: Path, dtype: Any = np.float64) -> None:
        self.dtype = np.dtype(dtype)
        self.count = 0
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115  (closed by __exit__)

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the room on the disk."""
        self._file.close()

    def add(self, records: np.ndarray) -> None:
        """Keep more records, (records,)."""
        self._file.write(np.ascontiguousarray(records, dtype=self.dtype).data)
        self.count += len(records)

    def parts(self, rows: int | None = None) -> Iterator[np.ndarray]:
        """All records in the order in which they were added, `rows` at a time."""
        rows = rows or PART_ROWS
        for first in range(0, self.count, rows):
            yield self.read(first, min(first + rows, self.count))

    def read(self, first: int, stop: int) -> np.ndarray:
        """The records [first, stop)."""
        self._file.flush()
        found = np.empty(stop - first, dtype=self.dtype)
        # At a place of its own: parts may be read by more than one at a time.
        view, at = memoryview(found.view(np.uint8).data), first * self.dtype.itemsize
        while len(view):
            read = os.preadv(self._file.fileno(), [view], at)
            if not read:
                raise OSError("a scratch file was cut short")
            view, at = view[read:], at + read
        return found


class Dealt:
    """Records that are dealt out to buckets, part by part: one scratch file, however many buckets
    there are, of which each is read back in the order in which it was dealt to."""

    def __init__(self, folder: Path, dtype: Any) -> None:
        self._records = Scratch(folder, dtype)
        self._firsts: list[np.ndarray] = []

    def __enter__(self) -> "Dealt":
        return self

    def __exit__(self, *error: object) -> None:
        self._records.close()

    def add(self, records: np.ndarray, first: np.ndarray) -> None:
        """More records, by bucket, and the first of each bucket in there, (buckets + 1,)."""
        self._firsts.append(self._records.count + first)
        self._records.add(records)

    @property
    def sizes(self) -> np.ndarray:
        """How many records each bucket has, (buckets,) int64."""
        return np.sum([np.diff(first) for first in self._firsts], axis=0)

    def parts(self, bucket: int) -> Iterator[np.ndarray]:
        """The records of a bucket, PART_ROWS at a time or a few more."""
        together: list[np.ndarray] = []
        for first in self._firsts:
            start, stop = first[bucket : bucket + 2].tolist()
            if stop > start:
                together.append(self._records.read(start, stop))
            if sum(map(len, together)) >= PART_ROWS:
                yield np.concatenate(together)
                together.clear()
        if together:
            yield np.concatenate(together)
