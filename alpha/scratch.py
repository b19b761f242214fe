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
        self.folder = folder
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

    def sample(self, size: int) -> np.ndarray:
        """At most `size` records, evenly spaced."""
        places = np.unique(np.linspace(0, self.count - 1, min(size, self.count)).astype(np.int64))
        return np.concatenate([self.read(place, place + 1) for place in places.tolist()])
