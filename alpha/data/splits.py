"""Read the files of a split."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from alpha.core.errors import InputError
from alpha.core.frames import FrameReader, open_frame
from alpha.data.columns import LABEL_COLUMNS

# Rows are read in blocks of this many, which bounds memory.
BLOCK_ROWS = 1 << 15


def split_files(split: Path) -> list[Path]:
    """A split's files in time order. Raises InputError if there is none."""
    return [path for path, _ in split_sizes(split)]


def split_sizes(split: Path) -> list[tuple[Path, int]]:
    """A split's files in time order, each with its rows. Raises InputError if there is none."""
    paths = sorted(split.glob("*.h5"))
    if not paths:
        raise InputError(f"{split}: must be a split's folder with .h5 files, found none")
    found = []
    for path in paths:
        with open_frame(path, key="df") as frame:
            found.append((int(frame.time_ns(stop=1)[0]), path, frame.rows))
    return [(path, rows) for _, path, rows in sorted(found)]


def feature_blocks(path: Path, names: Sequence[str]) -> Iterator[np.ndarray]:
    """The features of one split file in blocks of rows, (at most BLOCK_ROWS, features)."""
    with open_frame(path, key="df") as frame:
        for start in range(0, frame.rows, BLOCK_ROWS):
            yield frame.matrix(names, start=start, stop=start + BLOCK_ROWS)


def feature_columns(path: Path) -> tuple[str, ...]:
    """The names of the features in a split file, in its order."""
    with open_frame(path, key="df") as frame:
        return features_of(frame)


def features_of(frame: FrameReader) -> tuple[str, ...]:
    """The same of an open one."""
    return tuple(name for name in frame.columns if name not in LABEL_COLUMNS)
