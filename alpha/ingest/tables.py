"""Rows of tables become events: one way for all formats, which differ in their mappings alone."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alpha.core.errors import InputError
from alpha.ingest.cells import SECONDS, Cells, scaled
from alpha.ingest.events import BOOK, BREAK, BUY, CLEAR, LEVEL, NOTHING, SELL, TRADE, Events
from alpha.ingest.formats import (
    ACTIONS,
    FLAGS,
    GENERIC,
    IS_HALT,
    IS_TRADE,
    MAKERS,
    MOST_LEVELS,
    OPTIONAL,
    SIDES,
    SNAPSHOTS,
    TRADES,
    UPDATES,
)  # fmt: skip
from alpha.ingest.params import Files
from alpha.ingest.progress import Progress
from alpha.ingest.rawfiles import RawTable

_KINDS = {UPDATES: LEVEL, TRADES: TRADE, SNAPSHOTS: BOOK}
_SIDES = {"buy": BUY, "sell": SELL}
_TEXT = pa.dictionary(pa.int32(), pa.string())
_TYPES = {
    **dict.fromkeys(("price", "size"), pa.float64()),
    **dict.fromkeys(("message", "first", "last", "previous"), pa.int64()),
    **dict.fromkeys(("side", "is_buyer_maker", "snapshot", "action", "symbol"), _TEXT),
    "id": pa.string(),
}


class TableFile:
    """A file of rows, and what they mean. Raises InputError, naming file, row and column, for what
    is missing, or cannot be."""

    def __init__(self, path: Path, files: Files, clock: str) -> None:
        self._table = table = RawTable(path, files)
        names, looks_like = table.schema.names, table.schema.field
        if files.format not in GENERIC:
            absent = {name: None for name in OPTIONAL if getattr(files, name) not in names}
            files = files.model_copy(update=absent)
        self._files = files = files.model_copy(update={"symbol": files.symbol or files.instrument})
        self._levels = _levels(names, files) if files.kind == SNAPSHOTS else []
        self._sides = SIDES
        if files.sides:
            self._sides = {
                word: _SIDES[side] for side, same in files.sides.items() for word in same
            }
        self._price_multiplier = files.price_multiplier
        prices = (files.price, *(name for names in self._levels for name in names[::2]))
        is_whole = [
            not pa.types.is_floating(table.schema.field(name).type)
            for name in prices
            if name in names
        ]
        if files.integer_price and all(is_whole):
            self._price_multiplier = files.integer_price
        times = {"exchange": files.time, "local": files.local_time}
        if not (time := times.pop(clock)):
            [other] = times
            raise InputError(
                f"{path}: {files.format} has no {clock} time; ingest.clock must be {other}"
            )
        self._time = time
        self._base_ns = _midnight_ns(path, files.time_zone) if files.time_zone else 0
        of_level = pa.string() if files.separator else pa.float64()
        self._types = {name: of_level for names in self._levels for name in names}
        self._types |= {
            name: kind for role, kind in _TYPES.items() if (name := getattr(files, role))
        }
        if time in names:
            is_whole_number = pa.types.is_integer(table.schema.field(time).type)
            guess = pa.int64() if is_whole_number else pa.string()
            self._types[time] = {None: guess, "iso": pa.string(), "s": SECONDS}.get(
                files.unit, pa.int64()
            )
        self._key: int | None = None
        self._in_snapshot = 0

    def first_time(self) -> int | None:
        """The time of the first row, in ns; None if there is none."""
        for cells in self._table.cells({self._time: self._types[self._time]}, 1):
            return int(self._times(cells)[0])
        return None

    def events(self, progress: Progress, rows: int) -> Iterator[Events]:
        """The events of all rows, of at most `rows` rows at once."""
        for found in self._table.cells(self._types, rows):
            cells = self._choose(found, progress) if self._files.symbol else found
            if len(cells):
                time_ns = self._times(cells)
                message = progress.number(self._starts_message(cells, time_ns))
                yield self._events(cells, progress.order(time_ns, cells.line), message)

    def _times(self, cells: Cells) -> np.ndarray:
        return cells.times(self._time, self._files.unit, self._base_ns)

    def _choose(self, cells: Cells, progress: Progress) -> Cells:
        """The rows of the symbol that params choose."""
        words, index = cells.words(str(self._files.symbol))
        progress.choose({words[i] for i in np.unique(index)}, self._table.path)
        kept = np.array([progress.symbol in (None, word) for word in words])[index]
        progress.counts["other_symbols"] += int(np.count_nonzero(~kept))
        return cells if kept.all() else cells.filter(kept)

    def _starts_message(self, cells: Cells, time_ns: np.ndarray) -> np.ndarray:
        """Which rows did not come with the one before them, (n,) bool."""
        new = np.ones(len(cells), bool)
        if name := self._files.message:
            keys = time_ns if name == self._time else cells.whole(name)
            new[0], new[1:] = keys[0] != self._key, keys[1:] != keys[:-1]
            self._key = int(keys[-1])
        return new

    def _events(self, cells: Cells, time_ns: np.ndarray, message: np.ndarray) -> Events:
        """What rows say; `time_ns` and `message` are theirs, (n,) int64."""
        files, n = self._files, len(cells)
        kind = np.full(n, _KINDS[files.kind], np.int8)
        books = self._books(cells) if self._levels else NOTHING.books
        traded = kind != BOOK
        if files.action:
            words, index = cells.words(files.action)
            action = np.array([ACTIONS.get(word, 0) for word in words])[index]
            traded, halted = action == IS_TRADE, action == IS_HALT
            kind[halted], books = BREAK, books[~halted]
        sizes = self._sizes(cells, traded) if traded.any() else _no_sizes(n)
        first = last = np.zeros(n, np.int64)
        if files.id:
            last = cells.ids(files.id)
        if files.last:
            last = cells.whole(files.last)
            first = cells.whole(files.first) if files.first else last
        if files.previous:
            previous = cells.whole(files.previous)
            first = np.where(previous > 0, previous + 1, first)
        # What comes before a row's own event: a trade, or the start of a snapshot.
        at = np.empty(0, np.intp)
        extra: tuple[Any, ...] = ()
        if files.snapshot:
            flag = cells.codes(files.snapshot, FLAGS)
            at = np.flatnonzero(flag > np.concatenate(([self._in_snapshot], flag[:-1])))
            self._in_snapshot = flag[-1]
            extra = (CLEAR, 0, np.nan, 0, 0, last[at])
            if files.last:
                first, last = np.where(flag, 0, first), np.where(flag, 0, last)
        elif files.action and traded.any():
            at = np.flatnonzero(traded)
            extra = (TRADE, *(column[at] for column in (*sizes, first, last)))
            sizes = _no_sizes(n)
        own: tuple[np.ndarray, ...] = (time_ns, message, kind, *sizes, first, last)
        if len(at):
            pairs = zip(own, (time_ns[at], message[at], *extra), strict=True)
            own = tuple(np.insert(column, at, more) for column, more in pairs)
        return Events._make((*own, books))

    def _sizes(self, cells: Cells, used: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Side, price and size of rows, of which those that are `used` must be sound."""
        files = self._files
        side = np.zeros(len(cells), np.int8)
        if files.is_buyer_maker:
            side = cells.codes(files.is_buyer_maker, MAKERS, used)
        elif files.side:
            side = cells.codes(files.side, self._sides, used)
            if files.kind == UPDATES:
                cells.refuse(side == 0, files.side, "be a side")
        price, size = cells.floats(str(files.price)), cells.floats(str(files.size))
        cells.refuse(used & ~((price > 0) & np.isfinite(price)), str(files.price), "be positive")
        cells.refuse(used & ~((size >= 0) & np.isfinite(size)), str(files.size), "be 0 or more")
        return side, scaled(price, self._price_multiplier), scaled(size, files.size_multiplier)

    def _books(self, cells: Cells) -> np.ndarray:
        """The books of rows, (n, levels, 4) as Events has them."""
        files = self._files
        books = np.empty((len(cells), len(self._levels), 4))
        for level, names in enumerate(self._levels):
            for side in (0, 2):
                columns = (
                    cells.joined(names[side], files.separator) if files.separator
                    else map(cells.floats, names[side : side + 2])
                )  # fmt: skip
                books[:, level, side], books[:, level, side + 1] = columns
        price, size = books[..., ::2], books[..., 1::2]
        price[np.isin(price, files.no_level)] = np.nan
        sound = np.isnan(price) | (
            (price >= 0) & np.isfinite(price) & (size >= 0) & np.isfinite(size)
        )
        for level, side in np.argwhere(~sound.all(axis=0)):
            price_name, size_name = self._levels[level][2 * side : 2 * side + 2]
            must = f"and {size_name} be numbers that are not negative"
            cells.refuse(~sound[:, level, side], price_name, must)
        none = ~((price > 0) & (size > 0))
        price[:] = scaled(price, self._price_multiplier)
        size[:] = scaled(size, files.size_multiplier)
        price[none], size[none] = np.nan, 0
        return books


def _no_sizes(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros(n, np.int8), np.full(n, np.nan), np.zeros(n)


def _levels(columns: list[str], files: Files) -> list[tuple[str, ...]]:
    """The columns of each level of a book that the table has, best first; at least one level."""
    bid, ask = files.bid_price, files.ask_price
    templates = bid, files.bid_size or bid, ask, files.ask_size or ask
    numbered = [
        tuple(
            str(one).replace("{level}", f"{level}").replace("{level:02}", f"{level:02}")
            for one in templates
        )
        for level in range(MOST_LEVELS)
    ]
    # Without a number in them, all are the same.
    found = [names for names in dict.fromkeys(numbered) if names[2] in columns]
    return found or numbered[:1]


def _midnight_ns(path: Path, time_zone: str) -> int:
    """When the day in a file's name began; by the offset of noon, as hours may change at night."""
    try:
        [date] = re.findall(r"\d{4}-\d{2}-\d{2}", path.name)
        noon = pa.scalar(datetime.fromisoformat(f"{date}T12:00"), pa.timestamp("ns"))
        return int(pc.assume_timezone(noon, time_zone).value) - 43_200 * 10**9
    except ValueError:
        raise InputError(
            f"{path}: must have one date in its name, as YYYY-MM-DD, and {time_zone} be a time zone"
        ) from None
