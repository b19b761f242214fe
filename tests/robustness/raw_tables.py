"""Raw market data in tables: damaged archives, odd cells, units that change, bombs."""

import bz2
import gzip
import io
import lzma
import os
import random
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.robustness.case import Case, Must, write_params

INGEST = ("ingest --out results/ingest",)
QUOTES: dict[str, Any] = {
    "format": "snapshots",
    "time": "t",
    "unit": "ms",
    "bid_price": "b",
    "bid_size": "bs",
    "ask_price": "a",
    "ask_size": "as",
}
_HEAD = "t,b,bs,a,as"
START_MS = 1_709_251_200_000


def rows(count: int = 600, start_ms: int = START_MS) -> list[str]:
    """Best quotes, four a second."""
    rng = random.Random(0)
    found, mid = [], 1000
    for at in range(count):
        mid += rng.choice((-1, 0, 1))
        cells = start_ms + at * 250, mid / 2, rng.randint(1, 9), mid / 2 + 0.5, rng.randint(1, 9)
        found.append(",".join(map(str, cells)))
    return found


def text(lines: list[str], head: str = _HEAD, end: str = "\n") -> bytes:
    return end.join([head, *lines, ""]).encode()


def sources(folder: Path, files: dict[str, Any], **ingest: Any) -> None:
    """The params of raw files in `raw`."""
    given = {"sources": [{"dir": "raw", "files": files}], **ingest}
    write_params(folder, data={"dir": "results/ingest"}, ingest=given)
    (folder / "raw").mkdir(exist_ok=True)


def put(folder: Path, content: Any, *, name: str = "a.csv", **mapping: Any) -> None:
    """Best quotes, as content or what makes it."""
    sources(folder, {"*": QUOTES | mapping})
    (folder / "raw" / name).write_bytes(content() if callable(content) else content)


def _case(
    name: str, content: Any, must: Must = Must.REFUSE, says: str = "", **mapping: Any
) -> Case:
    write = partial(put, content=content, **mapping)
    return Case("raw tables", name, write, must, INGEST, says)


def _cells() -> Iterator[Case]:
    price_or_size = {
        "text": "x",
        "empty": "",
        "NaN": "nan",
        "infinite": "inf",
        "too large": "1e400",
        "-infinite": "-Infinity",
        "negative": "-3",
        "hexadecimal": "0x1p4",
        "of two points": "1.2.3",
        "of a comma": '"1,5"',
        "a boolean": "true",
        "a list": "[1]",
        "a huge number": "9" * 400,
        "NUL": "\0",
        "a formula": "=1+1",
        "an escape": "\x1b[31m",
        "a script": "<script>",
        "other digits": "１２",
        "1 MB long": "9" * (1 << 20),
        "a new line": '"1\n2"',
    }
    for column in (1, 2):
        for what, cell in price_or_size.items():
            lines = rows()
            cells = lines[300].split(",")
            cells[column] = cell
            lines[300] = ",".join(cells)
            # A level may be empty, and NaN is how some write that.
            must = Must.EITHER if what in ("empty", "NaN", "other digits") else Must.REFUSE
            name = f"{_HEAD.split(',')[column]} that is {what}"
            odd = what in ("1 MB long", "a new line", "NUL") or must != Must.REFUSE
            said = "" if odd else "line 302"
            yield _case(name, text(lines), must, said)
    extreme = {"1e300": "1e300", "1e308": "1e308", "1e-300": "1e-300", "5e-324": "5e-324", "0": "0"}
    for what, value in extreme.items():
        for column in (1, 2, 3):
            lines = rows()
            cells = lines[300].split(",")
            cells[column] = value
            lines[300] = ",".join(cells)
            name = f"{_HEAD.split(',')[column]} of {what}"
            yield _case(name, text(lines), Must.EITHER)
    times = {
        "text": "noon",
        "empty": "",
        "0": "0",
        "negative": "-1",
        "of 64 bits": str(2**63 - 1),
        "more than 64 bits": "9" * 30,
        "1e300": "1e300",
        "NaN": "nan",
        "in s": str(START_MS // 1000),
        "in us": str(START_MS * 1000),
        "in ns": str(START_MS * 10**6),
        "far back": str(START_MS - 10**8),
        "ISO": "2024-03-01T00:00:00Z",
        "with a fraction": f"{START_MS + 75_000}.5",
    }
    for unit in ("ms", None):
        for what, cell in times.items():
            lines = rows()
            lines[300] = cell + lines[300][len(str(START_MS)) :]
            yield _case(f"a time that is {what}, unit {unit}", text(lines), unit=unit, says="302")
    lines = rows()
    for at, line in enumerate(lines[300:], 300):
        cells = line.split(",")
        lines[at] = ",".join([str(int(cells[0]) * 1000), *cells[1:]])
    yield _case("times from the middle on in us", text(lines), unit=None)
    for what, change in {
        "later ones first": lambda lines: lines[::-1],
        "an hour that comes twice": lambda lines: lines + rows(600, START_MS - 3_600_000),
    }.items():
        yield _case(f"times: {what}", text(change(rows())), says="back")
    yield _case(
        "each row twice", text([line for one in rows() for line in (one, one)]), Must.ACCEPT
    )


def _forms() -> Iterator[Case]:
    whole = text(rows())
    same: dict[str, bytes] = {
        "as it is": whole,
        "with carriage returns": text(rows(), end="\r\n"),
        "with a byte order mark": b"\xef\xbb\xbf" + whole,
        "without a last new line": whole[:-1],
        "in gzip": gzip.compress(whole, mtime=0),
        "in two members of gzip": gzip.compress(whole[:5000]) + gzip.compress(whole[5000:]),
        "in zstd": pa.compress(whole, "zstd", asbytes=True),
        "in a zip": _zip({"a.csv": whole}),
        "with empty lines": whole.replace(b"\n", b"\n\n"),
        "with columns that are not named": b"\n".join(line + b",x" for line in whole.splitlines()),
    }
    for what, content in same.items():
        yield _case(what, content, Must.ACCEPT)
    bad: dict[str, Any] = {
        "empty": b"",
        "the header alone": text([]),
        "no header": whole.split(b"\n", 1)[1],
        "another header": whole.replace(b"t,b,", b"time,price,", 1),
        "a header with one name twice": whole.replace(b"t,b,bs,", b"t,b,b,", 1),
        "zeros": bytes(10_000),
        "noise": random.Random(0).randbytes(10_000),
        "UTF-16": whole.decode().encode("utf-16"),
        "UTF-32": whole.decode().encode("utf-32"),
        "a row too short": text([*rows(), "1,2"]),
        "a row too long": text([*rows()[:300], rows()[300] + ",9,9", *rows()[301:]]),
        "a quote that stays open": text([*rows()[:300], '"' + rows()[300], *rows()[301:]]),
        "a line of 5 MB": text([*rows()[:300], "x" * (5 << 20), *rows()[301:]]),
        "no line's end in 100 MB": lambda: b"1" * 10**8,
        "HTML": b"<html><body>403 Forbidden</body></html>" * 30,
        "JSON": b'{"t": 1, "b": 2}\n' * 600,
        "with semicolons": whole.replace(b",", b";"),
        "NULs between letters": whole.replace(b",", b"\0,\0"),
        "bzip2": bz2.compress(whole),
        "xz": lzma.compress(whole),
        "a zip of two": _zip({"a.csv": whole, "b.csv": whole}),
        "a zip of none": _zip({}),
        "a zip of a folder": _zip({"a/": b""}),
        "gzip in gzip": gzip.compress(gzip.compress(whole)),
        "gzip and what is none": gzip.compress(whole) + b"trailing",
        "a pickle": b"\x80\x04\x95" + bytes(1000),
        "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(5000),
        "DBN of another kind": b"DBN\x01" + bytes(500),
        "the mark of Parquet": b"PAR1" + whole + b"PAR1",
    }
    for what, content in bad.items():
        yield _case(f"the file is {what}", content)
    for what, packed in {
        "CSV": whole,
        "gzip": gzip.compress(whole, mtime=0),
        "zip": _zip({"a.csv": whole}),
        "zstd": pa.compress(whole, "zstd", asbytes=True),
    }.items():
        for at in (*range(1, 20), 19.99):
            cut = packed[: int(len(packed) * at / 20)]
            # Of a text nobody can tell in a number whether it is whole.
            must = Must.EITHER if what == "CSV" else Must.REFUSE
            yield _case(f"{what} after {at}/20", cut, must)
    for what in ("gzip", "zstd", "zip"):
        pack = {
            "gzip": lambda: gzip.compress(whole, mtime=0),
            "zip": lambda: _zip({"a.csv": whole}),
            "zstd": lambda: pa.compress(whole, "zstd", asbytes=True),
        }[what]
        for at in range(1, 12):

            def flipped(pack: Callable[[], bytes] = pack, at: int = at) -> bytes:
                content = bytearray(pack())
                content[len(content) * at // 12] ^= 0x55
                return bytes(content)

            must = Must.EITHER if what == "zstd" else Must.REFUSE  # which may have no checksum
            yield _case(f"a flipped byte at {at}/12 of {what}", flipped, must)


def _zip(files: dict[str, bytes], **how: Any) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, **how) as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _one_time(row: str) -> bytes:
    part = f"{row}\n".encode() * 10**6
    return gzip.compress(text([])) + gzip.compress(part, 1) * 10


def _zip_of(unit: bytes) -> bytes:
    return _zip({"a.csv": unit * (256 << 20)})


def _bombs() -> Iterator[Case]:
    def case(name: str, content: Any, must: Must = Must.REFUSE) -> Case:
        return Case("bombs", name, partial(put, content=content), must, INGEST)

    def packed(pack: Callable[[bytes], bytes], unit: bytes, times: int, first: bytes) -> bytes:
        """Members after one another, which both formats allow, each of 64 MB."""
        return (pack(first) if first else b"") + pack(unit * (64 << 20)) * times

    packs = {"gzip": gzip.compress, "zstd": partial(pa.compress, codec="zstd", asbytes=True)}
    units = {"zeros": b"\0", "new lines": b"\n", "one line": b"1", "commas": b",", "quotes": b'"'}
    for name, pack in packs.items():
        for what, unit in units.items():
            content = partial(packed, pack, unit, 64, b"")
            yield case(f"4 GB of {what} in {name}", content)
            content = partial(packed, pack, unit, 16, text(rows()))
            must = Must.EITHER if what == "new lines" else Must.REFUSE
            yield case(f"rows, then 1 GB of {what} in {name}", content, must)
    for what in ("zeros", "new lines"):
        content = partial(_zip_of, units[what])
        yield case(f"256 MB of {what} in a zip", content)
    wide = lambda: (",".join(f"c{at}" for at in range(200_000)) + "\n").encode()  # noqa: E731
    yield case("200,000 columns of raw data", wide)

    def level(price: int) -> str:
        return f"{START_MS},buy,{price},1"

    def deep(folder: Path) -> None:
        sources(
            folder,
            {
                "*": {
                    "format": "updates",
                    "time": "t",
                    "unit": "ms",
                    "side": "s",
                    "price": "p",
                    "size": "q",
                }
            },
        )
        content = text([level(at + 1) for at in range(300_000)], "t,s,p,q")
        (folder / "raw" / "a.csv").write_bytes(content)

    yield Case("bombs", "a book of 300,000 levels", deep, Must.REFUSE, INGEST)
    jump = [*rows()[:300], *rows(300, START_MS + 70 * 365 * 86_400_000)]
    yield case("a pause of 70 years", text(jump), Must.EITHER)

    def lobster(folder: Path, unit: bytes) -> None:
        """Two files side by side, line by line."""
        sources(folder, {"*": "lobster"})
        for name in ("message", "orderbook"):
            content = gzip.compress(unit * (64 << 20)) * 32
            (folder / "raw" / f"A_2024-03-01_{name}_1.csv").write_bytes(content)

    for what, unit in units.items():
        write = partial(lobster, unit=unit)
        yield Case("bombs", f"2 GB of {what} for LOBSTER", write, Must.REFUSE, INGEST)

    def deepest(folder: Path) -> None:
        """As many levels as can be, in runs of one value."""
        level = {"bid_price": "b{level}", "bid_size": "c", "ask_price": "a{level}", "ask_size": "d"}
        sources(folder, {"*": QUOTES | level})
        count = 1 << 13
        columns = {"t": START_MS + np.arange(count) * 250, "c": np.ones(count), "d": np.ones(count)}
        for at in range(1000):
            columns |= {
                f"b{at}": np.full(count, 2000.0 - at),
                f"a{at}": np.full(count, 2001.0 + at),
            }
        pq.write_table(pa.table(columns), folder / "raw" / "a.parquet", compression="zstd")

    yield Case("bombs", "8,192 books of 1,000 levels in Parquet", deepest, Must.ACCEPT, INGEST)
    once = partial(_one_time, rows(1)[0])
    yield case("ten million rows of one time", once, Must.EITHER)

    def slow(folder: Path) -> None:
        """A row a millisecond, as long as the data are, of two rows an hour apart."""
        put(folder, text([*rows(2), *rows(2, START_MS + 50 * 365 * 86_400_000)]))
        sources(folder, {"*": QUOTES}, grid_seconds=0.001, max_stale_seconds=3e8)

    yield Case("bombs", "fifty years of rows a millisecond", slow, Must.EITHER, INGEST)


def _places() -> Iterator[Case]:
    def with_file(folder: Path, make: Callable[[Path], Any], alone: bool) -> None:
        put(folder, text(rows()))
        if alone:
            (folder / "raw" / "a.csv").unlink()
        make(folder / "raw" / "b.csv")

    for what, make in {
        "a dead link": lambda path: path.symlink_to("no"),
        "a link to itself": lambda path: path.symlink_to(path.name),
        "a FIFO": os.mkfifo,
        "a device": lambda path: path.symlink_to("/dev/zero"),
        "a folder": Path.mkdir,
    }.items():
        for alone in (True, False):
            where = "alone" if alone else "beside a file"
            must = Must.ACCEPT if what == "a folder" and not alone else Must.REFUSE
            write = partial(with_file, make=make, alone=alone)
            yield Case("raw tables", f"{what} {where}", write, must, INGEST)

    def two(folder: Path, change: Callable[[list[str]], list[str]]) -> None:
        put(folder, text(rows()))
        later = change(rows(600, START_MS + 600 * 250))
        (folder / "raw" / "b.csv").write_bytes(text(later))

    def scaled(lines: list[str], column: int, factor: float) -> list[str]:
        cells = [line.split(",") for line in lines]
        for row in cells:
            for at in (column, column + 2):
                row[at] = str(float(row[at]) * factor)
        return [",".join(row) for row in cells]

    changes: dict[str, tuple[Any, Must]] = {
        "follows": (lambda lines: lines, Must.ACCEPT),
        "is empty": (lambda lines: [], Must.EITHER),
        "is a copy": (lambda lines: rows(), Must.REFUSE),
        "has prices in cents": (partial(scaled, column=1, factor=100), Must.REFUSE),
        "has sizes in another unit": (partial(scaled, column=2, factor=1e6), Must.REFUSE),
        "has bid and ask swapped": (
            lambda lines: [
                ",".join([t, a, q, b, s]) for t, b, s, a, q in (line.split(",") for line in lines)
            ],
            Must.REFUSE,
        ),
    }
    for what, (change, must) in changes.items():
        write = partial(two, change=change)
        yield Case("raw tables", f"the second file {what}", write, must, INGEST)
    swapped = changes["has bid and ask swapped"][0]
    yield _case("bid and ask swapped", text(swapped(rows())))


def _mappings() -> Iterator[Case]:
    for what, mapping in {
        "a column that is not there": {"bid_price": "none"},
        "one column as bid and ask": {"ask_price": "b"},
        "one column as price and size": {"bid_size": "b"},
        "a format that is not there": {"format": "tardis_quote"},
        "a unit that is not there": {"unit": "weeks"},
        "prices times 1e300": {"price_multiplier": 1e300},
        "prices times 1e-300": {"price_multiplier": 1e-300},
        "a zone that is not there": {"time_zone": "Mars/Base"},
        "a delimiter of two": {"delimiter": ";;"},
        "a delimiter of none": {"delimiter": ""},
        "a delimiter that ends lines": {"delimiter": "\n"},
    }.items():
        must = (
            Must.EITHER
            if what in ("one column as price and size",) or "times" in what
            else (Must.REFUSE)
        )
        yield _case(f"a mapping with {what}", text(rows()), must, **mapping)
    for pattern in ("../*", "/etc/*", "**/*", "[", "", "*\0", "a" * 5000, "{a,b}"):

        def patterned(folder: Path, pattern: str = pattern) -> None:
            put(folder, text(rows()))
            sources(folder, {pattern: QUOTES})

        must = Must.ACCEPT if pattern == "**/*" else Must.EITHER
        yield Case("raw tables", f"files by the pattern {pattern[:10]!r}", patterned, must, INGEST)


def _parquet() -> Iterator[Case]:
    def table(folder: Path, change: Callable[[dict[str, Any]], Any], **how: Any) -> None:
        cells = np.array([line.split(",") for line in rows()]).T
        columns: dict[str, Any] = dict(zip(_HEAD.split(","), cells.astype(float), strict=True))
        columns["t"] = cells[0].astype(np.int64)
        columns = change(columns) or columns
        put(folder, b"")
        pq.write_table(pa.table(columns), folder / "raw" / "a.csv", **how)

    def case(name: str, change: Any, must: Must = Must.REFUSE, **how: Any) -> Case:
        write = partial(table, change=change, **how)
        return Case("raw tables", f"Parquet: {name}", write, must, INGEST)

    yield case("as it is", lambda columns: None, Must.ACCEPT)
    for kind, made in {
        "text": lambda values: [str(one) for one in values],
        "lists": lambda values: [[one] for one in values],
        "records": lambda values: [{"a": one} for one in values],
        "bytes": lambda values: [b"x" for _ in values],
        "nothing": lambda values: [None] * len(values),
        "decimals": lambda values: pa.array(values).cast(pa.decimal128(30, 5)),
        "times": lambda values: pa.array(values.astype(np.int64)).cast(pa.timestamp("ms")),
        "a dictionary": lambda values: pa.array(values).dictionary_encode(),
        "infinities": lambda values: values * np.inf,
    }.items():
        for name in ("b", "t"):
            change = lambda columns, n=name, f=made: columns | {n: f(columns[n])}  # noqa: E731
            yield case(f"{name} of {kind}", change, Must.EITHER)
    for codec in ("snappy", "gzip", "zstd", "lz4", "brotli", "none"):
        yield case(f"packed by {codec}", lambda columns: None, Must.ACCEPT, compression=codec)


def cases() -> Iterator[Case]:
    for group in (_cells, _forms, _bombs, _places, _mappings, _parquet):
        yield from group()
