"""Raw files, opened as what their first bytes say: gzip, zstd, zip or none of them; CSV, Parquet
or DBN. Rows come a bounded number at a time, whatever a file expands to.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from alpha.core.errors import InputError
from alpha.core.text import some
from alpha.ingest.cells import Cells
from alpha.ingest.params import Files

_CODECS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_BLOCK = 1 << 21  # bytes of a CSV at once, and at most in a line
_START = 1 << 16  # those that are looked at first
_LONGEST = 1 << 22  # of a recorded line
_EMPTY = 1 << 20  # lines in a row without anything in them
_CELLS = 1 << 20  # of Parquet at once

Types = Mapping[str, pa.DataType]


class CutShort(InputError):
    """A file that ends before its content does."""


def open_bytes(path: Path) -> Any:
    """The content of a file as a stream of bytes, whatever it is compressed by."""
    with sound(path):
        file = pa.OSFile(str(path))
        start = file.read(4)
        file.seek(0)
        if start == b"PK\x03\x04":
            archive = zipfile.ZipFile(path)
            # What macOS adds is no content.
            names = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]
            if len(names) != 1:
                raise InputError(f"{path}: must hold one file, found {some(names)}")
            return pa.PythonFile(archive.open(names[0]), mode="r")
        codec = next((codec for magic, codec in _CODECS.items() if start.startswith(magic)), None)
        return pa.CompressedInputStream(file, codec) if codec else file


def read_lines(path: Path, longest: int = _LONGEST) -> Iterator[bytes]:
    """The lines of a file with their ends. Raises InputError for one that is too long, or for far
    too many that are empty: what is packed may expand to any size."""
    with sound(path):
        stream, empty = io.BufferedReader(open_bytes(path)), 0
        while line := stream.readline(longest):
            empty = empty + 1 if line.isspace() else 0
            if len(line) == longest or empty > _EMPTY:
                found = f"{_EMPTY:,} empty lines" if empty else "a longer one"
                must = f"must have lines of less than {longest:,} bytes"
                raise InputError(f"{path}: {must}, found {found}")
            yield line


class RawTable:
    """A table in a file, with the names of its columns. Raises InputError for what cannot be
    read."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path, self._files, self._parquet = path, files, None
        with sound(path):
            self._start = open_bytes(path).read(4)
            if self._start == b"PAR1":
                how: Any = {"buffer_size": _START, "pre_buffer": False}
                self._parquet = pyarrow.parquet.ParquetFile(path, **how)
                schema = self._parquet.schema_arrow
                # Numbers have a point if they may have one.
                points = ["" if pa.types.is_integer(kind) else "." for kind in schema.types]
                self.names, self._head = schema.names, [points]
            else:
                self._find_header(files.columns or ())

    def _find_header(self, columns: Collection[str]) -> None:
        text = self._open().read(_START).decode("utf-8-sig", "replace")
        if "\0" in text or text.count("\ufffd") > len(text) / 8:
            must = "must be CSV in UTF-8, Parquet or DBN, as it is or packed by gzip, zstd or zip"
            raise InputError(f"{self._path}: {must}, found something else")
        lines = text.splitlines()
        rows = [*filter(None, csv.reader(lines, delimiter=self._files.delimiter))]
        self.names, self._header = rows[0] if rows else list(columns), 1
        if columns and not set(self.names) & set(columns):
            if (found := len(self.names)) > len(columns):
                must = f"must have at most {len(columns)} columns"
                raise InputError(f"{self._path}: {must}, found {found}")
            self.names, self._header = list(columns)[:found], 0
        self._head = rows[self._header :]

    def sample(self, *names: str | None) -> Iterator[str]:
        """Cells of these columns in some first rows."""
        where = [self.names.index(name) for name in names if name in self.names]
        return (row[i] for row in self._head for i in where if i < len(row))

    def cells(self, types: Types, most: int) -> Iterator[Cells]:
        """The columns that `types` names, at most `most` rows at a time."""
        if not self.names:
            return
        if missing := [name for name in types if name not in self.names]:
            found = some(self.names, most=20)
            raise InputError(f"{self._path}: must have columns {some(missing)}, found {found}")
        count = 0
        with sound(self._path):
            for batch in self._batches(types):
                numbers = np.arange(count, count + batch.num_rows)
                for at in range(0, batch.num_rows, most):
                    yield Cells(batch.slice(at, most), numbers[at : at + most], self._line)
                count += batch.num_rows

    def _batches(self, types: Types) -> Iterator[pa.RecordBatch]:
        if self._parquet:
            size = min(1 << 15, _CELLS // len(types))
            yield from self._parquet.iter_batches(size, columns=list(types))
            return
        try:
            yield from self._csv(types)
        except pa.ArrowInvalid as error:
            # Arrow does not say in which row: read all once more to see, cells as text.
            self._refuse_ragged_row(error)
            if set(types.values()) != {pa.string()}:
                for cells in self.cells(dict.fromkeys(types, pa.string()), _BLOCK):
                    for name, kind in types.items():
                        cells.cast(name, kind)
            raise

    def _csv(self, types: Types) -> Any:
        read = pyarrow.csv.ReadOptions(
            column_names=self.names, skip_rows=self._header, block_size=_BLOCK
        )
        parse = pyarrow.csv.ParseOptions(delimiter=self._files.delimiter)
        convert = pyarrow.csv.ConvertOptions(
            include_columns=list(types), column_types=types, strings_can_be_null=True
        )
        try:
            return pyarrow.csv.open_csv(self._open(), read, parse, convert)
        except pa.ArrowInvalid as error:
            if "Empty CSV file" not in str(error):
                raise
            return []

    def _open(self) -> Any:
        """The text of the table; of LOBSTER's two, side by side."""
        if self._start[:3] == b"DBN":
            pieces = _dbn_as_csv(self._path)
        elif self._files.format == "lobster":
            pieces = _side_by_side(self._path)
        else:
            return open_bytes(self._path)
        return pa.PythonFile(io.BufferedReader(_Stream(pieces), _BLOCK), "r")

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Rows that are not empty, with the numbers of their lines, as an editor counts."""
        with sound(self._path):
            text = io.TextIOWrapper(io.BufferedReader(self._open()), "utf-8", "replace")
            reader = csv.reader(text, delimiter=self._files.delimiter)
            yield from ((reader.line_num, cells) for cells in reader if cells)

    def _line(self, row: int) -> str:
        number = row + 1
        if not self._parquet:
            number, _ = next(islice(self._rows(), row + self._header, None), (number, []))
        return f"{self._path}: line {number}"

    def _refuse_ragged_row(self, error: pa.ArrowInvalid) -> None:
        if "columns, got" not in str(error):
            return
        wide, file = len(self.names), self._open()
        cut = isinstance(file, pa.OSFile) and file.read_at(1, file.size() - 1) != b"\n"
        for number, cells in self._rows():
            if len(cells) != wide:
                why = ": the file is cut short" if cut else ""
                must = f"must have {wide} columns, found {len(cells)}{why}"
                raise InputError(f"{self._path}: line {number}: {must}")


class _Stream(io.RawIOBase):
    """Pieces of bytes, none of them empty, as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._rest or next(self._pieces, b"")
        size = min(len(piece), len(buffer))
        buffer[:size], self._rest = piece[:size], piece[size:]
        return size


def _side_by_side(path: Path) -> Iterator[bytes]:
    """The lines of LOBSTER's messages, each with that of the books beside it."""
    books = path.with_name(path.name.replace("message", "orderbook"))
    files = (read_lines(one, _BLOCK) for one in (path, books))
    pairs = zip_longest(*(filter(None, map(bytes.strip, file)) for file in files))
    while lines := [*islice(pairs, 1 << 5)]:
        if None in lines[-1]:
            raise InputError(f"{books}: must have as many rows as {path}")
        yield b"".join(b"%b,%b\n" % pair for pair in lines)


def _dbn_as_csv(path: Path) -> Iterator[bytes]:
    """The CSV that Databento has of its own encoding, by its own library."""
    try:
        dbn: Any = import_module("databento_dbn")
    except ImportError:
        raise InputError(f"{path}: is DBN, which needs: pip install databento-dbn") from None
    text, raw = io.BytesIO(), {"pretty_px": False, "pretty_ts": False}
    transcoder = dbn.Transcoder(text, dbn.Encoding.CSV, dbn.Compression.NONE, **raw)
    stream = open_bytes(path)
    while block := stream.read(1 << 16):
        try:
            transcoder.write(block)
            transcoder.flush()
        except dbn.DBNError as error:
            raise InputError(f"{path}: cannot be read: {error}") from None
        if text.tell():
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    if transcoder.buffer():
        raise CutShort(f"{path}: is cut short")


@contextmanager
def sound(path: Path) -> Iterator[None]:
    """Say in one line, of what file, what its libraries found wrong. Raises InputError."""
    try:
        yield
    except (
        pa.ArrowException, OSError, EOFError, RuntimeError, csv.Error, zipfile.BadZipFile,
        zlib.error,
    ) as error:  # fmt: skip
        what = " ".join(str(error).split())
        # What Arrow says of gzip and zstd, and of Parquet.
        if "Truncated" in what or "magic bytes" in what:
            raise CutShort(f"{path}: is cut short: {what}") from None
        raise InputError(f"{path}: cannot be read: {what}") from None
