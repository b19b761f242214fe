"""Slow, obvious references that the fast code is held against."""

import numpy as np

from alpha.data.params import Label

NS = 1_000_000_000


def label_row(time_ns, bid, ask, row: int, label: Label) -> tuple[float, float, float, int]:
    """(up, down, alpha_outcome, status) of one row, straight from the definitions."""
    horizon, now = label.horizon_ns, time_ns[row]
    if time_ns[-1] < now + horizon:
        return np.nan, np.nan, np.nan, 1
    inside = np.arange(row + 1, np.searchsorted(time_ns, now + horizon, side="right"))
    starts = np.arange(row, np.searchsorted(time_ns[:-1], now + horizon, side="left"))
    if len(inside) == 0 or (time_ns[starts + 1] - time_ns[starts] > label.max_gap_ns).any():
        return np.nan, np.nan, np.nan, 2
    here = np.concatenate(([row], inside))
    b, a = bid[here], ask[here]
    if not (np.isfinite(b) & np.isfinite(a) & (b > 0) & (a > 0) & (b <= a)).all():
        return np.nan, np.nan, np.nan, 3
    limit = label.max_stale_ns
    if limit is not None and any(frozen_ns(time_ns, bid, ask, one, label) > limit for one in here):
        return np.nan, np.nan, np.nan, 4
    mid = (bid + ask) / 2
    if label.price == "touch":
        highs, lows, buy, sell = bid[inside], ask[inside], ask[row], bid[row]
    else:
        highs, lows, buy, sell = mid[inside], mid[inside], mid[row], mid[row]
    up = np.max(highs) / buy - 1
    down = 1 - np.min(lows) / sell
    signed = 0.0
    if max(up, down) > 0:
        signed = up if up >= down else -down
    threshold, barrier = label.threshold_bps * 1e-4, label.barrier_bps * 1e-4
    outcome = {
        "abs_max": lambda: max(up, down, 0.0),
        "signed_max": lambda: signed,
        "up": lambda: up,
        "down": lambda: down,
        "end_return": lambda: mid[inside[-1]] / mid[row] - 1,
        "direction": lambda: 1.0 if signed > threshold else -1.0 if signed < -threshold else 0.0,
        "large_move": lambda: 1.0 if max(up, down, 0.0) > threshold else 0.0,
        "triple_barrier": lambda: first_barrier(highs, lows, buy, sell, barrier),
    }[label.target]()
    return up, down, outcome, 0


def frozen_ns(time_ns, bid, ask, row: int, label: Label) -> int:
    """How long the frozen run that a sound row is in lasts, in all."""

    def goes_on(before: int, after: int) -> bool:
        equal = bid[before] == bid[after] and ask[before] == ask[after]
        return equal and time_ns[after] - time_ns[before] <= label.max_gap_ns

    first = last = row
    while first > 0 and goes_on(first - 1, first):
        first -= 1
    while last + 1 < len(bid) and goes_on(last, last + 1):
        last += 1
    return time_ns[last] - time_ns[first]


def first_barrier(highs, lows, buy, sell, barrier) -> float:
    for high, low in zip(highs, lows, strict=True):
        if high / buy - 1 >= barrier:
            return 1.0
        if 1 - low / sell >= barrier:
            return -1.0
    return 0.0


def label_all(time_ns, bid, ask, label: Label):
    """Every row's (up, down, alpha_outcome, status) as four arrays."""
    rows = [label_row(time_ns, bid, ask, row, label) for row in range(len(time_ns))]
    up, down, outcome, status = (np.array(column) for column in zip(*rows, strict=True))
    return up, down, outcome, status
