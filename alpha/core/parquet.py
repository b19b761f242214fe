"""Frames in Parquet files, as pandas and pyarrow write them: read like those in HDF5, and written.

Nothing but numbers and timestamps is read: no type that is not Arrow's own, and of metadata only
which column is the index.
"""

import json
from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from alpha.core.foreign import FrameReader, reading
from alpha.core.frames import Columns, FrameWriter
from alpha.core.layout import Block, Column

# Rows that are decoded at a time.
_BATCH_ROWS = 1 << 15
# Rows of a row group that is written.
_GROUP_ROWS = 1 << 16
# A column chunk is read in pieces of so many bytes: row groups may be as large as the file.
_STREAMED: dict[str, Any] = {"buffer_size": 1 << 16, "pre_buffer": False}


class ParquetReader(FrameReader):
    """One open frame. Reads that follow each other decode each row once."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path, self._max_bytes = path, max_bytes
        self._file = parquet.ParquetFile(path, **_STREAMED)
        meta, schema = self._file.metadata, self._file.schema_arrow
        self.rows = meta.num_rows
        groups = [meta.row_group(number) for number in range(meta.num_row_groups)]
        sizes = [group.num_rows for group in groups]
        if min(sizes, default=0) < 0 or sum(sizes) != self.rows:
            raise self._error(f"must have the {self.rows} rows that it states, found {sum(sizes)}")
        self._starts = np.cumsum([0, *sizes]).tolist()
        # What was read last of some columns: where that starts, its values, and what follows.
        self._reads: dict[tuple[str, ...], tuple[int, Any, Iterator[Any]]] = {}
        blocks: dict[str, Block] = {}
        for field in schema:
            if field.name in blocks:
                raise self._error(f"column {field.name!r}: column names must be unique")
            blocks[field.name] = self._block(field)
        name = self._index_name(schema.metadata or {})
        if name is not None and name not in blocks:
            raise self._error(f"the index must be a column, found no column {name!r}")
        # Without one the rows have numbers.
        self._index = Block(None, np.dtype(np.int64)) if name is None else blocks.pop(name)
        kind = None if name is None else schema.field(name).type
        self.tz_aware = getattr(kind, "tz", None) is not None
        self._columns: dict[str, Column] = {one: (block, 0) for one, block in blocks.items()}
        # What the file states of its sizes, and what its rows need by their number.
        stated = sum(group.total_byte_size for group in groups)
        width = sum(block.dtype.itemsize for block in blocks.values())
        size = max(stated, self.rows * width)
        if size > max_bytes:
            allowed = f"data.max_file_mb allows {max_bytes / 1e6:,.0f}"
            raise self._error(f"would need {size / 1e6:,.0f} MB; {allowed}")

    def __enter__(self) -> "ParquetReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._reads.clear()
        self._file.close()

    def _block(self, field: Any) -> Block:
        kind, of = field.type, pa.types
        if of.is_timestamp(kind):
            return Block(None, np.dtype(np.int64), kind.unit, field.name)
        if not (of.is_integer(kind) or of.is_floating(kind) or of.is_boolean(kind)):
            what = f"must be numeric, found {kind}; write it as numbers or drop it"
            raise self._error(f"column {field.name!r}: {what}")
        return Block(None, np.dtype(kind.to_pandas_dtype()), None, field.name)

    def _index_name(self, metadata: dict[bytes, bytes]) -> str | None:
        """The column that pandas says is the index, or None: no index, or a range of numbers."""
        try:
            [index] = json.loads(metadata.get(b"pandas", b"{}")).get("index_columns") or [None]
        except (ValueError, AttributeError, TypeError, RecursionError):
            raise self._error("pandas' metadata must name one index, and are damaged") from None
        return index if isinstance(index, str) else None

    def _read(
        self, sources: list[Column], dtype: np.dtype, start: int = 0, stop: int | None = None
    ) -> np.ndarray:
        stop = self.rows if stop is None else min(stop, self.rows)
        out = np.empty((stop - start, len(sources)), dtype=dtype)
        names = [str(block.field) for block, _ in sources]
        with reading(self.path, "Parquet"), np.errstate(invalid="ignore"):
            for row, batch in self._batches(tuple(sorted(set(names))), start, stop):
                first, last = max(start, row), min(stop, row + batch.num_rows)
                part = batch.slice(first - row, last - first)
                for at, name in enumerate(names):
                    out[first - start : last - start, at] = _values(part.column(name))
        return out

    def _batches(
        self, names: tuple[str, ...], start: int, stop: int
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """What holds rows [start, stop) of some columns, each batch with its first row."""
        row, batch, following = self._reads.pop(names, (self.rows, None, iter(())))
        group = bisect(self._starts, start) - 1
        # What lies between may be left out by whole row groups.
        if start < row or row + (batch.num_rows if batch is not None else 0) < self._starts[group]:
            groups = range(group, len(self._starts) - 1)
            row, batch = self._starts[group], None
            following = self._file.iter_batches(_BATCH_ROWS, groups, list(names), use_threads=False)
        while row < stop:
            batch = next(following, None) if batch is None else batch
            if batch is None:
                raise self._error(f"must have {self.rows} rows, as it states, found {row}")
            if row + batch.num_rows > start:
                yield row, batch
            if row + batch.num_rows > stop:
                self._reads[names] = row, batch, following
                return
            row, batch = row + batch.num_rows, None
        if row < self.rows:
            self._reads[names] = row, None, following


def _values(array: pa.Array) -> np.ndarray:
    """The values of an array, (n,): int64 of timestamps, floats where any are missing."""
    if pa.types.is_timestamp(array.type):
        # As NumPy has what is missing.
        array = array.cast(pa.int64()).fill_null(np.iinfo(np.int64).min)
    values: np.ndarray = array.to_numpy(zero_copy_only=False)
    return values.astype(np.float64) if values.dtype == object else values


@contextmanager
def open_parquet_writer(
    path: Path, columns: Columns, *, rows: int, tz_aware: bool
) -> Iterator[FrameWriter]:
    """As alpha.core.frames.open_writer, for a Parquet file: `pandas.read_parquet` opens it."""
    import pandas as pd  # whose metadata say which column is the index

    index = pd.DatetimeIndex(np.empty(0, "M8[ns]"), tz="UTC" if tz_aware else None)
    empty = {name: np.empty(0, dtype) for names, dtype in columns for name in names}
    schema = pa.Schema.from_pandas(pd.DataFrame(empty, index=index))
    options = {"compression": "zstd", "use_dictionary": False}
    with parquet.ParquetWriter(path, schema, **options) as sink:
        writer = _ParquetWriter(sink, columns, rows)
        yield writer
        writer.finish()


class _ParquetWriter(FrameWriter):
    _step = _GROUP_ROWS

    def __init__(self, sink: parquet.ParquetWriter, columns: Columns, rows: int) -> None:
        blocks = (np.empty((0, len(names)), dtype) for names, dtype in columns)
        super().__init__([np.empty(0, np.int64), *blocks], rows)
        self._sink = sink

    def _write_rows(self, row: int, parts: Sequence[np.ndarray]) -> None:
        times, *blocks = parts
        values = [pa.array(column) for block in blocks for column in block.T]
        # pandas has the index last.
        values.append(pa.array(times.view("M8[ns]")).cast(self._sink.schema.types[-1]))
        batch = pa.RecordBatch.from_arrays(values, schema=self._sink.schema)
        self._sink.write_batch(batch, row_group_size=_GROUP_ROWS)
