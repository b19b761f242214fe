"""What raw messages come to, whatever their format: events of a book and trades, in order."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from alpha.core.errors import InputError

# The kinds of an event. All others but BREAK say what the message brought.
LEVEL = 0  # the size of a price level, 0 if there is none any more
TRADE = 1
CLEAR = 2  # a new snapshot: its levels follow, in the same message
BOOK = 3  # the whole visible book: the next row of `books`
BREAK = 4  # messages are missing: the book is unknown until the next CLEAR or BOOK
BUY, SELL = 1, -1
_AT_ONCE = 1 << 20  # events of one time, which wait for each other


class Events(NamedTuple):
    """Consecutive events of one source, in order of arrival; each (n,) but `books`."""

    time_ns: np.ndarray  # int64 UTC by the clock that params name, never decreasing
    # int64: neighbours with the same number came in one message, and count at once.
    message: np.ndarray
    kind: np.ndarray  # int8
    # int8: of a LEVEL, BUY for bids; of a TRADE, the side that took, 0 where that is not known.
    side: np.ndarray
    price: np.ndarray  # float64; NaN where the kind has none
    size: np.ndarray  # float64, not negative, in the unit of the file
    # int64: the sequence numbers that a message covers, both 0 where it has none; `last` of a CLEAR
    # is that of its snapshot, of a TRADE the trade's number (or a hash of its name).
    first: np.ndarray
    last: np.ndarray
    # (BOOK events, levels, 4) float64: bid price, bid size, ask price, ask size, best first; a
    # price is NaN where there is no such level.
    books: np.ndarray


_KINDS = ("i8", "i8", "i1", "i1", "f8", "f8", "i8", "i8")
NOTHING = Events._make((*(np.empty(0, dtype=kind) for kind in _KINDS), np.empty((0, 1, 4))))


def merge(streams: Sequence[Iterator[Events]]) -> Iterator[Events]:
    """The events of all streams, of which one alone has books, in the order of their times; of
    equal times, those of the stream that is named first come first. A batch may be empty."""
    running = [(batch for batch in stream if len(batch.time_ns)) for stream in streams]
    waiting = [next(stream, NOTHING) for stream in running]
    more = [len(batch.time_ns) > 0 for batch in waiting]
    while any(len(batch.time_ns) for batch in waiting):
        # The next batch of a stream may have events of the time that its last one ends at.
        running_on = zip(waiting, more, strict=True)
        ends = [int(batch.time_ns[-1]) for batch, goes_on in running_on if goes_on]
        until = min(ends, default=None)
        ready = []
        for at, batch in enumerate(waiting):
            times = batch.time_ns
            stop = len(times) if until is None else int(np.searchsorted(times, until))
            first, waiting[at] = _split(batch, stop)
            # Numbers of messages are each stream's own.
            ready.append(first._replace(message=first.message * len(streams) + at))
            if more[at] and batch.time_ns[-1] == until:
                parts = [waiting[at]]
                while more[at] and parts[-1].time_ns[-1] == until:
                    parts.append(next(running[at], NOTHING))
                    more[at] = len(parts[-1].time_ns) > 0
                    if sum(len(part.time_ns) for part in parts) > _AT_ONCE:
                        must = f"must have fewer than {_AT_ONCE:,} events of one time"
                        raise InputError(f"raw data {must}")
                waiting[at] = join(parts)
        found = join(ready)
        order = np.argsort(found.time_ns, kind="stable")
        yield Events._make((*(column[order] for column in found[:-1]), found.books))


def join(parts: Sequence[Events]) -> Events:
    """Parts after one another; the books of those that have any, as deep as the deepest."""
    books = [part.books for part in parts if len(part.books)] or [NOTHING.books]
    deepest = max(book.shape[1] for book in books)
    books = [_deepened(book, deepest) for book in books]
    columns = zip(*(part[:-1] for part in parts), strict=True)
    return Events._make((*map(np.concatenate, columns), np.concatenate(books)))


def _deepened(books: np.ndarray, levels: int) -> np.ndarray:
    """Books with levels that are not there below their own."""
    more = np.full((len(books), levels - books.shape[1], 4), np.nan)
    return np.concatenate((books, more), axis=1) if more.size else books


def _split(events: Events, stop: int) -> tuple[Events, Events]:
    books = int(np.count_nonzero(events.kind[:stop] == BOOK))
    return (
        Events._make((*(column[:stop] for column in events[:-1]), events.books[:books])),
        Events._make((*(column[stop:] for column in events[:-1]), events.books[books:])),
    )
