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
    _time_ns: int = 0  # of the last row, as what follows
    _quote: tuple[float, float] = (np.nan, np.nan)
    _since_ns: int = 0

    def follow(
        self, time_ns: np.ndarray, bid: np.ndarray, ask: np.ndarray, *, rows: int | None = None
    ) -> np.ndarray:
        """When each row's run began, (n,) int64: at the row itself where it is not sound. Times
        int64, strictly increasing, (n,); quotes of any value. What follows next comes after the
        first `rows` of them (default: all; at least one)."""
        since_ns = np.empty(len(time_ns), dtype=np.int64)
        before = self._time_ns, *self._quote, self._since_ns
        _since((time_ns, bid, ask), before, self.max_gap_ns, since_ns)
        last = (len(time_ns) if rows is None else rows) - 1
        self._time_ns, self._since_ns = int(time_ns[last]), int(since_ns[last])
        self._quote = float(bid[last]), float(ask[last])
        return since_ns


@njit(cache=True, nogil=True)
def _since(
    quotes: tuple[np.ndarray, ...],
    before: tuple[int, float, float, int],
    max_gap_ns: int,
    since_ns: np.ndarray,
) -> None:
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
