"""Best quotes row by row: which are sound, and since when they stand still."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit


def sound(bid: Any, ask: Any) -> Any:
    """Whether a quote is finite, positive and not crossed; of numbers or arrays."""
    return (bid > 0) & (ask >= bid) & (ask < np.inf)


@dataclass
class FrozenRuns:
    """Follows files in time order. A frozen run is as many consecutive rows as there are with
    equal, sound quotes and no step longer than `max_gap_ns` between them; it lasts from its first
    row to its last. Every sound row is in one, of itself alone if both its neighbours differ."""

    max_gap_ns: int
    _last: tuple[int, float, float, int] = 0, np.nan, np.nan, 0  # time, quote, when its run began

    def follow(
        self, time_ns: np.ndarray, bid: np.ndarray, ask: np.ndarray, *, rows: int | None = None
    ) -> np.ndarray:
        """When each row's run began, (n,) int64: at the row itself where it is not sound. Times are
        int64 and increase; quotes are any. What follows next comes after the first `rows`."""
        since_ns = np.empty(len(time_ns), dtype=np.int64)
        _since((time_ns, bid, ask), self._last, self.max_gap_ns, since_ns)
        at = (len(time_ns) if rows is None else rows) - 1
        self._last = int(time_ns[at]), float(bid[at]), float(ask[at]), int(since_ns[at])
        return since_ns


@njit(cache=True, nogil=True)
def _since(quotes: tuple, before: tuple, max_gap_ns: int, since_ns: np.ndarray) -> None:
    time_ns, bid, ask = quotes
    last_ns, last_bid, last_ask, since = before
    for row in range(len(time_ns)):
        now, b, a = time_ns[row], bid[row], ask[row]
        # Equal to a quote that is not sound is not sound.
        same = b == last_bid and a == last_ask and 0 < b <= a < np.inf
        if not (same and now - last_ns <= max_gap_ns):
            since = now
        since_ns[row] = since
        last_ns, last_bid, last_ask = now, b, a
