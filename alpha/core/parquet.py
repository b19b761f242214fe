"""Frames in Parquet files, as pandas and pyarrow write them: read like those in HDF5, and written.

Nothing but numbers and timestamps is read: no type that is not Arrow's own, and of metadata only
which column is the index.
"""

import json
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from alpha.core import parallel
from alpha.core.errors import InputError
from alpha.core.foreign import FrameReader, open_frame, reading
from alpha.core.layout import HELP, ROW_BYTES, Block, Column, Skip

# Rows that are decoded at a time, and of a row group that is written.
_BATCH_ROWS, _GROUP_ROWS = 1 << 15, 1 << 16
# A column chunk is read in pieces of so many bytes: row groups may be as large as the file.
_STREAMED: dict[str, Any] = {"buffer_size": 1 << 16, "pre_buffer": False}
_STREAMED |= {"thrift_string_size_limit": 1 << 24, "thrift_container_size_limit": 1 << 17}


class ParquetReader(FrameReader):
    """One open frame. Reads that follow each other decode each row once."""

    def __init__(self, path: Path, max_bytes: int, skip: Skip) -> None:
        self.path, self._max_bytes, self._skip = path, max_bytes, skip
        self._file = parquet.ParquetFile(path, **_STREAMED)
        meta, schema = self._file.metadata, self._file.schema_arrow
        self.rows = meta.num_rows
        groups = [meta.row_group(number) for number in range(meta.num_row_groups)]
        sizes = [group.num_rows for group in groups]
        if sum(sizes) != self.rows or min(sizes, default=0) < 0:
            raise self._error(f"must have the {self.rows} rows that it states, found {sum(sizes)}")
        # Of some columns, the batch that was decoded last with its first row, and what follows.
        self._reads: dict[tuple[str, ...], tuple[int, Any, Any]] = {}
        name = self._index_name(schema.metadata or {})
        kept = [one for one in self._named(schema.names) if one == name or self._kept([one])]
        if twice := [one for one, count in Counter(kept).items() if count > 1]:
            raise self._error(f"column {twice[0]!r}: column names must be unique")
        blocks = {one: self._block(schema.field(one)) for one in kept}
        if name is not None and name not in blocks:
            raise self._error(f"the index must be a column, found no column {name!r}")
        # What the file states of its sizes, and what its rows need by their number.
        stated = sum(group.total_byte_size for group in groups)
        row = max(ROW_BYTES, sum(block.dtype.itemsize for block in blocks.values()))
        self._check_size(max(stated, self.rows * row), f"{self.rows:,} rows")
        self._decoded = max((group.total_byte_size for group in groups), default=0)
        # Without an index the rows have numbers.
        self._index = Block(None, np.dtype(np.int64)) if name is None else blocks.pop(name)
        zone = None if name is None else getattr(schema.field(name).type, "tz", None)
        self.tz_aware = zone is not None
        self._columns: dict[str, Column] = {one: (block, 0) for one, block in blocks.items()}

    def _block(self, field: Any) -> Block:
        kind, of = field.type, pa.types
        if of.is_timestamp(kind):
            return Block(None, np.dtype(np.int64), kind.unit, field.name)
        # A type of pandas', such as a period, is stored as numbers.
        other = (field.metadata or {}).get(b"ARROW:extension:name")
        if other or not (of.is_integer(kind) or of.is_floating(kind) or of.is_boolean(kind)):
            found = f"must be numeric, found {'an extension' if other else kind}"
            raise self._error(f"column {field.name!r}: {found}; {HELP}")
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
        wanted = tuple(sorted(set(names)))
        row, batch, following = self._reads.pop(wanted, (self.rows, (), None))
        limit = self._limit(out, self._decoded + 8 * _BATCH_ROWS * len(names))
        with reading(self.path, "Parquet", limit=limit), np.errstate(invalid="ignore"):
            if start < row:  # From the first row on again, which who reads in order never needs.
                row, batch = 0, ()
                following = self._file.iter_batches(_BATCH_ROWS, None, wanted, use_threads=False)
            while True:
                first, last = max(start, row), min(stop, row + len(batch))
                for at, name in enumerate(names if first < last else ()):
                    part = batch.column(name).slice(first - row, last - first)
                    out[first - start : last - start, at] = _values(part)
                if row + len(batch) >= stop:
                    break
                row, batch = row + len(batch), next(following, None)
                if batch is None:
                    raise self._error(f"must have {self.rows} rows, as it states, found {row}")
        self._reads[wanted] = row, batch, following
        return out


def _values(array: pa.Array) -> np.ndarray:
    """The values of an array, (n,): int64 of timestamps, floats where any are missing."""
    if pa.types.is_timestamp(array.type):
        # As NumPy has what is missing.
        array = array.cast(pa.int64()).fill_null(np.iinfo(np.int64).min)
    values: np.ndarray = array.to_numpy(zero_copy_only=False)
    return values.astype(np.float64) if values.dtype == object else values


def write_parquet(source: Path, out: Path) -> None:
    """Write the frame of a file of this project as Parquet, which `pandas.read_parquet` opens: its
    index and its columns, of the same types."""
    with open_frame(source) as frame:
        if times := [name for name, dtype in frame.columns.items() if dtype.kind == "M"]:
            raise InputError(f"{source}: column {times[0]!r}: must be numeric, found timestamps")
        options: Any = {"compression": "zstd", "use_dictionary": False}
        with parquet.ParquetWriter(out, _table(frame, 0, 0).schema, **options) as writer:
            for at in parallel.cut(frame.rows, _GROUP_ROWS):
                writer.write_table(_table(frame, at.start, at.stop))


def _table(frame: FrameReader, start: int, stop: int) -> pa.Table:
    """Rows [start, stop), with pandas' metadata."""
    import pandas as pd

    rows: Any = {"start": start, "stop": stop}
    index = pd.DatetimeIndex(frame.time_ns(**rows), tz="UTC" if frame.tz_aware else None)
    together = groupby(frame.columns, frame.columns.__getitem__)
    parts = [
        pd.DataFrame(frame.matrix(names, **rows), index, names, dtype)
        for dtype, names in ((dtype, [*names]) for dtype, names in together)
    ]
    return pa.Table.from_pandas(pd.concat(parts, axis=1))
