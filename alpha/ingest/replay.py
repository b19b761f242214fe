"""A replay of events into rows on a grid: the same rows however events are cut into batches."""

from collections.abc import Iterator

import numpy as np

from alpha.core.errors import InputError
from alpha.ingest.book import (
    CAPACITY,
    COUNTS,
    FLOWS,
    NOW,
    TICK,
    TRADE_IDS,
    WAITING,
    Rows,
    State,
    replay,
)
from alpha.ingest.events import Events

_ROWS = 1 << 13  # that are made at a time
_NEVER = np.iinfo(np.int64).min


class Replay:
    """Follows events in the order of their times, and makes rows of them."""

    def __init__(self, *, grid_ns: int, levels: int, max_stale_ns: int) -> None:
        self._limits = grid_ns, levels, max_stale_ns
        [now] = np.zeros(1, dtype=NOW).view(np.recarray)
        now.message = now.next_ns = now.book_ns = _NEVER
        now.age, now.touch = -1, np.nan
        self._state = State(
            now=now,
            key=np.empty((2, CAPACITY)),
            size=np.empty((2, CAPACITY)),
            stamp=np.empty((2, CAPACITY), dtype=np.int64),
            shown=np.empty((2, 2, levels, 2)),
            trade_ids=np.zeros(TRADE_IDS, dtype=np.int64),
            waiting=np.empty((WAITING, 4), dtype=np.int64),
            waiting_levels=np.empty((WAITING, 2)),
        )

    @property
    def counts(self) -> dict[str, int]:
        return {name: int(self._state.now[name]) for name in COUNTS}

    def feed(self, events: Events) -> Rows:
        """The rows before the time of the last event: that of its own time waits for what else may
        come then. Raises InputError if a side of the book has too many levels."""
        return Rows(*map(np.concatenate, zip(*self.feed_parts(events), strict=True)))

    def feed_parts(self, events: Events) -> Iterator[Rows]:
        """As `feed`, at most _ROWS rows at a time, at least one part."""
        width, at, book, rows = 4 * self._limits[1] + len(FLOWS), 0, 0, -1
        while at < len(events.time_ns) or rows < 0:
            time_ns, age = np.empty((2, _ROWS), dtype=np.int64)
            out = Rows(time_ns, age, np.empty((_ROWS, width)))
            at, book, rows = replay(events, at, book, self._state, self._limits, out)
            if at < 0:
                raise InputError(f"a book must have at most {CAPACITY - WAITING} levels a side")
            yield Rows(*(column[:rows] for column in out))

    def advance(self, now_ns: int) -> Rows:
        """The rows up to a moment before which all events were given."""
        time_ns, none = np.array([now_ns + 1]), np.zeros(1, dtype=np.int64)
        kind, nan = np.array([TICK], dtype=np.int8), np.full(1, np.nan)
        books = np.empty((0, 1, 4))
        return self.feed(Events(time_ns, none - 1, kind, kind, nan, nan, none, none, books))
