"""Recorded lines of JSON: damaged, too long, too deep, or with numbers that no market has."""

import gzip
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.robustness.case import Case, Must
from tests.robustness.raw_tables import INGEST, START_MS, sources


def _depth(at: int) -> dict[str, Any]:
    return {
        "e": "depthUpdate",
        "E": START_MS + at * 250,
        "T": START_MS + at * 250,
        "s": "BTCUSDT",
        "U": at,
        "u": at,
        "pu": at - 1,
        "b": [["100.5", f"{at % 7 + 1}"]],
        "a": [["101.0", f"{at % 5 + 1}"]],
    }


def lines(count: int = 600) -> list[bytes]:
    """A snapshot, and an update four times a second."""
    levels = {"bids": [["100.5", "1"], ["100.0", "2"]], "asks": [["101.0", "1"], ["101.5", "2"]]}
    first = {"lastUpdateId": 0, "E": START_MS, "T": START_MS, **levels}
    said = [first, *map(_depth, range(1, count))]
    return [
        f"{(START_MS + at * 250) * 10**6} ".encode() + json.dumps(one).encode()
        for at, one in enumerate(said)
    ]


def put(folder: Path, content: Any, form: str = "binance_messages") -> None:
    sources(folder, {"*": form}, symbol=None)
    content = content() if callable(content) else content
    (folder / "raw" / "a.jsonl").write_bytes(content)


def _with(line: bytes, at: int = 300) -> bytes:
    made = lines()
    made[at] = line
    return b"\n".join([*made, b""])


def _bad_lines() -> Iterator[tuple[str, bytes]]:
    now = f"{(START_MS + 75_000) * 10**6} ".encode()
    update = json.dumps(_depth(300)).encode()
    yield "no JSON", now + b"{oops"
    yield "cut", now + update[:60]
    yield "empty", b""
    yield "no time", update
    yield "a time that is text", b"noon " + update
    yield "a time of 40 digits", b"9" * 40 + b" " + update
    yield "a time of 5,000 digits", b"9" * 5000 + b" " + update
    yield "bytes that are no text", now + b'{"s": "\xff\xfe"}'
    yield "NUL", bytes(100)
    for value in (
        "1",
        "null",
        "[]",
        "[[]]",
        '""',
        "true",
        "{}",
        "[1, 2]",
        '{"data": 5}',
        '{"e": []}',
        '{"data": [[]]}',
        '{"e": {"a": 1}}',
        '{"e": "depthUpdate"}',
        '{"table": "trade"}',
    ):
        yield f"the JSON {value}", now + value.encode()
    yield "JSON 100,000 deep", now + b"[" * 100_000 + b"]" * 100_000
    yield "JSON 900 deep", now + b'{"data":' * 900 + b"1" + b"}" * 900
    yield "a key twice", now + update[:-1] + b', "u": 5}'
    prices = (
        "NaN",
        "Infinity",
        "-5",
        "0",
        "1e308",
        "1e400",
        "5e-324",
        "9" * 400,
        "",
        "x",
        "1_0",
        "0x10",
        "１００",
        " 100 ",
        "null",
        "1,5",
    )
    for price in prices:
        for name in ("b", "a"):
            level = [[price, "1"]]
            yield (
                f"{name} at {price[:12]!r}",
                now + json.dumps(_depth(300) | {name: level}).encode(),
            )
        for raw in (price,) if price in ("NaN", "Infinity", "1e400", "null", "9" * 400) else ():
            text = json.dumps(_depth(300)).replace('"100.5"', raw)
            yield f"a price {raw[:12]} without quotes", now + text.encode()
    for size in ("-1", "NaN", "1e308", "Infinity", "x", "1e-320"):
        text = json.dumps(_depth(300) | {"b": [["100.5", size]]})
        yield f"a size of {size}", now + text.encode()
    for key, values in {
        "u": (-1, 2**63, 2**64, 10**30, 1.5, "7", None, [], 1e300, True),
        "pu": (-5, 10**30, "x"),
        "T": (-1, 0, 10**30, 1.5, "x", "2024-13-45", [], {}, 10**18, 1e300, 32503680000000),
        "s": (5, [], {}, "", "ETHUSDT", "a\nb", "\x1b[31m", "x" * 10_000),
        "b": (5, "x", [[]], [["1"]], [["1", "2", "3"]], {}, None, [[[], []]], [["1", "2"]] * 3000),
        "e": (5, [], "trade", "bookTicker", "x" * 10_000),
    }.items():
        for value in values:
            yield (
                f"{key} of {str(value)[:40]!r}",
                now + json.dumps(_depth(300) | {key: value}).encode(),
            )


def _recordings() -> Iterator[Case]:
    def case(name: str, content: Any, must: Must = Must.EITHER, **how: Any) -> Case:
        return Case("recordings", name, partial(put, content=content, **how), must, INGEST)

    whole = b"\n".join([*lines(), b""])
    yield case("as it is", whole, Must.ACCEPT)
    yield case("in gzip", gzip.compress(whole, mtime=0), Must.ACCEPT)
    for name, line in _bad_lines():
        yield case(f"a line is {name}", _with(line))
    for at in range(1, 20):
        yield case(f"cut after {at}/20", whole[: len(whole) * at // 20])
        packed = gzip.compress(whole, mtime=0)
        yield case(f"in gzip, cut after {at}/20", packed[: len(packed) * at // 20])
    refused: dict[str, Any] = {
        "empty": b"",
        "of another exchange": whole,
        "no line's end in 40 MB": lambda: b"1" * (40 << 20),
        "a line of 20 MB": lambda: _with(b"1 " + b"[" * (20 << 20)),
        "100 MB of new lines": lambda: b"\n" * (100 << 20),
        "1 GB of zeros in gzip": lambda: gzip.compress(bytes(64 << 20), 9) * 16,
        "CSV": b"t,b,bs,a,as\n1,2,3,4,5\n" * 100,
        "noise": bytes(range(256)) * 40,
        "lines without a snapshot": b"\n".join(lines()[1:]),
        "lines in reverse": b"\n".join(lines()[::-1]),
        "two symbols": lambda: whole.replace(b"BTCUSDT", b"ETHUSDT", 300),
    }
    for name, content in refused.items():
        form = "bitmex_messages" if name == "of another exchange" else "binance_messages"
        yield case(name, content, Must.REFUSE, form=form)
    levels = b'["1","1"],' * 700_000 + b'["1","1"]'
    book = b'1709251200000000000 {"lastUpdateId":0,"T":1709251200000,"bids":[%b],"asks":[]}\n'
    for name, line in {
        "40 lines of 7 MB": lambda: b"1" * (7 << 20) + b"\n",
        "40 lines of 7 MB of levels": lambda: book % levels,
    }.items():
        yield case(name, lambda line=line: line() * 40)
    yield case(
        "1 GB of new lines in gzip after rows",
        lambda: gzip.compress(whole) + gzip.compress(b"\n" * (64 << 20)) * 16,
    )


def cases() -> Iterator[Case]:
    yield from _recordings()
