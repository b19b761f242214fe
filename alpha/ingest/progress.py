"""What a stream of raw messages carries on from batch to batch, and from file to file; and times
and names of trades as numbers."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import numba
import numpy as np

from alpha.core.errors import InputError
from alpha.core.text import some

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOW_NS, HIGH_NS = (int(datetime(y, 1, 1, tzinfo=UTC).timestamp()) * 10**9 for y in (2000, 2100))
BACK_NS = 60 * 10**9  # how far a message may lie behind the newest one

DIGITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}  # after the point, down to a ns
# A time of 2000 to 2100 below the first of these is in seconds, and so on.
_ABOVE, _NS = (10**11, 10**14, 10**17), (10**9, 10**6, 10**3, 1)


class Progress:
    def __init__(self, counts: Counter[str], symbol: str | None) -> None:
        self.counts = counts
        self.symbol = symbol
        self.symbols: set[str] = set()  # that were found
        self.newest_ns = 0
        self.message = 0

    def order(self, time_ns: np.ndarray, line: Callable[[int], str]) -> np.ndarray:
        """Times that never go back: a late row counts from the newest time before it. Raises
        InputError, naming the row, for one that is very late."""
        if not len(time_ns):
            return time_ns
        ordered = np.maximum.accumulate(np.maximum(time_ns, self.newest_ns))
        late = ordered - time_ns
        if late.max() > BACK_NS:
            row = int(np.argmax(late > BACK_NS))
            found = f"{moment(time_ns[row])} after {moment(ordered[row])}"
            must = "times must not go back by more than 60 s"
            raise InputError(f"{line(row)}: {must}, found {found}")
        self.counts["out_of_order"] += int(np.count_nonzero(late))
        self.newest_ns = int(ordered[-1])
        return ordered

    def choose(self, found: Iterable[str], path: object) -> None:
        """Note symbols. Raises InputError if there are several, and none is chosen."""
        self.symbols.update(found)
        if self.symbol is None and len(self.symbols) > 1:
            must = "must hold one symbol, or ingest.symbol choose one"
            raise InputError(f"{path}: {must}, found {some(sorted(self.symbols))}")


def shown(cell: object) -> str:
    """What was found, on one short line."""
    return "nothing" if cell is None else " ".join(str(cell).split())[:60]


def moment(time_ns: int) -> str:
    return (EPOCH + timedelta(microseconds=int(time_ns) // 1000)).isoformat(sep=" ")


def to_ns(value: int) -> int:
    """A time in the unit that times of this size are in, in ns."""
    return value * ns_of(value)


def ns_of(value: int) -> int:
    """How many ns a 1 has in the unit that times of this size are in."""
    return _NS[bisect_right(_ABOVE, value)]


@numba.njit(cache=True, nogil=True)
def hash_ids(text: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Ids as numbers, (n,) int64, of which the i-th is text[ends[i]:ends[i + 1]] (uint8): itself if
    it is of at most 18 digits, else 63 bits of its FNV-1a hash; 0 if it is empty."""
    made = np.zeros(len(ends) - 1, np.int64)
    for i in range(len(made)):
        hashed, value = np.uint64(14695981039346656037), np.int64(0)
        digits = ends[i + 1] - ends[i] <= 18
        for j in range(ends[i], ends[i + 1]):
            hashed = (hashed ^ np.uint64(text[j])) * np.uint64(1099511628211)
            digits = digits and 48 <= text[j] <= 57
            if digits:
                value = value * 10 + np.int64(text[j]) - 48
        made[i] = value if digits else np.int64(hashed >> np.uint64(1))
    return made
