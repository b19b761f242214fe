"""alpha convert: labels, splits and predictions as Parquet files, for other programs."""

from itertools import groupby
from pathlib import Path
from typing import Any

from alpha.core import parallel
from alpha.core.artifacts import whole, whole_folder
from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError
from alpha.core.frames import PART_ROWS, open_frame
from alpha.core.text import track

SUMMARY = "frames in HDF5 files, such as labels, splits and predictions, as Parquet files"
OPTIONS = [
    Option("--frames", "an HDF5 file of this project, or a folder with such files in it"),
    Option("--out", "a Parquet file, or for a folder a folder with a file for each"),
]
SECTIONS: dict[str, Any] = {}


def command(params: Any, args: Arguments) -> None:
    if args.frames.is_file():
        with whole(args.out) as part:
            convert(args.frames, part)
        return
    paths = sorted(args.frames.rglob("*.h5"))
    if not paths:
        raise InputError(f"{args.frames}: must be an HDF5 file or a folder with .h5 files in it")
    with whole_folder(args.out) as folder:
        for path in track(paths, "convert", total=len(paths)):
            part = folder / path.relative_to(args.frames).with_suffix(".parquet")
            part.parent.mkdir(parents=True, exist_ok=True)
            convert(path, part)


def convert(path: Path, out: Path) -> None:
    """Write the frame of a file as Parquet: its index and its columns, of the same types."""
    from alpha.core.parquet import open_parquet_writer  # which other commands do without

    with open_frame(path) as frame:
        together = groupby(frame.columns, frame.columns.__getitem__)
        columns = [(tuple(names), dtype) for dtype, names in together]
        if times := [names[0] for names, dtype in columns if dtype.kind == "M"]:
            raise InputError(f"{path}: column {times[0]!r}: must be numeric, found timestamps")
        with open_parquet_writer(out, columns, rows=frame.rows, tz_aware=frame.tz_aware) as writer:
            for at in parallel.cut(frame.rows, PART_ROWS):
                rows: Any = {"start": at.start, "stop": at.stop}
                values = [frame.matrix(names, **rows).astype(dtype) for names, dtype in columns]
                writer.append(frame.time_ns(**rows), values)
