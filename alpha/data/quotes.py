"""Best quotes row by row: which are sound, and since when they stand still."""

from dataclasses import dataclass
from typing import Any

import numpy as np


def sound(bid: Any, ask: Any) -> Any:
    """Whether a quote is finite, positive and not crossed; of numbers or arrays."""
    return (bid > 0) & (ask >= bid) & (ask < np.inf)


def carried(before: float, values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The latest of `values` (rows,) up to each row that stands `where`, (rows,) bool, else the one
    `before` all, (rows,)."""
    rows = np.where(where, np.arange(1, len(values) + 1), 0)
    return np.append(before, values)[np.maximum.accumulate(rows)]


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
        *last, since = self._last
        pairs = zip(last, (time_ns, bid, ask), strict=True)
        last_ns, last_bid, last_ask = (np.append(before, of[:-1]) for before, of in pairs)
        same = (bid == last_bid) & (ask == last_ask) & sound(bid, ask)
        goes_on = same & (time_ns - last_ns <= self.max_gap_ns)
        since_ns = carried(since, time_ns, ~goes_on)
        at = (len(time_ns) if rows is None else rows) - 1
        self._last = int(time_ns[at]), float(bid[at]), float(ask[at]), int(since_ns[at])
        return since_ns
