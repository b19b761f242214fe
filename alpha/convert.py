"""alpha convert: labels, splits and predictions as Parquet files, for other programs."""

from typing import Any

from alpha.core.artifacts import whole
from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError
from alpha.core.text import track

SUMMARY = "frames in HDF5 files, such as labels, splits and predictions, as Parquet files"
OPTIONS = [
    Option("--frames", "an HDF5 file of this project, or a folder with such files in it"),
    Option("--out", "a Parquet file, or for a folder a folder with a file for each"),
]
SECTIONS: dict[str, Any] = {}


def command(params: Any, args: Arguments) -> None:
    from alpha.core.parquet import write_parquet

    alone = args.frames.is_file()
    paths = [args.frames] if alone else sorted(args.frames.rglob("*.h5"))
    if not paths:
        raise InputError(f"{args.frames}: must be an HDF5 file or a folder with .h5 files in it")
    with whole(args.out, folder=not alone) as part:
        for path in track(paths, "convert", total=len(paths)):
            to = part if alone else part / path.relative_to(args.frames).with_suffix(".parquet")
            to.parent.mkdir(parents=True, exist_ok=True)
            write_parquet(path, to)
