"""What raw messages come to, whatever their format: events of a book and trades, in order."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

# The kinds of an event. All others but BREAK say what the message brought.
LEVEL = 0  # the size of a price level, 0 if there is none any more
TRADE = 1
CLEAR = 2  # a new snapshot: its levels follow, in the same message
BOOK = 3  # the whole visible book: the next row of `books`
BREAK = 4  # messages are missing: the book is unknown until the next CLEAR or BOOK
BUY, SELL = 1, -1


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
    # (BOOK events, levels, 4) float64: bid price, bid size, ask price, ask size, best first; a price
    # is NaN where there is no such level.
    books: np.ndarray
