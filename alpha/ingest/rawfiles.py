"""Raw files, opened as what their first bytes say: gzip, zstd, zip or none of them; CSV, Parquet
or DBN. Rows come a bounded number at a time, whatever a file expands to.
"""

import csv
import io
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from alpha.core.errors import InputError
from alpha.core.text import some
from alpha.ingest.cells import Cells

_CODECS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_BLOCK = 1 << 21  # bytes of a CSV at once, and at most in a line
_DBN_BLOCK = 1 << 16
_HEAD = 100  # rows that are looked at before all are read

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
            if len(names := archive.namelist()) != 1:
                raise InputError(f"{path}: must hold one file, found {some(names)}")
            return pa.PythonFile(archive.open(names[0]), mode="r")
        codec = next((codec for magic, codec in _CODECS.items() if start.startswith(magic)), None)
        return pa.CompressedInputStream(file, codec) if codec else file


def open_table(path: Path, columns: tuple[str, ...] | None, delimiter: str) -> "RawTable":
    """Look at the start of a file: what it is, and the names of its columns; `columns` are those of
    a CSV without a header."""
    with sound(path):
        start = open_bytes(path).read(4)
        if start == b"PAR1":
            return _Parquet(path)
        return _Csv(path, columns, delimiter, is_dbn=start[:3] == b"DBN")


class RawTable(ABC):
    """A table in a file whose rows have not been read yet."""

    path: Path
    names: list[str]
    head: list[list[str]]  # cells of some first rows

    @abstractmethod
    def read(self, types: Types) -> Iterator[pa.RecordBatch]:
        """The columns that `types` names, of these types but in Parquet."""

    def line(self, row: int) -> str:
        """Where a row is, as an editor counts."""
        return f"{self.path}: line {row + 1}"

    def sample(self, *names: str | None) -> Iterator[str]:
        """Cells of these columns in some first rows."""
        where = [self.names.index(name) for name in names if name in self.names]
        return (row[i] for row in self.head for i in where if i < len(row))

    def cells(self, types: Types, most: int) -> Iterator[Cells]:
        """The columns that `types` names, at most `most` rows at a time. Raises InputError for
        columns that are missing or do not have such values."""
        if missing := [name for name in types if name not in self.names]:
            raise InputError(
                f"{self.path}: must have columns {some(missing)}, found {some(self.names, most=20)}"
            )
        count = 0
        with sound(self.path):
            for batch in self.read(types):
                numbers = np.arange(count, count + batch.num_rows)
                for start in range(0, batch.num_rows, most):
                    part = slice(start, start + most)
                    yield Cells(batch.slice(start, most), numbers[part], self.line)
                count += batch.num_rows


class _Parquet(RawTable):
    def __init__(self, path: Path) -> None:
        self.path, self._file = path, pyarrow.parquet.ParquetFile(path)
        self.names = self._file.schema_arrow.names
        # Numbers have a point if they may have one.
        types = self._file.schema_arrow.types
        self.head = [["." if pa.types.is_floating(kind) else "" for kind in types]]

    def read(self, types: Types) -> Iterator[pa.RecordBatch]:
        return iter(self._file.iter_batches(1 << 15, columns=list(types)))


class _Csv(RawTable):
    """A CSV, or DBN as the CSV that Databento has of it."""

    def __init__(
        self, path: Path, columns: tuple[str, ...] | None, delimiter: str, *, is_dbn: bool
    ) -> None:
        self.path, self._delimiter, self._is_dbn = path, delimiter, is_dbn
        rows = [cells for _, cells in islice(self._rows(), _HEAD)]
        self.names = rows[0] if rows else list(columns or ())
        self._header = 1
        if columns and not set(self.names) & set(columns):
            if len(self.names) > len(columns):
                raise InputError(
                    f"{path}: must have at most {len(columns)} columns, found {len(self.names)}"
                )
            self.names, self._header = list(columns[: len(self.names)]), 0
        self.head = rows[self._header :]

    def line(self, row: int) -> str:
        number, _ = next(islice(self._rows(), self._header + row, None))
        return f"{self.path}: line {number}"

    def read(self, types: Types) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._read(types)
        except pa.ArrowInvalid as error:
            what = str(error)
            if "Empty CSV file" in what:
                return
            # Arrow does not say in which row: read the file once more, to see.
            if "columns, got" in what:
                self._refuse_ragged_row()
            elif "conversion error" in what and set(types.values()) != {pa.string()}:
                for cells in self.cells(dict.fromkeys(types, pa.string()), _BLOCK):
                    for name, kind in types.items():
                        cells.cast(name, kind)
            raise

    def _read(self, types: Types) -> Iterator[pa.RecordBatch]:
        read = pyarrow.csv.ReadOptions(
            column_names=self.names, skip_rows=self._header, block_size=_BLOCK
        )
        parse = pyarrow.csv.ParseOptions(delimiter=self._delimiter)
        convert = pyarrow.csv.ConvertOptions(
            include_columns=list(types), column_types=dict(types), strings_can_be_null=True
        )
        yield from pyarrow.csv.open_csv(self._open(), read, parse, convert)

    def _open(self) -> Any:
        stream = open_bytes(self.path)
        return pa.PythonFile(_DbnAsCsv(self.path, stream), "r") if self._is_dbn else stream

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Rows that are not empty, with the numbers of their lines."""
        text = io.TextIOWrapper(io.BufferedReader(self._open()), "utf-8-sig", "replace")
        reader = csv.reader(text, delimiter=self._delimiter)
        return ((reader.line_num, cells) for cells in reader if cells)

    def _refuse_ragged_row(self) -> None:
        for number, cells in self._rows():
            if len(cells) != len(self.names):
                file = self._open()
                cut = isinstance(file, pa.OSFile) and file.read_at(1, file.size() - 1) != b"\n"
                raise InputError(
                    f"{self.path}: line {number}: must have {len(self.names)} columns, found "
                    f"{len(cells)}{': the file is cut short' if cut else ''}"
                )


class _DbnAsCsv(io.RawIOBase):
    """DBN as the CSV that Databento has of it, by its own library."""

    def __init__(self, path: Path, stream: Any) -> None:
        try:
            import databento_dbn as dbn
        except ImportError:
            raise InputError(f"{path}: is DBN, which needs: pip install databento-dbn") from None
        self._path, self._stream, self._error = path, stream, dbn.DBNError
        self._text = io.BytesIO()
        self._transcoder = dbn.Transcoder(
            self._text, dbn.Encoding.CSV, dbn.Compression.NONE, pretty_px=False, pretty_ts=False
        )

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not (piece := self._text.read(len(buffer))):
            block = self._stream.read(_DBN_BLOCK)
            if not block and self._transcoder.buffer():
                raise CutShort(f"{self._path}: is cut short")
            if not block:
                break
            self._text.seek(0)
            self._text.truncate()
            try:
                self._transcoder.write(block)
                self._transcoder.flush()
            except self._error as error:
                raise OSError(str(error)) from None
            self._text.seek(0)
        buffer[: len(piece)] = piece
        return len(piece)


class Beside(RawTable):
    """Two tables with a row of one to each of the other, as one."""

    def __init__(self, left: RawTable, right: RawTable) -> None:
        self._tables = left, right
        self.path, self.head, self.names = left.path, left.head, left.names + right.names
        self.line = left.line  # type: ignore[method-assign]

    def read(self, types: Types) -> Iterator[pa.RecordBatch]:
        left, right = (
            filter(len, table.read({name: types[name] for name in table.names if name in types}))
            for table in self._tables
        )
        one = other = ()
        while True:
            one, other = one or next(left, ()), other or next(right, ())
            if not (one and other):
                break
            rows = min(len(one), len(other))
            parts = one.slice(0, rows), other.slice(0, rows)
            columns = {name: part[name] for part in parts for name in part.schema.names}
            yield pa.RecordBatch.from_pydict(columns)
            one, other = one.slice(rows), other.slice(rows)
        if one or other:
            first, second = (table.path for table in self._tables)
            raise InputError(f"{second}: must have as many rows as {first}")


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
