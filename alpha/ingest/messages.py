"""Recorded websocket lines become events, one by one as live or many from a file: a line is
`<local nanoseconds> <the exchange's JSON>`, as hftbacktest's collectors write them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from alpha.core.errors import InputError
from alpha.core.text import some
from alpha.ingest.events import BOOK, BREAK, BUY, CLEAR, LEVEL, SELL, TRADE, Events
from alpha.ingest.formats import SIDES
from alpha.ingest.progress import EPOCH, HIGH_NS, LOW_NS, Progress, hash_ids, to_ns
from alpha.ingest.rawfiles import CutShort, read_lines

_HEAD = 100  # lines in which there is a time
_NOTHING = ((np.nan, 0.0),)  # price and size of an event that has none
_NO_UPDATE = (-9, -9)
_QUOTES = (("b", "B", "a", "A"), ("bidPrice", "bidSize", "askPrice", "askSize"))
Rows = list[dict[str, Any]]


class Recording:
    """The events of one market's lines. Where there are both, the whole book counts rather than
    its best quotes, and of trades and their aggregates the kind that comes first."""

    def __init__(self, exchange: str, clock: str, progress: Progress) -> None:
        # What reads the rows of a message, by its kind.
        self._readers = {
            "binance_messages": {
                "snapshot": self._snapshot, "depthUpdate": self._update,
                "bookTicker": self._quotes, "trade": self._trade, "aggTrade": self._trade,
            },
            "bitmex_messages": {
                "orderBookL2": self._levels, "orderBookL2_25": self._levels,
                "quote": self._quotes, "trade": self._executions,
            },
        }[exchange]  # fmt: skip
        self._local_clock = clock == "local"
        self._progress = progress
        self._path: object = "live"
        self._line = self._now_ns = self._newest_ns = 0
        self._has_quotes = self._has_book = False
        self._kind_of_trades = ""
        self._unnamed = False  # whether a message that counts did not say its symbol
        self._silent = _NO_UPDATE  # first and last number of updates that had no level
        self._prices: dict[int, float] = {}  # of BitMEX's levels, by id
        # What neighbouring events share, after how many there are; prices, sizes and books of all.
        self._columns: tuple[list[Any], ...] = ([], [], [], [])

    @property
    def waiting(self) -> int:
        """How many events of messages the next `take` gives."""
        return len(self._columns[1])

    def open(self, path: object) -> None:
        """Name the file that the next lines are from, for errors."""
        self._path, self._line = path, 0

    def feed(self, line: bytes) -> Events:
        """The events of the next line; none if it has none."""
        self.add(line)
        try:
            return self.take()
        except InputError:
            # Whoever goes on has lost what the line said.
            self.lose("bad_lines")
            raise

    def add(self, line: bytes, broken: str = "bad_lines") -> None:
        """Read the next line; if it is broken, that is counted, and the book is not known."""
        self._line += 1
        if not line.strip():
            return
        self._progress.message += 1
        whole = [*map(len, self._columns)]
        try:
            local, _, text = line.partition(b" ")
            self._read(orjson.loads(text), int(local))
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
            for column, size in zip(self._columns, whole, strict=True):
                del column[size:]
            self.lose(broken)

    def lose(self, reason: str) -> None:
        """Count a loss, after which the book is not known."""
        self._progress.counts[reason] += 1
        if self._newest_ns:
            self._progress.message += 1
            self._now_ns = self._newest_ns
            self._put(BREAK)

    def take(self) -> Events:
        """The events of the lines since it was last called."""
        runs, price, size, books = (np.array(column) for column in self._columns)
        runs = runs.astype(np.int64).reshape(-1, 8)
        rows = np.ascontiguousarray(np.repeat(runs[:, 1:], runs[:, 0], axis=0).T)
        time, message, kind, side, first, last, line = rows
        for column in self._columns:
            column.clear()
        bad = (kind <= TRADE) & ~((price > 0) & (size >= 0) & np.isfinite(price + size))
        if bad.any():
            row = int(np.argmax(bad))
            found = f"{price[row]:g} and {size[row]:g}"
            must = f"prices must be positive and sizes 0 or more, found {found}"
            raise InputError(f"{self._path}: line {line[row]}: {must}")
        time = self._progress.order(time, lambda row: f"{self._path}: line {line[row]}")
        kind, side = kind.astype(np.int8), side.astype(np.int8)
        books = books.astype(float).reshape(-1, 1, 4)
        return Events(time, message, kind, side, price, size, first, last, books)

    def _read(self, message: dict[str, Any], local: int) -> None:
        data = message.get("data", message)
        rows = data if isinstance(data, list) else [data]
        kind = message.get("table") or rows[0].get("e")
        # REST snapshots and best quotes of Binance's spot do not say what they are.
        if not kind and "lastUpdateId" in rows[0]:
            kind = "snapshot"
        elif not kind and "A" in rows[0]:
            kind = "bookTicker"
        action = message.get("action", kind)
        reader = self._readers.get(kind)
        quotes = reader == self._quotes
        if not reader or (kind, action) == ("trade", "partial"):
            self._progress.counts["other_messages"] += 1
        elif quotes and self._has_book:
            self._progress.counts["quotes_beside_book"] += 1
        elif rows := [row for row in rows if self._chosen(row)]:
            time = max([row.get("T") or row.get("E") or row.get("timestamp", "") for row in rows])
            if quotes and not (time or self._local_clock):
                self._progress.counts["without_time"] += 1
                return
            self._set_time(time, local)
            reader(action, rows)

    def _snapshot(self, _: str, rows: Rows) -> None:
        self._start_book()
        self._put(CLEAR, last=rows[0]["lastUpdateId"])
        self._put(LEVEL, BUY, rows[0]["bids"])
        self._put(LEVEL, SELL, rows[0]["asks"])

    def _update(self, _: str, rows: Rows) -> None:
        [row] = rows
        self._start_book()
        first, last = row["pu"] + 1 if "pu" in row else row["U"], row["u"]
        if self._silent[1] == first - 1:
            first = self._silent[0]
        self._put(LEVEL, BUY, row["b"], first, last)
        self._put(LEVEL, SELL, row["a"], first, last)
        self._silent = _NO_UPDATE if row["b"] or row["a"] else (first, last)

    def _levels(self, action: str, rows: Rows) -> None:
        """BitMEX names a level by its id, and its price only when it is new."""
        if action == "partial":
            self._start_book()
            self._prices.clear()
            self._put(CLEAR)
        elif not self._has_book:
            self._progress.counts["before_partial"] += 1
            return
        for row in rows:
            price = row.get("price") or self._prices.get(row["id"])
            if price is None:
                self.lose("unknown_levels")
                return
            self._prices[row["id"]] = price
            size = 0 if action == "delete" else row["size"]
            self._put(LEVEL, SIDES[row["side"].lower()], [(price, size)])

    def _quotes(self, _: str, rows: Rows) -> None:
        self._has_quotes = True
        for row in rows:
            names = _QUOTES["bidPrice" in row or "askPrice" in row]
            bid, bid_size, ask, ask_size = book = [float(row.get(name) or 0) for name in names]
            if not (min(book) >= 0 and sum(book) < np.inf):
                must = f"quotes must be 0 or more, found {book}"
                raise InputError(f"{self._path}: line {self._line}: {must}")
            sides = (bid, bid_size), (ask, ask_size)
            self._put(
                BOOK, last=row.get("u", 0),
                book=[part for side in sides for part in (side if all(side) else _NOTHING[0])],
            )  # fmt: skip

    def _trade(self, kind: str, rows: Rows) -> None:
        [row] = rows
        self._kind_of_trades = self._kind_of_trades or kind
        # Of futures, the insurance fund's are none of the market.
        if kind != self._kind_of_trades or row.get("X", "MARKET") != "MARKET":
            self._progress.counts["other_messages"] += 1
            return
        number = row["t" if kind == "trade" else "a"]
        self._put(TRADE, SELL if row["m"] else BUY, [(row["p"], row["q"])], last=number)

    def _executions(self, _: str, rows: Rows) -> None:
        for row in rows:
            text = np.frombuffer(row["trdMatchID"].encode(), np.uint8)
            [number] = hash_ids(text, np.array([0, len(text)], np.int32))
            side, level = SIDES[row["side"].lower()], (row["price"], row["size"])
            self._put(TRADE, side, [level], last=int(number))

    def _start_book(self) -> None:
        """Quotes that came before the first update are no book to add it to."""
        if self._has_quotes and not self._has_book:
            self._put(BREAK)
        self._has_book = True

    def _put(
        self, kind: int, side: int = 0, levels: Sequence[Any] = _NOTHING, first: int = 0,
        last: int = 0, book: Sequence[float] = (),
    ) -> None:  # fmt: skip
        """Add an event of each price and size."""
        if not levels:
            return
        if not 0 <= first <= last < 2**63:
            raise ValueError
        prices, sizes = zip(*levels, strict=True)
        shared = self._now_ns, self._progress.message, kind, side, first, last, self._line
        runs, all_prices, all_sizes, books = self._columns
        runs.append((len(levels), *shared))
        all_prices += map(float, prices)
        all_sizes += map(float, sizes)
        books += book

    def _set_time(self, exchange: int | str, local: int) -> None:
        """The message's time; one without a time of the exchange counts from the newest one."""
        if exchange and isinstance(exchange, str):
            past = datetime.fromisoformat(exchange) - EPOCH
            exchange = past // timedelta(microseconds=1) * 1000
        value = local if self._local_clock or not exchange else int(exchange)
        found = to_ns(value)
        if not LOW_NS <= found < HIGH_NS:
            must = f"times must be of 2000 to 2100, found {value}"
            raise InputError(f"{self._path}: line {self._line}: {must}")
        self._now_ns = found if exchange or self._local_clock else self._newest_ns or found
        self._newest_ns = max(self._newest_ns, self._now_ns)

    def _chosen(self, row: dict[str, Any]) -> bool:
        """Whether a row is of the symbol that params choose, or does not say."""
        symbol = row.get("s") or row.get("symbol")
        if symbol and symbol not in self._progress.symbols:
            self._progress.choose([symbol], self._path)
        several = len(self._progress.symbols) > 1
        if several and self._unnamed:
            found = some(sorted(self._progress.symbols))
            must = "must hold one symbol, as snapshots do not say theirs"
            raise InputError(f"{self._path}: line {self._line}: {must}, found {found}")
        self._unnamed |= not symbol
        if self._progress.symbol in (None, symbol) or not (symbol or several):
            return True
        self._progress.counts["other_symbols" if symbol else "without_symbol"] += 1
        return False


def read_recording(path: Path, recording: Recording, rows: int) -> Iterator[Events]:
    """The events of a file of recorded lines, about `rows` at once; it may end anywhere: what is
    whole counts."""
    recording.open(path)
    try:
        for line in read_lines(path):
            # The end of the last line may be lacking, which is whole if its JSON is.
            recording.add(line, "bad_lines" if line.endswith(b"\n") else "cut_lines")
            if recording.waiting >= rows:
                yield recording.take()
    except CutShort:
        recording.lose("cut_lines")
    yield recording.take()


def first_local_time(path: Path) -> int | None:
    """The local time of the first line that has one, in ns; None if a file is empty."""
    times = [line[:20].partition(b" ")[0] for line in islice(read_lines(path), _HEAD)]
    start = next((to_ns(int(time)) for time in times if time.isdigit() and len(time) < 20), None)
    if times and not start:
        raise InputError(f"{path}: must have lines of a local time in ns and JSON")
    return start
