"""Rows of tables become events: one way for all formats, which differ in their mappings alone."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alpha.core.errors import InputError
from alpha.ingest.events import BOOK, BREAK, BUY, CLEAR, LEVEL, SELL, TRADE, Events
from alpha.ingest.formats import FLAGS, GENERIC, MAKERS, OPTIONAL, SIDES, SNAPSHOTS, UPDATES
from alpha.ingest.params import Files
from alpha.ingest.progress import (
    EPOCH,
    HIGH_NS,
    LOW_NS,
    PER_UNIT,
    Line,
    Progress,
    hash_ids,
    unit_ns,
)
from alpha.ingest.rawfiles import RawTable, beside, open_table

_TEXT = pa.dictionary(pa.int32(), pa.string())
_EXACT = pa.decimal128(38, 9)  # seconds to the nanosecond, which float64 has not
_NO_BOOKS = np.empty((0, 1, 4))
_UNKNOWN = -128  # the code of a word that no table has
_TRADE, _HALT = 1, 2
_CODES = {"buy": BUY, "sell": SELL, "trade": _TRADE, "halt": _HALT}


def first_time(path: Path, files: Files, clock: str) -> int | None:
    """The time of a file's first row, in ns; None if it has none."""
    table = _open(path, files)
    name = _clock(files, clock, path)
    for batch in table.batches({name: _time_type(table, files, name)}, 1):
        return int(_times(batch, name, files, table.path, partial(table.line, 0))[0])
    return None


def read_table(
    path: Path, files: Files, clock: str, progress: Progress, rows: int
) -> Iterator[Events]:
    """The events of a file, of `rows` rows at once, of books as many fewer as they have levels. Raises InputError, naming file, row and column, for what
    is missing, or cannot be."""
    table = _open(path, files)
    if files.format not in GENERIC:
        absent = {name: None for name in OPTIONAL if getattr(files, name) not in table.names}
        files = files.model_copy(update=absent)
    files = files.model_copy(update={"symbol": files.symbol or files.instrument})
    time = _clock(files, clock, path)
    levels = _levels(table, files) if files.kind == SNAPSHOTS else []
    types = _types(files, levels) | {time: _time_type(table, files, time)}
    mapping = _Rows(table, files, levels)
    start = 0
    for batch in table.batches(types, max(rows // max(len(levels), 1), 1)):
        line: Line = partial(table.line, start)
        start += len(batch)
        batch, line = _of_symbol(batch, files.symbol, progress, path, line)
        if not len(batch):
            continue
        raw_ns = _times(batch, time, files, path, line)
        new = mapping.starts_message(batch, raw_ns if files.message == time else None)
        yield mapping.events(batch, line, progress.order(raw_ns, line), progress.number(new))


class _Rows:
    """What the rows of one file mean."""

    def __init__(self, table: RawTable, files: Files, levels: list[tuple[str, ...]]) -> None:
        self._files = files
        self._levels = levels
        self._key: int | None = None
        self._in_snapshot = 0
        self._sides = MAKERS if files.is_buyer_maker else _codes_of(files.sides) or SIDES
        self._actions = _codes_of(files.actions)
        self._price_multiplier = files.price_multiplier
        if files.integer_price and not table.has_points(files.price, *levels[0][::2]):
            self._price_multiplier = files.integer_price

    def starts_message(self, batch: pa.Table, times: np.ndarray | None) -> np.ndarray:
        """Which rows did not come with the one before them, (n,) bool."""
        new = np.ones(len(batch), bool)
        if self._files.message:
            keys = _whole(batch, self._files.message) if times is None else times
            new[0], new[1:] = keys[0] != self._key, keys[1:] != keys[:-1]
            self._key = int(keys[-1])
        return new

    def events(
        self, batch: pa.Table, line: Line, time_ns: np.ndarray, message: np.ndarray
    ) -> Events:
        """What `batch` says; `time_ns` and `message` are those of its rows, (n,) int64."""
        files, n = self._files, len(batch)
        kind = np.full(n, {UPDATES: LEVEL, SNAPSHOTS: BOOK}.get(files.kind, TRADE), np.int8)
        first = last = np.zeros(n, np.int64)
        traded, books = kind != BOOK, _NO_BOOKS
        before, extra = np.empty(0, np.intp), (CLEAR, 0, np.nan, 0.0, 0, first[:0])
        if files.kind == SNAPSHOTS:
            books = self._books(batch, line)
        if files.action:
            words, index = _words(batch, files.action)
            action = np.array([self._actions.get(word, 0) for word in words])[index]
            traded = action == _TRADE
            kind[action == _HALT] = BREAK
            books = books[action != _HALT]
        side, price, size = self._trades(batch, line, traded)
        if files.id:
            last = _ids(batch, files.id)
        if files.last:
            last = _whole(batch, files.last)
            first = _whole(batch, files.first) if files.first else last
            if files.previous:
                previous = _whole(batch, files.previous)
                first = np.where(previous > 0, previous + 1, first)
        if files.snapshot:
            flag = _codes(batch, files.snapshot, FLAGS, line)
            before = np.flatnonzero(flag > np.concatenate(([self._in_snapshot], flag[:-1])))
            self._in_snapshot = flag[-1]
            extra = (CLEAR, 0, np.nan, 0.0, 0, last[before])
            first, last = np.where(flag, 0, first), np.where(flag, 0, last)
        elif files.action:
            before = np.flatnonzero(traded)
            extra = (TRADE, side[before], price[before], size[before], 0, last[before])
            side, price, size = np.zeros(n, np.int8), np.full(n, np.nan), np.zeros(n)
        columns = (time_ns, message, kind, side, price, size, first, last)
        if len(before):
            put = (time_ns[before], message[before], *extra)
            columns = tuple(np.insert(a, before, b) for a, b in zip(columns, put, strict=True))
        return Events(*columns, books)

    def _trades(
        self, batch: pa.Table, line: Line, used: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Side, price and size of rows, of which those that are `used` are checked."""
        files, n = self._files, len(batch)
        side, price, size = np.zeros(n, np.int8), np.full(n, np.nan), np.zeros(n)
        if not (files.price and used.any()):
            return side, price, size
        if name := files.is_buyer_maker or files.side:
            side = _codes(batch, name, self._sides, line, used)
            if files.kind == UPDATES:
                _refuse(side == 0, line, name, "be a side", batch)
        assert files.size
        raw = _floats(batch, files.price, line)
        price = _scaled(raw, self._price_multiplier)
        size = _scaled(_floats(batch, files.size, line), files.size_multiplier)
        _refuse(used & ~((price > 0) & np.isfinite(price)), line, files.price, "be positive", batch)
        _refuse(used & ~((size >= 0) & np.isfinite(size)), line, files.size, "be 0 or more", batch)
        return side, price, size

    def _books(self, batch: pa.Table, line: Line) -> np.ndarray:
        """The books of rows, (n, levels, 4) as Events has them."""
        files = self._files
        books = np.empty((len(batch), len(self._levels), 4))
        for level, names in enumerate(self._levels):
            for part, name in enumerate(names):
                books[:, level, part] = _floats(batch, name, line, files.separator, part % 2)
        price, size = books[..., ::2], books[..., 1::2]
        for value in files.no_level:
            price[price == value] = np.nan
        bad = (price < 0) | np.isinf(price) | (~(size >= 0) | np.isinf(size)) & ~np.isnan(price)
        for level, side in np.argwhere(bad.any(axis=0)):
            names = self._levels[level][2 * side : 2 * side + 2]
            must = f"and {names[1]} be numbers that are not negative"
            _refuse(bad[:, level, side], line, names[0], must, batch)
        none = ~((price > 0) & (size > 0))
        price[:] = _scaled(price, self._price_multiplier)
        size[:] = _scaled(size, files.size_multiplier)
        price[none], size[none] = np.nan, 0
        return books


def _open(path: Path, files: Files) -> RawTable:
    """The table of a file; of LOBSTER's two, side by side."""
    table = open_table(path, files.columns, files.delimiter)
    if files.format != "lobster":
        return table
    books = Path(str(path.parent / path.name.replace("message", "orderbook")))
    names = tuple(
        f"{side}_{part}_{level}"
        for level in range(1000) for side in ("ask", "bid") for part in ("price", "size")
    )  # fmt: skip
    return beside(table, open_table(books, names, files.delimiter))


def _clock(files: Files, clock: str, path: Path) -> str:
    """The column of a clock. Raises InputError if the format has only the other."""
    by_name = {"exchange": files.time, "local": files.local_time}
    if name := by_name[clock]:
        return name
    other = next(name for name, column in by_name.items() if column)
    raise InputError(f"{path}: {files.format} has no {clock} time; ingest.clock must be {other}")


def _levels(table: RawTable, files: Files) -> list[tuple[str, ...]]:
    """The columns of each level of a book, as many levels as the table has."""
    templates = [files.bid_price, files.bid_size, files.ask_price, files.ask_size]
    if files.separator:
        templates[1::2] = templates[::2]
    found = []
    for level in count(files.first_level):
        names = tuple(
            str(one).replace("{level}", str(level)).replace("{level:02}", f"{level:02}")
            for one in templates
        )
        if found and (names == found[-1] or names[2] not in table.names):
            return found
        found.append(names)
    return found


def _types(files: Files, levels: list[tuple[str, ...]]) -> dict[str, pa.DataType]:
    """The columns to read, and as what."""
    level = pa.string() if files.separator else pa.float64()
    types = {name: level for names in levels for name in names}
    for kind, names in (
        (pa.float64(), ("price", "size")),
        (pa.int64(), ("message", "first", "last", "previous")),
        (pa.string(), ("id",)),
        (_TEXT, ("side", "is_buyer_maker", "snapshot", "action", "symbol")),
    ):
        types |= {column: kind for name in names if (column := getattr(files, name))}
    return types


def _time_type(table: RawTable, files: Files, name: str) -> pa.DataType:
    """As what a CSV's times are read."""
    cell = table.first(name)
    if files.unit == "s":
        return _EXACT
    return pa.string() if files.unit == "iso" or not (files.unit or cell.isdigit()) else pa.int64()


def _times(batch: pa.Table, name: str, files: Files, path: Path, line: Line) -> np.ndarray:
    """UTC in ns of rows, (n,) int64. Raises InputError for what is no time of 2000 to 2100."""
    column = batch[name].combine_chunks()
    base = _midnight_ns(path, files.time_zone) if files.time_zone else 0
    if pa.types.is_string(column.type):
        # BitMEX has a D where ISO 8601 has a T.
        column = pc.replace_substring(column, "D", "T", max_replacements=1)
        zone = "UTC" if re.search(r"(Z|[+-]\d\d:?\d\d)$", str(column[0])) else None
        column = _cast(column, pa.timestamp("ns", zone), line, name, "an ISO 8601 time")
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64())
        time_ns = column.fill_null(0).to_numpy()
    elif pa.types.is_decimal(column.type):
        # Two halves of 64 bits, of which the upper one is 0 for all times that there are.
        halves = np.frombuffer(column.fill_null(0).buffers()[1], np.int64).reshape(-1, 2)
        low, high = halves[column.offset :][: len(column)].T
        time_ns = np.where(high == 0, low, 0)
    else:
        value = column.fill_null(0).to_numpy()
        per = PER_UNIT[files.unit] if files.unit else unit_ns(value)
        if value.dtype.kind == "f":
            time_ns = np.rint(value * (per / 1000)).astype(np.int64) * 1000
        else:
            time_ns = np.clip(value, 0, HIGH_NS // per) * per
    time_ns = time_ns + base
    unit = f" in {files.unit}" if files.unit in PER_UNIT else ""
    bad = (time_ns < LOW_NS) | (time_ns >= HIGH_NS)
    _refuse(bad, line, name, f"be a time of 2000 to 2100{unit}", batch)
    return time_ns


def _midnight_ns(path: Path, time_zone: str) -> int:
    """When the day in a file's name began; by the offset of noon, as hours may change at night."""
    if not (date := re.search(r"\d{4}-\d{2}-\d{2}", path.name)):
        raise InputError(f"{path}: must have the date in its name, as YYYY-MM-DD")
    noon = datetime.fromisoformat(f"{date[0]}T12:00").replace(tzinfo=ZoneInfo(time_zone))
    return (noon - EPOCH) // timedelta(seconds=1) * 10**9 - 43_200 * 10**9


def _of_symbol(
    batch: pa.Table, name: str | None, progress: Progress, path: Path, line: Line
) -> tuple[pa.Table, Line]:
    """The rows of the chosen symbol, and the lines that they are on."""
    if name is None:
        return batch, line
    words, index = _words(batch, name)
    progress.choose({words[i] for i in np.unique(index)}, path)
    if progress.symbol is None:
        return batch, line
    kept = np.array([word == progress.symbol for word in words])[index]
    rows = np.flatnonzero(kept)
    progress.counts["other_symbols"] += len(batch) - len(rows)
    return batch.filter(pa.array(kept)), lambda row: line(int(rows[row]))


def _words(batch: pa.Table, name: str) -> tuple[list[str], np.ndarray]:
    """The words of a column, and which of them each row has, (n,); an empty cell has ""."""
    column = batch[name].combine_chunks()
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    words = [*column.dictionary.cast(pa.string()).to_pylist(), ""]
    return words, column.indices.fill_null(len(words) - 1).to_numpy()


def _codes(
    batch: pa.Table, name: str, table: Mapping[str, int], line: Line, used: np.ndarray | bool = True
) -> np.ndarray:
    """What a table says of each row's word, (n,) int8. Raises InputError for a word that is not in
    it, where it is used."""
    words, index = _words(batch, name)
    found = np.array([table.get(word, _UNKNOWN) for word in words], np.int8)[index]
    _refuse(
        (found == _UNKNOWN) & used, line, name, f"be one of {', '.join(filter(None, table))}", batch
    )
    return found


def _codes_of(words: Mapping[Any, tuple[str, ...]] | None) -> dict[str, int]:
    return {word: _CODES[name] for name, some in (words or {}).items() for word in some}


def _cast(column: pa.Array, to: pa.DataType, line: Line, name: str, what: str) -> pa.Array:
    """Raises InputError, naming the first row that has no such value."""
    try:
        return column.cast(to, safe=False)
    except pa.ArrowInvalid:
        for row, cell in enumerate(column):
            try:
                cell.cast(to)
            except pa.ArrowInvalid:
                found = cell.as_py()
                raise InputError(f"{line(row)}: {name} must be {what}, found {found!r}") from None
        raise


def _floats(
    batch: pa.Table, name: str, line: Line, separator: str | None = None, part: int = 0
) -> np.ndarray:
    """Numbers of rows, (n,) float64, NaN where a cell is empty; of two that are joined, one."""
    column = batch[name].combine_chunks()
    if separator:
        column = pc.if_else(pc.equal(column, ""), None, column)
        both = pc.split_pattern(column, separator, max_splits=1)
        one = pc.list_value_length(both).fill_null(2).to_numpy() != 2
        _refuse(one, line, name, f"be two numbers with {separator!r} between", batch)
        column = pc.list_element(both, part)
    column = _cast(column, pa.float64(), line, name, "a number")
    return np.array(column.to_numpy(zero_copy_only=False))


def _whole(batch: pa.Table, name: str) -> np.ndarray:
    """Whole numbers of rows, (n,) int64, 0 where a cell is empty."""
    return np.array(batch[name].combine_chunks().fill_null(0).cast(pa.int64()).to_numpy())


def _ids(batch: pa.Table, name: str) -> np.ndarray:
    column = batch[name].combine_chunks().cast(pa.string())
    _, ends, text = column.buffers()
    ends = np.frombuffer(ends, np.int32)[column.offset :][: len(column) + 1]
    return hash_ids(np.frombuffer(text or b"", np.uint8), ends)


def _scaled(values: np.ndarray, multiplier: float) -> np.ndarray:
    """Divided where that is exact: 2239500 × 0.0001 is not 223.95."""
    whole = round(1 / multiplier)
    exact = multiplier < 1 and math.isclose(whole * multiplier, 1, rel_tol=1e-12)
    return values / whole if exact else values * multiplier


def _refuse(bad: np.ndarray, line: Line, name: str, must: str, batch: pa.Table) -> None:
    """Raises InputError, naming the first row that is bad."""
    if bad.any():
        row = int(np.argmax(bad))
        found = batch[name][row].as_py()
        raise InputError(
            f"{line(row)}: {name} must {must}, found {'nothing' if found is None else found}"
        )
