"""Compiled passes over look-ahead windows: extremes, soundness and first passage.

The window of row t with time τ(t) holds the rows s with τ(t) < τ(s) ≤ τ(t) + horizon. Cost is
O(rows) for extremes and O(rows · log rows) for first passage, whatever the horizon.
"""

import numpy as np
from numba import njit

from alpha.status import BAD_QUOTE, END_OF_DATA, GAP, LABELLED


@njit(cache=True, nogil=True)
def extremes(
    time_ns: np.ndarray,
    high: np.ndarray,
    low: np.ndarray,
    bad: np.ndarray,
    rows: int,
    horizon_ns: int,
    max_gap_ns: int,
    end_ns: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of the windows of the first `rows` rows: max of `high`, min of `low`, last row, status.

    `time_ns` (n,) int64 is strictly increasing and reaches past the last window by one row
    wherever the data does; `high`, `low` (n,) float64; `bad` (n,) bool marks rows whose quote
    is unsound; `end_ns` is the last timestamp of all data. Returns (rows,) float64 maxima,
    float64 minima, int64 numbers of the windows' last rows (the row itself if the window is
    empty) and int8 statuses. Maxima and minima mean something only where the status is 0.

    Two-stack sliding extremes without a stack: up to a pivot the output itself holds suffix
    extremes, beyond it a running extreme grows; at the pivot both start anew. Each row is
    visited twice (Tangwongsan, Hirzel, Schneider: General Incremental Sliding-Window
    Aggregation, VLDB 2015).
    """
    n = len(time_ns)
    top = np.empty(rows, dtype=np.float64)
    bottom = np.empty(rows, dtype=np.float64)
    last = np.empty(rows, dtype=np.int64)
    status = np.empty(rows, dtype=np.int8)
    end = -1  # last row of the window
    step = 0  # first row whose step to its neighbour has not been looked at
    pivot = -1
    front_top, front_bottom = -np.inf, np.inf
    last_bad, last_gap = -1, -1
    for row in range(rows):
        until = time_ns[row] + horizon_ns
        while end + 1 < n and time_ns[end + 1] <= until:
            end += 1
            front_top = max(front_top, high[end])
            front_bottom = min(front_bottom, low[end])
            if bad[end]:
                last_bad = end
        while step + 1 < n and time_ns[step] < until:
            if time_ns[step + 1] - time_ns[step] > max_gap_ns:
                last_gap = step
            step += 1
        if row >= pivot:
            pivot = end
            front_top, front_bottom = -np.inf, np.inf
            suffix_top, suffix_bottom = -np.inf, np.inf
            for back in range(end, row, -1):
                suffix_top = max(suffix_top, high[back])
                suffix_bottom = min(suffix_bottom, low[back])
                if back - 1 < rows:
                    top[back - 1] = suffix_top
                    bottom[back - 1] = suffix_bottom
            if end == row:
                top[row], bottom[row] = -np.inf, np.inf
        top[row] = max(top[row], front_top)
        bottom[row] = min(bottom[row], front_bottom)
        last[row] = end
        if end_ns < until:
            status[row] = END_OF_DATA
        elif last_gap >= row or end == row:
            status[row] = GAP
        elif last_bad >= row:
            status[row] = BAD_QUOTE
        else:
            status[row] = LABELLED
    return top, bottom, last, status


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
    barrier; unsound rows (`bad`) neither ask nor answer. `last` (rows,) are the windows' last
    rows, as `extremes` gives them.

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
