"""Recorded websocket lines become events, one by one as live or many from a file: a line is
`<local nanoseconds> <the exchange's JSON>`, as hftbacktest's collectors write them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import orjson

from alpha.core.errors import InputError
from alpha.ingest.events import BOOK, BREAK, BUY, CLEAR, LEVEL, SELL, TRADE, Events
from alpha.ingest.formats import SIDES
from alpha.ingest.progress import EPOCH, HIGH_NS, LOW_NS, Progress, hash_ids, shown, to_ns

_NOTHING = (np.nan, 0.0)  # price and size of an event that has none
_BOOKS = ("orderBookL2", "orderBookL2_25")  # BitMEX's tables


class Recording:
    """The events of one market's lines. Where there are both, the whole book counts rather than
    its best quotes, and of trades and their aggregates the kind that comes first."""

    def __init__(self, exchange: str, clock: str, progress: Progress) -> None:
        self._read = {"binance_messages": self._binance, "bitmex_messages": self._bitmex}[exchange]
        self._local_clock = clock == "local"
        self._progress = progress
        self._path: object = "live"
        self._line = self._now_ns = self._newest_ns = 0
        self._has_quotes = self._has_book = False
        self._trades = ""
        self._silent = (-9, -9)  # first and last number of updates that had no level
        self._prices: dict[int, float] = {}  # of BitMEX's levels, by id
        # What neighbouring events share: how many there are, then the columns of `take`.
        self._runs: list[tuple[int, ...]] = []
        self._price: list[float] = []
        self._size: list[float] = []
        self._books: list[float] = []

    @property
    def waiting(self) -> int:
        """How many events there are to take."""
        return len(self._price)

    def open(self, path: object) -> None:
        """Name the file that the next lines are from, for errors."""
        self._path, self._line = path, 0

    def feed(self, line: bytes) -> Events:
        """The events of the next line; none if it has none."""
        self.add(line)
        return self.take()

    def add(self, line: bytes, broken: str = "bad_lines") -> bool:
        """Read the next line; if it is broken, that is counted, and the book is not known. Says
        whether it was whole."""
        self._line += 1
        self._progress.message += 1
        runs = len(self._runs)
        try:
            local, _, text = line.partition(b" ")
            self._read(orjson.loads(text), int(local))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            del self._runs[runs:]
            events = sum(run[0] for run in self._runs)
            del self._price[events:], self._size[events:]
            del self._books[4 * sum(run[3] == BOOK for run in self._runs) :]
            self._lose(broken)
            return False
        return True

    def end(self, rest: bytes, *, cut: bool) -> None:
        """Read what follows the last end of a line in a file, which may be cut there."""
        whole = not rest or self.add(rest, "cut_lines")
        if whole and cut:
            self._lose("cut_lines")

    def take(self) -> Events:
        """The events of the lines since it was last called."""
        runs = np.array(self._runs, np.int64).reshape(-1, 8)
        time, message, kind, side, first, last, line = np.repeat(runs[:, 1:], runs[:, 0], axis=0).T
        price, size = np.array(self._price), np.array(self._size)
        books = np.array(self._books, float).reshape(-1, 1, 4)
        for column in (self._runs, self._price, self._size, self._books):
            column.clear()
        bad = (kind <= TRADE) & ~((price > 0) & (size >= 0) & np.isfinite(price + size))
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(
                f"{self._path}: line {line[row]}: prices must be positive and sizes 0 or more, "
                f"found {price[row]:g} and {size[row]:g}"
            )
        time = self._progress.order(time, lambda row: f"{self._path}: line {line[row]}")
        kind, side = kind.astype(np.int8), side.astype(np.int8)
        # Contiguous, as those of tables are.
        message, first, last = message.copy(), first.copy(), last.copy()
        return Events(time, message, kind, side, price, size, first, last, books)

    def _lose(self, reason: str) -> None:
        """Count a loss, after which the book is not known."""
        self._progress.counts[reason] += 1
        if self._newest_ns:
            self._progress.message += 1
            self._now_ns = self._newest_ns
            self._put(BREAK, 0, [_NOTHING])

    def _binance(self, message: dict[str, Any], local: int) -> None:
        data = message.get("data", message)
        event = data.get("e") or ("bookTicker" if "A" in data else "")
        if self._beside_book(event == "bookTicker"):
            return
        if "lastUpdateId" in data:
            event = "snapshot"
        elif event not in ("depthUpdate", "bookTicker", "trade", "aggTrade"):
            self._progress.counts["other_messages"] += 1
            return
        if not self._chosen(data.get("s") or data.get("symbol")):
            return
        self._set_time(data.get("T") or data.get("E"), local)
        if event == "snapshot":
            self._start_book()
            self._put(CLEAR, 0, [_NOTHING], 0, data["lastUpdateId"])
            self._put(LEVEL, BUY, data["bids"])
            self._put(LEVEL, SELL, data["asks"])
        elif event == "depthUpdate":
            self._start_book()
            first, last = data["pu"] + 1 if "pu" in data else data["U"], data["u"]
            if self._silent[1] == first - 1:
                first = self._silent[0]
            self._put(LEVEL, BUY, data["b"], first, last)
            self._put(LEVEL, SELL, data["a"], first, last)
            self._silent = (-9, -9) if data["b"] or data["a"] else (first, last)
        elif event == "bookTicker":
            self._quote(data["b"], data["B"], data["a"], data["A"], timed="T" in data)
        elif data.get("X", "MARKET") == "MARKET" and self._trades in ("", event):
            self._trades = event
            number = data["t" if event == "trade" else "a"]
            self._put(TRADE, SELL if data["m"] else BUY, [(data["p"], data["q"])], 0, number)
        else:
            self._progress.counts["other_messages"] += 1

    def _bitmex(self, message: dict[str, Any], local: int) -> None:
        table, action = message.get("table"), message.get("action")
        if table not in (*_BOOKS, "quote", "trade") or (table, action) == ("trade", "partial"):
            self._progress.counts["other_messages"] += 1
            return
        if self._beside_book(table == "quote"):
            return
        rows = [row for row in message["data"] if self._chosen(row["symbol"])]
        if not rows:
            return
        self._set_time(max(row.get("timestamp", "") for row in rows), local)
        if table in _BOOKS:
            self._levels(str(action), rows)
            return
        for row in rows:
            if table == "quote":
                self._quote(*map(row.get, ("bidPrice", "bidSize", "askPrice", "askSize")))
            else:
                text = np.frombuffer(row["trdMatchID"].encode(), np.uint8)
                [number] = hash_ids(text, np.array([0, len(text)], np.int32))
                taken = [(row["price"], row["size"])]
                self._put(TRADE, SIDES[row["side"]], taken, 0, int(number))

    def _levels(self, action: str, rows: list[dict[str, Any]]) -> None:
        """BitMEX names a level by its id, and its price only when it is new."""
        if action == "partial":
            self._start_book()
            self._prices.clear()
            self._put(CLEAR, 0, [_NOTHING])
        elif not self._has_book:
            self._progress.counts["before_partial"] += 1
            return
        for row in rows:
            price = row.get("price") or self._prices.get(row["id"])
            if price is None:
                self._lose("unknown_levels")
                return
            self._prices[row["id"]] = price
            size = 0 if action == "delete" else row["size"]
            self._put(LEVEL, SIDES[row["side"]], [(price, size)])

    def _quote(self, *parts: Any, timed: bool = True) -> None:
        """Best bid, its size, best ask, its size."""
        if not (timed or self._local_clock):
            self._progress.counts["without_time"] += 1
            return
        self._has_quotes = True
        bid, bid_size, ask, ask_size = numbers = [float(part or 0) for part in parts]
        if not all(0 <= number < np.inf for number in numbers):
            raise InputError(
                f"{self._path}: line {self._line}: quotes must be 0 or more, found {shown(parts)}"
            )
        self._put(BOOK, 0, [_NOTHING])
        for price, size in ((bid, bid_size), (ask, ask_size)):
            self._books += [price, size] if price and size else _NOTHING

    def _beside_book(self, is_quote: bool) -> bool:
        """Whether best quotes do not count, as there is the whole book."""
        if is_quote and self._has_book:
            self._progress.counts["quotes_beside_book"] += 1
            return True
        return False

    def _start_book(self) -> None:
        """Quotes that came before the first update are no book to add it to."""
        if self._has_quotes and not self._has_book:
            self._put(BREAK, 0, [_NOTHING])
        self._has_book = True

    def _put(
        self, kind: int, side: int, levels: Iterable[Any], first: int = 0, last: int = 0
    ) -> None:
        """Add an event of each price and size."""
        if not levels:
            return
        if not 0 <= first <= last < 2**63:
            raise ValueError
        prices, sizes = zip(*levels, strict=True)
        self._price += map(float, prices)
        self._size += map(float, sizes)
        shared = self._now_ns, self._progress.message, kind, side, first, last, self._line
        self._runs.append((len(prices), *shared))

    def _set_time(self, exchange: int | str | None, local: int) -> None:
        """The message's time; one without a time of the exchange counts from the newest one."""
        if isinstance(exchange, str) and exchange:
            past = datetime.fromisoformat(exchange) - EPOCH
            exchange = past // timedelta(microseconds=1) * 1000
        value = local if self._local_clock or not exchange else int(exchange)
        found = to_ns(value)
        if not LOW_NS <= found < HIGH_NS:
            raise InputError(
                f"{self._path}: line {self._line}: times must be of 2000 to 2100, found {value}"
            )
        self._now_ns = found if exchange or self._local_clock else self._newest_ns or found
        self._newest_ns = max(self._newest_ns, self._now_ns)

    def _chosen(self, symbol: str | None) -> bool:
        """Whether a message is of the symbol that params choose, or does not say."""
        if symbol is None:
            return True
        if symbol not in self._progress.symbols:
            self._progress.choose([symbol], self._path)
        if self._progress.symbol in (None, symbol):
            return True
        self._progress.counts["other_symbols"] += 1
        return False
