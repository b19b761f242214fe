"""Params of ingest: where raw files are, what they are, and the grid of rows to make of them."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from alpha.core.errors import InputError
from alpha.core.params import Name, Positive, Seconds, Section
from alpha.core.text import nearest
from alpha.data.params import Dir
from alpha.ingest.formats import FORMATS, MESSAGES, NEEDED, SNAPSHOTS, TRADES

# Where the step writes, and data.dir is when there are sources.
INGESTED = "results/ingest"


class Files(Section):
    """What the files of one pattern are: a format of alpha/ingest/formats.py, whose mapping the
    other keys change, or, for the generic formats, say. Names are those of columns."""

    format: Name
    columns: tuple[Name, ...] | None = None  # of files without a header, in order
    delimiter: Literal[",", ";", "|", " ", "\t"] = ","
    symbol: Name | None = None
    time: Name | None = None  # by the exchange's clock
    local_time: Name | None = None  # by the recorder's
    # Without one, whole numbers are taken for what their size says, and text for ISO 8601.
    unit: Literal["s", "ms", "us", "ns", "iso"] | None = None
    time_zone: Name | None = None  # times count from its midnight, of the date in the file's name
    message: Name | None = None  # neighbours with the same value came at once
    price: Name | None = None
    size: Name | None = None
    side: Name | None = None
    sides: dict[Literal["buy", "sell"], tuple[str, ...]] | None = None
    is_buyer_maker: Name | None = None
    id: Name | None = None
    snapshot: Name | None = None  # marks rows that belong to a new snapshot
    first: Name | None = None  # sequence numbers of an update, and that of the update before
    last: Name | None = None
    previous: Name | None = None
    action: Name | None = None  # of snapshots: which rows are trades too, or halts
    bid_price: Name | None = None  # of a level, with {level} for its number
    bid_size: Name | None = None
    ask_price: Name | None = None
    ask_size: Name | None = None
    separator: Name | None = None  # the columns of prices hold "price_size"
    price_multiplier: Positive = 1.0
    size_multiplier: Positive = 1.0
    integer_price: Positive | None = None  # the unit of prices where none has a point
    no_level: tuple[float, ...] = ()  # prices that stand for "no such level"

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        """The format's mapping, with what is given over it."""
        name = given.get("format") if isinstance(given, dict) else None
        if not isinstance(name, str):
            return given
        if name not in FORMATS:
            raise ValueError(f"no such format as {name!r}{nearest(name, FORMATS)}")
        return FORMATS[name][1] | given

    @model_validator(mode="after")
    def _check(self) -> "Files":
        needed = [name for name in NEEDED[self.kind] if getattr(self, name) is None]
        if self.kind == SNAPSHOTS and not self.separator:
            needed += [name for name in ("bid_size", "ask_size") if getattr(self, name) is None]
        if self.kind != MESSAGES and self.time is None and self.local_time is None:
            needed.insert(0, "time")
        if needed:
            raise ValueError(f"{self.format} needs {', '.join(needed)}: names of columns")
        if self.bid_price and self.bid_price == self.ask_price:
            raise ValueError(f"bid_price and ask_price must differ, found {self.bid_price}")
        return self

    @property
    def kind(self) -> str:
        return FORMATS[self.format][0]


class Source(Section):
    """The raw files of one market: those in `dir` whose path in it matches a pattern."""

    dir: Dir
    # By pattern, such as "quote/*.csv.gz"; a format's name stands for {format: name}.
    files: dict[
        Name,
        Annotated[Files, BeforeValidator(lambda of: {"format": of} if isinstance(of, str) else of)],
    ]


class Ingest(Section):
    sources: tuple[Source, ...]
    symbol: Name | None
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


def market(ingest: Ingest) -> Source:
    """The one source that there is. Raises InputError if it is not one, or not of one book."""
    if len(ingest.sources) != 1:
        found = len(ingest.sources)
        raise InputError(f"ingest.sources: must be one market (a folder of files), found {found}")
    [source] = ingest.sources
    books = {files.format for files in source.files.values() if files.kind != TRADES}
    if len(books) != 1:
        must = "must name files of one book, or of best quotes"
        raise InputError(f"ingest.sources: {must}, found {', '.join(sorted(books)) or 'none'}")
    return source


class Limit(BaseModel):
    """Of the section data, how large a feature file may be."""

    max_file_mb: Positive


def find_files(source: Source) -> dict[str, list[Path]]:
    """The raw files of each pattern, by name. Raises InputError for a pattern that none matches,
    for what is no file, and for a file of two patterns."""
    folder, owner = Path(source.dir), dict[Path, str]()
    if not folder.is_dir():
        raise InputError(f"{folder}: must be a folder of raw files (ingest.sources), found none")
    found: dict[str, list[Path]] = {pattern: [] for pattern in source.files}
    for pattern, paths in found.items():
        try:
            matching = sorted(path for path in folder.glob(pattern) if not path.is_dir())
        except (NotImplementedError, ValueError, IndexError) as error:
            must = f"{pattern!r} must be a pattern inside it"
            raise InputError(f"{folder}: {must}: {error}") from None
        for path in matching:
            if not path.is_file():
                raise InputError(f"{path}: must be a file, found a broken link or a device")
            if path in owner:
                raise InputError(f"{path}: must match one pattern, not {owner[path]} and {pattern}")
            owner[path] = pattern
        paths += matching
        if not paths:
            raise InputError(f"{folder}: holds no file that matches {pattern!r}")
    return found
