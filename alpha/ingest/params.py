"""Params of ingest: where raw files are, what they are, and the grid of rows to make of them."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from alpha.core.errors import InputError
from alpha.core.params import FileName, Name, Seconds, Section
from alpha.data.params import Dir

# Where the step writes, and data.dir is when there are sources.
INGESTED = "results/ingest"


class Files(Section):
    """What the files of one pattern are; all but the format only where the format needs it."""

    format: Name


class Source(Section):
    """The raw files of one market: those in `dir` whose path in it matches a pattern."""

    dir: Dir
    # By pattern, such as "quote/*.csv.gz"; a format's name stands for {format: name}.
    files: dict[
        Name,
        Annotated[Files, BeforeValidator(lambda of: {"format": of} if isinstance(of, str) else of)],
    ] = Field(min_length=1)


class Ingest(Section):
    sources: tuple[Source, ...] = Field(max_length=1)
    symbol: FileName | None
    clock: Literal["exchange", "local"]
    grid_seconds: Annotated[float, Field(ge=0.001, le=3600, strict=True)]
    levels: Annotated[int, Field(ge=1, le=50, strict=True)]
    max_stale_seconds: Seconds

    @property
    def grid_ns(self) -> int:
        return round(self.grid_seconds * 1e9)

    @property
    def max_stale_ns(self) -> int:
        return round(self.max_stale_seconds * 1e9)


def find_files(source: Source) -> dict[str, list[Path]]:
    """The raw files of each pattern, by name. Raises InputError for a pattern that none matches."""
    found = {
        pattern: sorted(path for path in Path(source.dir).glob(pattern) if path.is_file())
        for pattern in source.files
    }
    for pattern, paths in found.items():
        if not paths:
            raise InputError(f"{source.dir}: holds no file that matches {pattern!r}")
    return found
