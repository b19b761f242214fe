"""The files of a split, and the features in them."""

from pathlib import Path

from alpha.core.errors import InputError
from alpha.core.frames import FrameReader, open_frame
from alpha.data.columns import LABEL_COLUMNS


def split_sizes(split: Path) -> list[tuple[Path, int]]:
    """A split's files in time order, each with its rows. Raises InputError if there is none."""
    found = []
    for path in sorted(split.glob("*.h5")):
        with open_frame(path) as frame:
            found.append((int(frame.time_ns(stop=1)[0]), path, frame.rows))
    if not found:
        raise InputError(f"{split}: must be a split's folder with .h5 files, found none")
    return [(path, rows) for _, path, rows in sorted(found)]


def features_of(frame: FrameReader) -> tuple[str, ...]:
    """The names of the features in an open split file, in its order."""
    return tuple(name for name in frame.columns if name not in LABEL_COLUMNS)
