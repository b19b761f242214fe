"""From events to rows of features, as they come: the same rows live, one message at a time, as from
files."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from alpha.ingest.book import Rows
from alpha.ingest.events import Events
from alpha.ingest.features import WINDOWS_SECONDS, History, build
from alpha.ingest.messages import Recording
from alpha.ingest.params import Ingest
from alpha.ingest.progress import Progress
from alpha.ingest.replay import Replay

QUOTES = ("best_bid", "best_ask")


class FeatureRows(NamedTuple):
    """Rows on the grid: int64 `time_ns` (rows,), float64 `quotes` (rows, QUOTES), NaN in a row that
    nothing may bridge, and float32 `features` (rows, names), NaN where unknown."""

    time_ns: np.ndarray
    quotes: np.ndarray
    features: np.ndarray


class FeatureStream:
    """Follows events in the order of their times; `names` are those of its features, `counts` what
    was found in the feed so far."""

    def __init__(self, ingest: Ingest, *, levels: int, trades: bool) -> None:
        self._ingest, self._levels = ingest, min(ingest.levels, levels)
        self._replay = Replay(
            grid_ns=ingest.grid_ns, levels=self._levels, max_stale_ns=ingest.max_stale_ns
        )
        self._functions = build(self._levels, trades=trades, grid_ns=ingest.grid_ns)
        self.names = tuple(self._functions)
        self._before: Rows = self._replay.advance(np.iinfo(np.int64).min)

    @property
    def counts(self) -> dict[str, int]:
        return self._replay.counts

    def feed(self, events: Events) -> FeatureRows:
        """The rows before the time of the last event."""
        return self._features(self._replay.feed(events))

    def feed_parts(self, events: Events) -> Iterator[FeatureRows]:
        """As `feed`, in parts of so few rows that they fit in memory, however long nothing came."""
        return map(self._features, self._replay.feed_parts(events))

    def advance(self, now_ns: int) -> FeatureRows:
        """The rows up to a moment, if no event up to it is still to come."""
        return self._features(self._replay.advance(now_ns))

    def _features(self, new: Rows) -> FeatureRows:
        rows = Rows(*(np.concatenate(pair) for pair in zip(self._before, new, strict=True)))
        history = History(rows, levels=self._levels, grid_ns=self._ingest.grid_ns)
        fresh = slice(len(rows.age) - len(new.age), None)
        features = np.empty((len(new.age), len(self.names)), dtype=np.float32)
        if len(new.age):
            for column, function in enumerate(self._functions.values()):
                features[:, column] = function(history)[fresh]
            # One row more than the longest window, for changes since the row before it.
            kept = slice(-1 - max(map(history.span, WINDOWS_SECONDS)), None)
            self._before = Rows(*(column[kept].copy() for column in rows))
        quotes = np.column_stack([history.price(side, 0)[fresh] for side in ("bid", "ask")])
        return FeatureRows(new.time_ns, quotes, features)


class LiveFeatures:
    """Features of one market's feed, line by line as it comes: lines as recordings have them, of
    the `exchange` binance or bitmex. `names` are those of the features, `counts` what was found."""

    def __init__(self, ingest: Ingest, exchange: str) -> None:
        self._found = Counter[str]()
        progress = Progress(self._found, ingest.symbol)
        self._recording = Recording(f"{exchange}_messages", ingest.clock, progress)
        self._stream = FeatureStream(ingest, levels=ingest.levels, trades=True)
        self.names = self._stream.names

    @property
    def counts(self) -> dict[str, int]:
        return self._stream.counts | self._found

    def feed(self, line: bytes) -> list[dict[str, float]]:
        """The rows before the time of a line, by name: `time_ns`, quotes and features."""
        rows = self._stream.feed(self._recording.feed(line))
        names = "time_ns", *QUOTES, *self.names
        return [
            dict(zip(names, (int(time_ns), *quotes.tolist(), *features.tolist()), strict=True))
            for time_ns, quotes, features in zip(*rows, strict=True)
        ]
