"""What the window after each row would have brought, for every target.

The window of row t with time τ(t) holds the rows s with τ(t) < τ(s) ≤ τ(t) + horizon. Cost is
O(rows) for extremes and O(rows · log rows) for first passage, whatever the horizon.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from alpha.core import parallel
from alpha.data.columns import BAD_QUOTE, END_OF_DATA, GAP, LABELLED, STALE
from alpha.data.quotes import FrozenRuns, sound

if TYPE_CHECKING:
    from alpha.data.params import Label

_BPS = 1e-4
# Rows that one thread labels at a time: far more than the windows that reach into the next.
_PIECE_ROWS = 1 << 17
Arrays = tuple[np.ndarray, ...]


class Labels(NamedTuple):
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
    label: "Label",
    *,
    rows: int | None = None,
    end_ns: int | None = None,
    since_ns: np.ndarray | None = None,
) -> Labels:
    """Label the first `rows` rows (default: all), with the rest as the windows' halo, which must
    reach one row past the last window, and `max_stale_seconds` beyond if set, unless the data ends.

    `time_ns` (n,) int64 strictly increasing; `bid`, `ask` (n,) float64, any value allowed (unsound
    quotes give status 3). `end_ns` is the last timestamp of all data (default: the last given), and
    `since_ns` (n,) when the rows' frozen runs began, if not here (FrozenRuns.follow).

    touch: up = max bid(s) / ask(t) − 1, down = 1 − min ask(s) / bid(t);
    mid: the same with the mid everywhere.
    """
    rows = len(time_ns) if rows is None else rows
    end_ns = int(time_ns[-1]) if end_ns is None else end_ns
    touch = label.price == "touch"
    # Touch alone has no use for mids.
    mid = bid if touch and label.target != "end_return" else bid / 2 + ask / 2
    prices = (bid, ask, ask, bid) if touch else (mid, mid, mid, mid)
    up, down, largest = (np.empty(rows) for _ in range(3))
    status = np.empty(rows, dtype=np.int8)
    last = np.empty(rows if label.target in ("end_return", "triple_barrier") else 0, dtype=np.int64)
    of, limits = (time_ns, sound(bid, ask)), (label.horizon_ns, label.max_gap_ns, end_ns)
    out = up, down, largest, status, last
    parallel.each(
        lambda piece: _extremes(of, prices, out, (piece.start, piece.stop), limits),
        parallel.cut(rows, _PIECE_ROWS),
    )
    if label.max_stale_ns is not None:
        if since_ns is None:
            since_ns = FrozenRuns(label.max_gap_ns).follow(time_ns, bid, ask)
        # A run is seen whole, or known to be longer, which the halo's end is far enough for.
        ends_ns = time_ns[np.searchsorted(since_ns, since_ns, side="right") - 1]
        stale_ns, now = time_ns[ends_ns - since_ns > label.max_stale_ns], time_ns[:rows]
        until = np.searchsorted(stale_ns, now + label.horizon_ns, side="right")
        status[(status == LABELLED) & (np.searchsorted(stale_ns, now) < until)] = STALE
        for column in (up, down, largest):
            column[status == STALE] = np.nan
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
        outcome = _first_passage(prices, ~sound(bid, ask), last, barrier)
    outcome[status != LABELLED] = np.nan
    return Labels(up, down, outcome, status)


@njit(cache=True, nogil=True)
def _extremes(
    quotes: Arrays, prices: Arrays, out: Arrays, piece: tuple[int, int], limits: tuple[int, ...]
) -> None:
    """Fill the rows [start, stop) of `piece` in `out`: up, down, largest (rows,) float64, status
    int8, and last int64, the window's last row (the row itself if it is empty), unless it has no
    element. `limits` are horizon_ns, max_gap_ns and end_ns of `compute`.

    up = max of `high` over the window / `entry_up` − 1, down = 1 − min of `low` / `entry_down`,
    largest = max(up, down, 0); all NaN where status is not 0.

    Other rows are read and never written, so that pieces can be filled side by side. Two-stack
    sliding extremes without a stack: up to a pivot the output itself holds suffix extremes, beyond
    it a running extreme grows; at the pivot both start anew. Each row is visited twice (Tangwongsan
    et al.: General Incremental Sliding-Window Aggregation, VLDB 2015).
    """
    time_ns, is_sound = quotes
    high, low, entry_up, entry_down = prices
    up, down, largest, status, last = out
    start, stop = piece
    horizon_ns, max_gap_ns, end_ns = limits
    n = len(time_ns)
    end = start  # last row of the window
    pivot = start
    front_top, front_bottom = -np.inf, np.inf
    last_gap = start - 1
    last_bad = start - 1 if is_sound[start] else start
    for row in range(start, stop):
        until = time_ns[row] + horizon_ns
        while end + 1 < n and time_ns[end + 1] <= until:
            end += 1
            front_top = high[end] if high[end] > front_top else front_top
            front_bottom = low[end] if low[end] < front_bottom else front_bottom
            if time_ns[end] - time_ns[end - 1] > max_gap_ns:
                last_gap = end - 1
            if not is_sound[end]:
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


@np.errstate(divide="ignore", invalid="ignore")
def _first_passage(prices: Arrays, bad: np.ndarray, last: np.ndarray, barrier: float) -> np.ndarray:
    """Which barrier the window reaches first: +1, −1, or 0 for neither, (rows,) float64.

    +1 at row s if high(s) / entry_up(t) − 1 ≥ barrier, −1 if 1 − low(s) / entry_down(t) ≥ barrier;
    unsound rows (`bad`) neither ask nor answer. `last` is that of `_extremes`.
    """
    high, low, entry_up, entry_down = prices
    high, low, rows = np.where(bad, -np.inf, high), np.where(bad, np.inf, low), len(last)
    up, down = entry_up[:rows], entry_down[:rows]
    up_at = _first(high, lambda top: top / up - 1.0 >= barrier, np.maximum, last)
    down_at = _first(low, lambda bottom: 1.0 - bottom / down >= barrier, np.minimum, last)
    reached = ~bad[:rows] & (np.minimum(up_at, down_at) <= last)
    return np.where(reached, np.where(up_at < down_at, 1.0, -1.0), 0.0)


def _first(
    price: np.ndarray, passes: Callable[[np.ndarray], Any], extreme: np.ufunc, last: np.ndarray
) -> np.ndarray:
    """The first row after each whose price `passes`, (rows,) int64, or one after its `last` (rows,)
    if none does before: by the extremes of the next 2^k rows, from the longest on."""
    at = np.arange(1, len(last) + 1)
    longest = np.max(last + 1 - at, initial=0)
    tables = [price]
    while 1 << len(tables) <= longest:
        width = len(price) - len(tables[-1]) + 1
        tables.append(extreme(tables[-1][:-width], tables[-1][width:]))
    for table in reversed(tables):
        # Beyond the end stand the last rows once more.
        skipped = ~passes(table[np.minimum(at, len(table) - 1)])
        at[skipped] += len(price) - len(table) + 1
    return at
