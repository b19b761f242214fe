"""What the window after each row would have brought, for every target.

The window of row t with time τ(t) holds the rows s with τ(t) < τ(s) ≤ τ(t) + horizon. Cost is
O(rows) for extremes and O(rows · log rows) for first passage, whatever the horizon.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from alpha.core import parallel
from alpha.data.columns import BAD_QUOTE, END_OF_DATA, GAP, LABELLED
from alpha.data.params import Label

_BPS = 1e-4
# Rows that one thread labels at a time: far more than the windows that reach into the next.
_PIECE_ROWS = 1 << 17


@dataclass(frozen=True)
class Labels:
    """Labels of consecutive rows, each (rows,): float64 outcomes (NaN where status is not 0)
    and the int8 status, as `alpha.data.columns` numbers it."""

    up: np.ndarray
    down: np.ndarray
    alpha_outcome: np.ndarray
    status: np.ndarray


def compute(
    time_ns: np.ndarray,
    bid: np.ndarray,
    ask: np.ndarray,
    label: Label,
    *,
    rows: int | None = None,
    end_ns: int | None = None,
) -> Labels:
    """Label the first `rows` rows (default: all), with the rest as the windows' halo.

    `time_ns` (n,) int64 strictly increasing; `bid`, `ask` (n,) float64, any value allowed
    (unsound quotes give status 3). `end_ns` is the last timestamp of all data (default: the
    last given); the halo must reach one row past the last window unless the data ends.

    touch: up = max bid(s) / ask(t) − 1, down = 1 − min ask(s) / bid(t);
    mid: the same with the mid everywhere.
    """
    rows = len(time_ns) if rows is None else rows
    end_ns = int(time_ns[-1]) if end_ns is None else end_ns
    touch = label.price == "touch"
    # Touch alone has no use for mids.
    mid = bid if touch and label.target != "end_return" else bid / 2 + ask / 2
    high, low, entry_up, entry_down = (bid, ask, ask, bid) if touch else (mid, mid, mid, mid)
    up, down, largest = (np.empty(rows) for _ in range(3))
    status = np.empty(rows, dtype=np.int8)
    last = np.empty(rows if label.target in ("end_return", "triple_barrier") else 0, dtype=np.int64)

    def fill(piece: range) -> None:
        extremes(
            time_ns, bid, ask, high, low, entry_up, entry_down, piece.start, piece.stop,
            label.horizon_ns, label.max_gap_ns, end_ns, up, down, largest, status, last,
        )  # fmt: skip

    parallel.each(fill, parallel.cut(rows, _PIECE_ROWS))
    threshold, barrier = label.threshold_bps * _BPS, label.barrier_bps * _BPS
    outcome = largest
    if label.target in ("up", "down"):
        outcome = (up if label.target == "up" else down).copy()
    elif label.target in ("signed_max", "direction"):
        outcome = np.where(largest > 0, np.where(up >= down, up, -down), 0.0)
        if label.target == "direction":
            outcome = np.where(np.abs(outcome) > threshold, np.sign(outcome), 0.0)
    elif label.target == "large_move":
        outcome = (largest > threshold).astype(np.float64)
    elif label.target == "end_return":
        with np.errstate(divide="ignore", invalid="ignore"):
            outcome = mid[last] / mid[:rows] - 1.0
    elif label.target == "triple_barrier":
        bad = ~sound(bid, ask)
        outcome = first_passage(high, low, entry_up, entry_down, bad, last, barrier)
    outcome[status != LABELLED] = np.nan
    return Labels(up, down, outcome, status)


def sound(bid: Any, ask: Any) -> Any:
    """Whether a quote is finite, positive and not crossed; of numbers or arrays."""
    return (bid > 0) & (ask >= bid) & (ask < np.inf)


_sound = njit(cache=True, nogil=True)(sound)


@njit(cache=True, nogil=True)
def extremes(
    time_ns: np.ndarray,
    bid: np.ndarray,
    ask: np.ndarray,
    high: np.ndarray,
    low: np.ndarray,
    entry_up: np.ndarray,
    entry_down: np.ndarray,
    start: int,
    stop: int,
    horizon_ns: int,
    max_gap_ns: int,
    end_ns: int,
    up: np.ndarray,
    down: np.ndarray,
    largest: np.ndarray,
    status: np.ndarray,
    last: np.ndarray,
) -> None:
    """Fill rows [start, stop) of `up`, `down`, `largest` (rows,) float64 and `status` int8.

    up = max of `high` over the window / `entry_up` − 1, down = 1 − min of `low` / `entry_down`,
    largest = max(up, down, 0); all NaN where status is not 0. Inputs are those of `compute`.
    `last` gets the int64 number of each window's last row (the row itself if the window is empty),
    unless it is empty itself.

    Rows outside [start, stop) are read and never written, so that ranges can be filled side by
    side. Two-stack sliding extremes without a stack: up to a pivot the output itself holds suffix
    extremes, beyond it a running extreme grows; at the pivot both start anew. Each row is visited
    twice (Tangwongsan, Hirzel, Schneider: General Incremental Sliding-Window Aggregation, VLDB
    2015).
    """
    n = len(time_ns)
    end = start  # last row of the window
    pivot = start
    front_top, front_bottom = -np.inf, np.inf
    last_gap = start - 1
    last_bad = start - 1 if _sound(bid[start], ask[start]) else start
    for row in range(start, stop):
        until = time_ns[row] + horizon_ns
        while end + 1 < n and time_ns[end + 1] <= until:
            end += 1
            front_top = high[end] if high[end] > front_top else front_top
            front_bottom = low[end] if low[end] < front_bottom else front_bottom
            if time_ns[end] - time_ns[end - 1] > max_gap_ns:
                last_gap = end - 1
            if not _sound(bid[end], ask[end]):
                last_bad = end
        if row >= pivot:
            pivot = end
            front_top, front_bottom = -np.inf, np.inf
            top, bottom = -np.inf, np.inf
            for back in range(end, row, -1):
                top = high[back] if high[back] > top else top
                bottom = low[back] if low[back] < bottom else bottom
                if back <= stop:
                    up[back - 1] = top
                    down[back - 1] = bottom
        gap_at_end = (
            end + 1 < n and time_ns[end] < until and time_ns[end + 1] - time_ns[end] > max_gap_ns
        )
        if end_ns < until:
            code = END_OF_DATA
        elif last_gap >= row or end == row or gap_at_end:
            code = GAP
        elif last_bad >= row:
            code = BAD_QUOTE
        else:
            code = LABELLED
        status[row] = code
        if code == LABELLED:
            top = front_top if front_top > up[row] else up[row]
            bottom = front_bottom if front_bottom < down[row] else down[row]
            up[row] = top / entry_up[row] - 1.0
            down[row] = 1.0 - bottom / entry_down[row]
            larger = up[row] if up[row] > down[row] else down[row]
            largest[row] = larger if larger > 0.0 else 0.0
        else:
            up[row] = down[row] = largest[row] = np.nan
        if len(last) > 0:
            last[row] = end


@njit(cache=True, nogil=True)
def first_passage(
    high: np.ndarray,
    low: np.ndarray,
    entry_up: np.ndarray,
    entry_down: np.ndarray,
    bad: np.ndarray,
    last: np.ndarray,
    barrier: float,
) -> np.ndarray:
    """Which barrier the window reaches first: +1, −1, or 0 for neither, (rows,) float64.

    +1 at row s if high(s) / entry_up(t) − 1 ≥ barrier, −1 if 1 − low(s) / entry_down(t) ≥
    barrier; unsound rows (`bad`) neither ask nor answer. `last` is that of `extremes`.

    Right to left, two stacks hold the rows that set a new high or low as seen from t, so the
    first passage is a binary search in each.
    """
    n, rows = len(high), len(last)
    out = np.zeros(rows, dtype=np.float64)
    highs = np.empty(n, dtype=np.int64)
    lows = np.empty(n, dtype=np.int64)
    high_count, low_count = 0, 0
    for row in range(n - 1, -1, -1):
        if row < rows and not bad[row]:
            # Stacks grow towards the nearest row: values fall (rise) from bottom to top, so
            # the rows that pass the barrier are a prefix, and its end is the nearest of them.
            below, above = 0, high_count
            while below < above:
                middle = (below + above) // 2
                if high[highs[middle]] / entry_up[row] - 1.0 >= barrier:
                    below = middle + 1
                else:
                    above = middle
            up_at = highs[below - 1] if below > 0 else n
            below, above = 0, low_count
            while below < above:
                middle = (below + above) // 2
                if 1.0 - low[lows[middle]] / entry_down[row] >= barrier:
                    below = middle + 1
                else:
                    above = middle
            down_at = lows[below - 1] if below > 0 else n
            if min(up_at, down_at) <= last[row]:
                out[row] = 1.0 if up_at < down_at else -1.0
        if not bad[row]:
            while high_count > 0 and high[highs[high_count - 1]] <= high[row]:
                high_count -= 1
            highs[high_count] = row
            high_count += 1
            while low_count > 0 and low[lows[low_count - 1]] >= low[row]:
                low_count -= 1
            lows[low_count] = row
            low_count += 1
    return out
