"""Rows of tables become events: one way for all formats, which differ in their mappings alone."""

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alpha.core import parallel
from alpha.core.errors import InputError
from alpha.ingest import formats
from alpha.ingest.cells import SECONDS, Cells, scaled
from alpha.ingest.events import BOOK, BREAK, BUY, CLEAR, LEVEL, NOTHING, SELL, TRADE, Events
from alpha.ingest.params import Files
from alpha.ingest.progress import Progress
from alpha.ingest.rawfiles import RawTable

_KINDS = {formats.UPDATES: LEVEL, formats.TRADES: TRADE, formats.SNAPSHOTS: BOOK}
_SIDES = {"buy": BUY, "sell": SELL}
_TEXT = pa.dictionary(pa.int32(), pa.string())
_TYPES = {
    **dict.fromkeys(("price", "size"), pa.float64()),
    **dict.fromkeys(("message", "first", "last", "previous"), pa.int64()),
    **dict.fromkeys(("side", "is_buyer_maker", "snapshot", "action", "symbol"), _TEXT),
    "id": pa.string(),
}
_TIMES = {"s": SECONDS, "ms": pa.int64(), "us": pa.int64(), "ns": pa.int64(), "iso": pa.string()}


class TableFile:
    """A file of rows, and what they mean. Raises InputError, naming file, row and column, for what
    is missing, or cannot be."""

    def __init__(self, path: Path, files: Files, clock: str) -> None:
        self._path, self._table = path, RawTable(path, files)
        names, sample = self._table.names, self._table.sample
        if files.format not in formats.GENERIC:
            absent = {
                role: other if other in names else None
                for role, other in formats.OPTIONAL.items()
                if getattr(files, role) not in names
            }
            files = files.model_copy(update=absent)
        self._files = files
        times = {"exchange": files.time, "local": files.local_time}
        if not (time := times.pop(clock)):
            [other] = times
            fix = f"ingest.clock must be {other}"
            raise InputError(f"{path}: {files.format} has no {clock} time; {fix}")
        self._time = time
        self._base_ns = _midnight_ns(path, files.time_zone) if files.time_zone else 0
        self._levels = _levels(names, files) if files.kind == formats.SNAPSHOTS else []
        columns = [name for names in self._levels for name in names]
        self._types = dict.fromkeys(columns, pa.string() if files.separator else pa.float64())
        named = ((getattr(files, role), kind) for role, kind in _TYPES.items())
        self._types |= {name: kind for name, kind in named if name}
        guess = "ns" if next(sample(time), "").isdigit() else "iso"
        self._types[time] = _TIMES[files.unit or guess]
        has_point = any("." in cell for cell in sample(files.price, *columns))
        whole = None if has_point else files.integer_price
        self._price_multiplier = whole or files.price_multiplier
        words = {word.lower(): side for side, same in (files.sides or {}).items() for word in same}
        self._sides = {word: _SIDES[side] for word, side in words.items()} or formats.SIDES
        self._key: int | None = None
        self._in_snapshot = False

    def first_time(self) -> int | None:
        """The time of the first row, in ns; None if there is none."""
        for cells in self._table.cells({self._time: self._types[self._time]}, 1):
            return int(cells.times(self._time, self._files.unit, self._base_ns)[0])
        return None

    def events(self, progress: Progress, rows: int) -> Iterator[Events]:
        """The events of all rows, of at most `rows` rows at once."""
        # The next rows are read while these are made use of.
        for cells in parallel.ahead(self._table.cells(self._types, rows)):
            if self._files.symbol:
                cells = self._choose(cells, self._files.symbol, progress)
            if len(cells):
                time_ns = cells.times(self._time, self._files.unit, self._base_ns)
                new, snapshots = self._starts(cells, time_ns)
                message = progress.message + np.cumsum(new)
                progress.message = int(message[-1])
                ordered = progress.order(time_ns, cells.line)
                yield self._events(cells, ordered, message, snapshots)

    def _choose(self, cells: Cells, column: str, progress: Progress) -> Cells:
        """The rows of the symbol that params choose."""
        words, index = cells.words(column)
        progress.choose({words[i] for i in np.flatnonzero(np.bincount(index))}, self._path)
        kept = np.array([progress.symbol in (None, word) for word in words])[index]
        progress.counts["other_symbols"] += int(np.count_nonzero(~kept))
        return cells if kept.all() else cells.filter(kept)

    def _starts(self, cells: Cells, time_ns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which rows did not come with the one before them, and which begin a snapshot, (n,) bool:
        one is all rows of a message, or of a time, or with Tardis all that follow each other."""
        files = self._files
        by_time = files.message in (None, self._time)
        keys = time_ns if by_time else cells.whole(str(files.message))
        changed = np.concatenate(([keys[0] != self._key], keys[1:] != keys[:-1]))
        self._key = int(keys[-1])
        new = changed if files.message else np.ones(len(cells), bool)
        if not files.snapshot:
            return new, np.zeros(len(cells), bool)
        flag = cells.codes(files.snapshot, formats.FLAGS) > 0
        before = np.concatenate(([self._in_snapshot], flag[:-1]))
        self._in_snapshot = flag[-1]
        together = files.format.startswith("tardis")
        snapshots = flag & (~before | (changed & (not together)))
        return np.where(flag, snapshots, new | before), snapshots

    def _events(
        self, cells: Cells, time_ns: np.ndarray, message: np.ndarray, snapshots: np.ndarray
    ) -> Events:
        """What rows say; `time_ns` and `message` are theirs, (n,) int64."""
        files, n = self._files, len(cells)
        kind = np.full(n, _KINDS[files.kind], np.int8)
        books = self._books(cells) if self._levels else NOTHING.books
        traded = kind != BOOK
        if files.action:
            action = cells.codes(files.action, formats.ACTIONS, used=False)
            traded, halted = action == formats.IS_TRADE, action == formats.IS_HALT
            kind[halted], books = BREAK, books[~halted]
        nothing = np.zeros(n, np.int8), np.full(n, np.nan), np.zeros(n)
        sizes = self._sizes(cells, traded) if traded.any() else nothing
        first = last = np.zeros(n, np.int64)
        if files.id:
            last = cells.ids(files.id)
        if files.last:
            last = cells.whole(files.last)
            first = cells.whole(files.first) if files.first else last
        if files.previous:
            previous = cells.whole(files.previous)
            first = np.where(previous > 0, previous + 1, first)
        own: list[np.ndarray] = [time_ns, message, kind, *sizes, first, last]
        # What comes before a row's own event: the start of a snapshot, or a trade.
        before: list[Any] = []
        at = np.empty(0, np.intp)
        if files.snapshot:
            at = np.flatnonzero(snapshots)
            before = [CLEAR, 0, np.nan, 0, 0, last[at]]
            if files.last:
                flag = cells.codes(files.snapshot, formats.FLAGS) > 0
                own[6:] = np.where(flag, 0, first), np.where(flag, 0, last)
        elif files.action:
            at = np.flatnonzero(traded)
            before = [TRADE, *(column[at] for column in own[3:])]
            own[3:6] = nothing
        if len(at):
            pairs = zip(own, (time_ns[at], message[at], *before), strict=True)
            own = [np.insert(column, at, more) for column, more in pairs]
        return Events._make((*own, books))

    def _sizes(self, cells: Cells, used: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Side, price and size of rows, of which those that are `used` must be sound."""
        files = self._files
        side = np.zeros(len(cells), np.int8)
        if files.is_buyer_maker:
            side = cells.codes(files.is_buyer_maker, formats.MAKERS, used=used)
        elif files.side:
            side = cells.codes(files.side, self._sides, used=used)
            cells.refuse((side == 0) & (files.kind == formats.UPDATES), files.side, "be a side")
        assert files.price
        assert files.size
        price, size = cells.floats(files.price), cells.floats(files.size)
        cells.refuse(used & ~((price > 0) & np.isfinite(price)), files.price, "be positive")
        cells.refuse(used & ~((size >= 0) & np.isfinite(size)), files.size, "be 0 or more")
        return side, scaled(price, self._price_multiplier), scaled(size, files.size_multiplier)

    def _books(self, cells: Cells) -> np.ndarray:
        """The books of rows, (n, levels, 4) as Events has them."""
        files = self._files
        books = np.empty((len(cells), len(self._levels), 4))
        for level, names in enumerate(self._levels):
            if files.separator:
                both = (cells.joined(names[side], files.separator) for side in (0, 2))
                books[:, level] = np.column_stack([column for pair in both for column in pair])
            else:
                for part, name in enumerate(names):
                    books[:, level, part] = cells.floats(name)
        price, size = books[..., ::2], books[..., 1::2]
        for value in files.no_level:
            price[price == value] = np.nan
        unsound = ~((books >= 0) & (books < np.inf))
        unsound[..., ::2] &= ~np.isnan(price)
        unsound[..., 1::2] &= ~np.isnan(price)
        for level, part in np.argwhere(unsound.any(axis=0)):
            cells.refuse(unsound[:, level, part], self._levels[level][part], "be 0 or more")
        # Bids fall and asks rise from level to level.
        worse = np.diff(price * [-1, 1], axis=1)
        for level, side in np.argwhere((worse <= 0).any(axis=0)):
            name = self._levels[level + 1][2 * side]
            cells.refuse(worse[:, level, side] <= 0, name, "be a worse price than the level before")
        none = ~((price > 0) & (size > 0))
        price[:] = scaled(price, self._price_multiplier)
        size[:] = scaled(size, files.size_multiplier)
        price[none], size[none] = np.nan, 0
        return books


def _levels(columns: Collection[str], files: Files) -> list[tuple[str, ...]]:
    """The columns of each level of a book that there are, best first; at least one level."""
    bid, ask = str(files.bid_price), str(files.ask_price)
    templates = bid, files.bid_size or bid, ask, files.ask_size or ask
    # Without a number in them, all are the same.
    numbered = dict.fromkeys(
        tuple(
            one.replace("{level}", f"{level}").replace("{level:02}", f"{level:02}")
            for one in templates
        )
        for level in range(formats.MOST_LEVELS)
    )
    return [names for names in numbered if names[2] in columns] or [next(iter(numbered))]


def _midnight_ns(path: Path, time_zone: str) -> int:
    """When the day in a file's name began; by the offset of noon, as hours may change at night."""
    try:
        [date] = re.findall(r"\d{4}-\d{2}-\d{2}", path.name)
        noon = pa.scalar(datetime.fromisoformat(f"{date}T12:00"), pa.timestamp("ns"))
        return int(pc.assume_timezone(noon, time_zone).value) - 43_200 * 10**9
    except ValueError:
        must = f"must have one date in its name, as YYYY-MM-DD, and {time_zone} be a time zone"
        raise InputError(f"{path}: {must}") from None
