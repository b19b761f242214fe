"""Parquet feature files: of any writer, cut, with metadata that lie, or larger than they look."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.robustness.case import Case, Must, frame, save, write_params
from tests.robustness.hdf5 import TRAP

_PATTERN = {"pattern": "*.parquet"}


def _case(
    name: str,
    change: Callable[[pa.Table], Any],
    must: Must = Must.REFUSE,
    says: str = "",
    **how: Any,
) -> Case:
    def write(folder: Path) -> None:
        (folder / "features").mkdir()
        write_params(folder, data=_PATTERN)
        table = pa.Table.from_pandas(frame())
        given = change(table)
        pq.write_table(table if given is None else given, folder / "features" / "a.parquet", **how)

    return Case("Parquet", name, write, must, says=says)


def _column(table: pa.Table, name: str, values: Any) -> pa.Table:
    at = table.column_names.index(name)
    return table.set_column(at, name, values)


def _columns() -> Iterator[Case]:
    n = len(frame())
    numbers = np.arange(n) + 100.0
    odd: dict[str, Any] = {
        "text": ["a"] * n,
        "lists": [[1.0]] * n,
        "records": [{"x": 1}] * n,
        "bytes": [b"x"] * n,
        "nothing": pa.nulls(n),
        "decimals": pa.array(numbers).cast(pa.decimal128(9, 2)),
        "categories": pa.array(["a", "b"] * (n // 2)).dictionary_encode(),
        "categories of numbers": pa.array(numbers).dictionary_encode(),
        "dates": pa.array(np.arange(n)).cast(pa.int32()).cast(pa.date32()),
        "durations": pa.array(np.arange(n)).cast(pa.duration("s")),
        "maps": pa.array([[("a", 1)]] * n, pa.map_(pa.string(), pa.int64())),
        "times of a day": pa.array(np.arange(n)).cast(pa.time64("ns")),
    }
    for name in ("best_bid", "spread"):
        for what, values in odd.items():
            change = partial(_column, name=name, values=pa.array(values))
            # Parquet itself stores numbers by what they are.
            must = Must.EITHER if what == "categories of numbers" else Must.REFUSE
            yield _case(f"{name} holds {what}", change, must)
    when = pa.array(np.arange(n)).cast(pa.timestamp("ns"))
    yield _case("best_bid holds times", partial(_column, name="best_bid", values=when))
    for kind in (
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint64",
        "float",
        "double",
        "halffloat",
    ):
        values = pa.array(np.arange(n) % 100).cast(kind if kind != "halffloat" else "float")
        yield _case(
            f"a feature of {kind}", partial(_column, name="spread", values=values), Must.ACCEPT
        )
    for name in ("best_bid", "best_ask", "spread"):
        holes = pa.array([None if at == 100 else one for at, one in enumerate(numbers)])
        yield _case(f"{name} with a null", partial(_column, name=name, values=holes), Must.EITHER)
    ints = pa.array([None if at == 100 else 2**60 for at in range(n)])
    yield _case(
        "whole numbers with a null", partial(_column, name="spread", values=ints), Must.ACCEPT
    )
    yield _case("best_bid missing", lambda table: table.drop_columns("best_bid"), says="best_bid")
    twice = lambda table: table.append_column("best_bid", table["best_ask"])  # noqa: E731
    yield _case("best_bid twice", twice, says="unique|twice")
    yield _case("no columns", lambda table: table.select([]))
    yield _case("no rows", lambda table: table.slice(0, 0), says="row")
    yield _case("quotes alone", lambda table: table.select(["best_bid", "best_ask", "timestamp"]))


def _indices() -> Iterator[Case]:
    def index(table: pa.Table, change: Any) -> pa.Table:
        times = table["timestamp"].to_numpy()
        return _column(table, "timestamp", change(times))

    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "UTC", "Asia/Tokyo"):
            kind = pa.timestamp(unit, zone)
            change = lambda times, k=kind: pa.array(times.astype(f"M8[{k.unit}]")).cast(k)  # noqa: E731
            yield _case(f"times in {unit}, {zone}", partial(index, change=change), Must.ACCEPT)
    odd: dict[str, Any] = {
        "whole numbers": lambda times: pa.array(times.astype("i8")),
        "text": lambda times: pa.array(times.astype(str)),
        "floats": lambda times: pa.array(times.astype("i8") / 1e9),
        "a null": lambda times: pa.array(times, mask=np.arange(len(times)) == 7),
        "reversed": lambda times: pa.array(times[::-1]),
        "nulls": lambda times: pa.nulls(len(times), pa.timestamp("ns")),
        "1970": lambda times: pa.array((times.astype("i8") // 1000).astype("M8[ns]")),
    }
    for what, change in odd.items():
        yield _case(f"an index of {what}", partial(index, change=change))
    yield _case(
        "in days, as old writers have times",
        lambda table: None,
        Must.ACCEPT,
        use_deprecated_int96_timestamps=True,
    )

    def metadata(table: pa.Table, content: bytes) -> pa.Table:
        return table.replace_schema_metadata({b"pandas": content})

    for what, content in {
        "missing": b"{}",
        "no JSON": b"{oops",
        "a list": b"[1]",
        "text": b'"x"',
        "null": b"null",
        "deep": b"[" * 100_000,
        "a pickle": TRAP,
        "empty": b"",
        "another index": json.dumps({"index_columns": ["none"]}).encode(),
        "two indices": json.dumps({"index_columns": ["spread", "timestamp"]}).encode(),
        "an index of quotes": json.dumps({"index_columns": ["best_bid"]}).encode(),
        "an index that is a range": json.dumps({"index_columns": [{"kind": "range"}]}).encode(),
        "an index that is a number": json.dumps({"index_columns": [5]}).encode(),
    }.items():
        yield _case(f"pandas' metadata are {what}", partial(metadata, content=content))

    def extension(table: pa.Table) -> pa.Table:
        """An old Arrow unpickled the type of such a column."""
        marks = {
            b"ARROW:extension:name": b"arrow.py_extension_type",
            b"ARROW:extension:metadata": TRAP,
        }
        field = table.schema.field("spread").with_metadata(marks)
        schema = table.schema.set(table.schema.get_field_index("spread"), field)
        return table.cast(schema)

    yield _case("a pickle as a type", extension, Must.EITHER)

    def column(folder: Path) -> None:
        (folder / "features").mkdir()
        frame().reset_index().to_parquet(folder / "features" / "a.parquet")
        write_params(folder, data=_PATTERN | {"timestamp": "timestamp"})

    yield Case("Parquet", "times in a column", column, Must.ACCEPT)
    yield _case(
        "times in a column that params do not name",
        lambda table: table.replace_schema_metadata({}),
        says="timestamp",
    )


def _files() -> Iterator[Case]:
    for codec in ("snappy", "gzip", "zstd", "lz4", "brotli", "none"):
        for version in ("1.0", "2.6"):
            how = {
                "compression": codec,
                "version": version,
                "data_page_version": version[:1] + ".0",
            }
            yield _case(f"by {codec}, version {version}", lambda table: None, Must.ACCEPT, **how)
    for size in (1, 7):
        yield _case(f"groups of {size} rows", lambda table: None, Must.ACCEPT, row_group_size=size)

    def damaged(folder: Path, change: Callable[[bytes], bytes]) -> None:
        path = save(folder, frame(), "a.parquet")
        path.write_bytes(change(path.read_bytes()))
        write_params(folder, data=_PATTERN)

    for at in range(1, 40):
        cut = partial(damaged, change=lambda content, at=at: content[: len(content) * at // 40])
        yield Case("truncation", f"Parquet after {at}/40", cut)
    for what, change in {
        "HDF5": lambda content: b"\x89HDF\r\n\x1a\n" + content,
        "text": lambda content: b"t,a,b\n1,2,3\n",
        "empty": lambda content: b"",
        "only marks": lambda content: b"PAR1PAR1",
        "a footer of 4 GB": lambda content: content[:-8] + b"\xff\xff\xff\xffPAR1",
        "a footer of nothing": lambda content: content[:-8] + b"\0\0\0\0PAR1",
        "marked as encrypted": lambda content: content[:-4] + b"PARE",
    }.items():
        yield Case("Parquet", f"the file is {what}", partial(damaged, change=change))

    def constant(folder: Path, rows: int) -> None:
        """Runs of one value: gigabytes in some kilobytes."""
        (folder / "features").mkdir()
        write_params(folder, data=_PATTERN)
        index = pa.array(np.zeros(1 << 16, "M8[ns]"))
        part = pa.table(
            {
                "timestamp": index,
                **{name: np.zeros(1 << 16) for name in ("best_bid", "best_ask", "x")},
            }
        )
        marks = {b"pandas": json.dumps({"index_columns": ["timestamp"]}).encode()}
        part = part.replace_schema_metadata(marks)
        with pq.ParquetWriter(folder / "features" / "a.parquet", part.schema) as file:
            for _ in range(rows >> 16):
                file.write_table(part)

    for rows in (1 << 21, 1 << 25):
        yield Case(
            "bombs",
            f"{rows:,} rows of one value in Parquet",
            partial(constant, rows=rows),
            says="max_file_mb",
        )

    def wide(folder: Path) -> None:
        names = [f"f{at}" for at in range(3000)]
        more = pd.DataFrame(np.zeros((50, 3000), "f4"), frame(50).index, names)
        save(folder, pd.concat([frame(50), more], axis=1), "a.parquet")
        write_params(folder, data=_PATTERN)

    yield Case(
        "bombs",
        "3,000 columns of Parquet",
        wide,
        Must.ACCEPT,
        ("label --features features --out results/label",),
    )


def cases() -> Iterator[Case]:
    for group in (_columns, _indices, _files):
        yield from group()
