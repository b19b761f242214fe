"""Raw files, opened as what their first bytes say: gzip, zstd, zip or none of them; CSV, Parquet
or DBN. Rows come a bounded number at a time, whatever a file expands to.
"""

import csv
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from alpha.core.errors import InputError
from alpha.core.text import some
from alpha.ingest.progress import shown

_CODECS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_BLOCK = 1 << 20  # bytes of a CSV at once, and at most in a line
_DBN_LEVELS = {1: 1, 10: 10}  # by the type of the record

Types = Mapping[str, pa.DataType]


class CutShort(InputError):
    """A file that ends before its content does."""


@dataclass(frozen=True)
class RawTable:
    """A table in a file whose rows have not been read yet."""

    path: Path
    names: list[str]
    lines_before: int  # the first row, as an editor counts
    head: list[list[str]]  # some first rows of a CSV
    read: Callable[[Types], Iterator[pa.RecordBatch]]

    def sample(self, *names: str | None) -> Iterator[str]:
        """Cells of these columns in some first rows of a CSV."""
        where = [self.names.index(name) for name in names if name in self.names]
        return (row[i] for row in self.head for i in where if i < len(row))

    def line(self, start: int, row: int) -> str:
        return f"{self.path}: line {start + row + self.lines_before + 1}"

    def batches(self, types: Types, rows: int) -> Iterator[pa.Table]:
        """The columns that `types` names, `rows` rows at a time. Raises InputError for columns
        that are missing or do not have such values."""
        if missing := [name for name in types if name not in self.names]:
            raise InputError(
                f"{self.path}: must have columns {some(missing)}, found {some(self.names, most=20)}"
            )
        waiting: list[pa.RecordBatch] = []
        count = 0
        with sound(self.path):
            for batch in self.read(types):
                waiting.append(batch)
                count += batch.num_rows
                if count < rows:
                    continue
                table = pa.Table.from_batches(waiting).combine_chunks()
                for start in range(0, count - count % rows, rows):
                    yield table.slice(start, rows)
                waiting = table.slice(count - count % rows).to_batches()
                count %= rows
            if count:
                yield pa.Table.from_batches(waiting).combine_chunks()


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


def open_table(path: Path, columns: tuple[str, ...] | None, delimiter: str) -> RawTable:
    """Look at the start of a file: what it is, and the names of its columns; `columns` are those of
    a CSV without a header."""
    with sound(path):
        start = open_bytes(path).read(_BLOCK)
        if start[:4] == b"PAR1":
            file = pyarrow.parquet.ParquetFile(path)
            schema = file.schema_arrow
            # Numbers have a point if they may have one.
            points = ["." if pa.types.is_floating(kind) else "" for kind in schema.types]
            read = partial(file.iter_batches, 1 << 15, None)
            return RawTable(path, schema.names, 0, [points], read)
        if start[:3] == b"DBN":
            return _open_dbn(path)
    text = start.decode("utf-8-sig", errors="replace")
    # The last line may be cut where the block ends.
    lines = text.splitlines()[: 100 if len(start) < _BLOCK else -1][:100]
    cells = list(csv.reader(lines, delimiter=delimiter))
    names = cells[0] if cells else list(columns or ())
    header = 1
    if columns and not set(names) & set(columns):
        if len(names) > len(columns):
            raise InputError(
                f"{path}: must have at most {len(columns)} columns, found {len(names)}"
            )
        names, header = list(columns[: len(names)]), 0
    read = partial(_read_csv, path, names, header, delimiter)
    return RawTable(path, names, header, cells[header:], read)


def beside(left: RawTable, right: RawTable) -> RawTable:
    """Two tables with a row of one to each of the other, as one."""

    def read(types: Types) -> Iterator[pa.RecordBatch]:
        both = []
        for table in (left, right):
            if own := {name: kind for name, kind in types.items() if name in table.names}:
                both.append(table.batches(own, 1 << 12))
        for parts in zip_longest(*both, fillvalue=()):
            if len(set(map(len, parts))) > 1:
                raise InputError(f"{right.path}: must have as many rows as {left.path}")
            columns = {name: part[name] for part in parts for name in part.column_names}
            yield from pa.table(columns).to_batches()

    return RawTable(left.path, left.names + right.names, left.lines_before, left.head, read)


def _read_csv(
    path: Path, names: list[str], header: int, delimiter: str, types: Types, threads: bool = True
) -> Iterator[pa.RecordBatch]:
    file = open_bytes(path)
    read = pyarrow.csv.ReadOptions(
        column_names=names, skip_rows=header, block_size=_BLOCK, use_threads=threads
    )
    parse = pyarrow.csv.ParseOptions(delimiter=delimiter)
    convert = pyarrow.csv.ConvertOptions(include_columns=list(types), column_types=dict(types))
    try:
        yield from pyarrow.csv.open_csv(file, read, parse, convert)
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return
        if threads:
            # Once more: one thread alone knows the line.
            for _ in _read_csv(path, names, header, delimiter, types, threads=False):
                pass
        found = re.search(r"(?:column #(\d+): )?Row #(\d+): (.*)", str(error), re.DOTALL)
        if not found:
            raise
        column, line, what = found.groups()
        if column:
            name, value = names[int(column)], re.search(r"'(.*)'", what, re.DOTALL)
            kind = "whole number" if pa.types.is_integer(types[name]) else "number"
            what = f"{name} must be a {kind}, found {shown(value[1]) if value else 'more digits'}"
        else:
            what = re.sub(
                r"Expected (.*), got (\d+).*", r"must have \1, found \2", what, flags=re.DOTALL
            )
            if isinstance(file, pa.OSFile) and file.read_at(1, file.size() - 1) != b"\n":
                what += ": the file is cut short"
        raise InputError(f"{path}: line {line}: {what}") from None


def _open_dbn(path: Path) -> RawTable:
    """Databento's own encoding, of which market-by-price records have one layout in all versions.
    Source: github.com/databento/dbn, rust/dbn/src/record.rs."""
    stream = _after_metadata(path)
    start = stream.read(2)
    if not start:
        return RawTable(path, [], 0, [], lambda types: iter(()))
    stride, levels = start[0] * 4, _DBN_LEVELS.get(start[1], 0)
    fields = {
        "length": "u1", "rtype": "u1", "publisher_id": "<u2", "instrument_id": "<u4",
        "ts_event": "<u8", "price": "<i8", "size": "<u4", "action": "S1", "side": "S1",
        "flags": "u1", "depth": "u1", "ts_recv": "<u8", "ts_in_delta": "<i4", "sequence": "<u4",
    }  # fmt: skip
    for level in range(levels):
        for name in ("bid_px", "ask_px", "bid_sz", "ask_sz", "bid_ct", "ask_ct"):
            fields[f"{name}_{level:02}"] = "<i8" if name.endswith("px") else "<u4"
    layout = np.dtype(list(fields.items()))
    if not levels or stride < layout.itemsize:
        raise InputError(f"{path}: must hold mbp-1 or mbp-10 records, found type {start[1]}")
    read = partial(_read_dbn, path, layout, stride)
    return RawTable(path, list(fields), 0, [], read)


def _after_metadata(path: Path) -> Any:
    stream = open_bytes(path)
    length = int.from_bytes(stream.read(8)[4:], "little")
    for start in range(0, length, _BLOCK):
        stream.read(min(_BLOCK, length - start))
    return stream


def _read_dbn(path: Path, layout: np.dtype, stride: int, types: Types) -> Iterator[pa.RecordBatch]:
    stream = _after_metadata(path)
    while block := stream.read(stride * (1 << 12)):
        if len(block) % stride:
            raise InputError(f"{path}: is cut short")
        rows = np.ndarray(len(block) // stride, layout, block, strides=(stride,))
        if np.any(rows["length"] != stride // 4) or np.any(rows["rtype"] != rows["rtype"][0]):
            raise InputError(f"{path}: must hold records of one type, found several")
        kinds = {name: str if layout[name].kind == "S" else np.int64 for name in types}
        yield pa.RecordBatch.from_pydict({name: rows[name].astype(kinds[name]) for name in types})


@contextmanager
def sound(path: Path) -> Iterator[None]:
    """Say in one line, of what file, what its libraries found wrong. Raises InputError."""
    try:
        yield
    except (
        pa.ArrowException, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        what = " ".join(str(error).split())
        # What Arrow says of gzip and zstd, and of Parquet.
        if "Truncated" in what or "magic bytes" in what:
            raise CutShort(f"{path}: is cut short: {what}") from None
        raise InputError(f"{path}: cannot be read: {what}") from None
