"""Positions one after the other, at prices that could be had. No row is looked at before its time.
docs/how-to/trade.md has the rules."""

from typing import Any

import numpy as np
import pandas as pd
from numba import njit

from alpha.core.text import BPS
from alpha.data.params import Label
from alpha.data.quotes import sound

# What became of a decision, by the codes that `_walk` writes; the last two are no position.
ENDS = ("horizon", "barrier", "gap", "end of data", "unfilled", "refused")
_HORIZON, _BARRIER, _GAP, _END, _UNFILLED, _REFUSED = range(len(ENDS))
Arrays = tuple[np.ndarray, ...]


class Market:
    """All rows: int64 times, which increase, bids and asks of any value, and perhaps the sizes of
    both, (rows,) each; `broken` ones are not sound or follow a gap."""

    def __init__(
        self, label: Label, at: np.ndarray, bid: np.ndarray, ask: np.ndarray, *sizes: np.ndarray
    ) -> None:
        is_sound, self.sizes = sound(bid, ask), sizes
        broken = ~is_sound
        broken[1:] |= np.diff(at) > label.max_gap_ns
        self.rows: Arrays = (at, bid, ask, is_sound, broken)
        mid = bid if label.price == "touch" else bid / 2 + ask / 2
        self.prices = (bid, ask, ask, bid) if label.price == "touch" else (mid, mid, mid, mid)


def trade(
    time_ns: np.ndarray, signal: np.ndarray, threshold: float, market: Market, params: Any
) -> pd.DataFrame:
    """Buy where `signal` > `threshold` (at least 0), sell where it is < −`threshold`: (rows,) at
    ascending `time_ns`, of any value. A row for each decision that was not made while another was
    on; prices and what it earns are NaN where it led to no position. A sale earns 1 − leaving
    price / entry price, as in labels."""
    label, fees, maker = params.label, params.evaluate.fees, params.trade.entry == "maker"
    acting = np.flatnonzero(np.abs(signal) > threshold)
    barrier = label.barrier_bps * BPS if label.target == "triple_barrier" else np.inf
    limits = round(params.trade.latency_ms * 1e6), label.horizon_ns, label.max_gap_ns
    out, buys = np.empty((len(acting), 5), dtype=np.int64), signal[acting] > 0
    at, bid, ask, *_ = market.rows
    made = _walk(time_ns[acting], buys, market.rows, market.prices, maker, barrier, limits, out)
    decided, placed, entered, left, end = out[:made].T
    long, position = buys[decided], np.where(end < _UNFILLED, 1.0, np.nan)
    lifts = long != maker  # a maker's order rests at its own side, where it was placed
    entry = np.where(lifts, ask[placed], bid[placed]) * position
    leave = np.where(long, bid[left], ask[left]) * position
    gross = np.where(long, 1.0, -1.0) * (leave / entry - 1.0) / BPS
    paid = position * ((fees.maker_bps if maker else fees.taker_bps) + fees.taker_bps)
    columns = {
        "time": time_ns[acting][decided], "entry_time": at[entered], "exit_time": at[left],
        "side": np.where(long, "buy", "sell"), "signal": signal[acting][decided],
        "entry_price": entry, "exit_price": leave, "gross_bps": gross, "fees_bps": paid,
        "net_bps": gross - paid, "holding_seconds": (at[left] - at[entered]) / 1e9,
        "end": np.array(ENDS)[end],
    }  # fmt: skip
    if market.sizes:
        bid_size, ask_size = market.sizes
        columns["capacity"] = np.where(lifts, ask_size[placed], bid_size[placed])
    return pd.DataFrame(columns)


@njit(cache=True, nogil=True)
def _walk(
    acting_ns: np.ndarray, buys: np.ndarray, rows: Arrays, prices: Arrays, maker: bool,
    barrier: float, limits: tuple[int, int, int], out: np.ndarray,
) -> int:  # fmt: skip
    """Fill `out` (decisions, 5): the decision, the rows where its order arrived, of entry and of
    exit, and the code of ENDS. Returns how many; decisions while another is on are left out, so
    each row is visited a few times at most. `broken` rows are not sound or follow a gap."""
    time_ns, bid, ask, is_sound, broken = rows
    high, low, up_from, down_from = prices
    latency_ns, horizon_ns, max_gap_ns = limits
    made, arrived, free_ns = 0, 0, np.iinfo(np.int64).min
    for decision, now in enumerate(acting_ns):
        if now < free_ns:
            continue
        while arrived < len(time_ns) and time_ns[arrived] < now + latency_ns:
            arrived += 1
        if arrived == len(time_ns):
            break
        row, until, end = arrived, now + horizon_ns, _UNFILLED if maker else _HORIZON
        if broken[row] or time_ns[row] >= until:
            end = _REFUSED
        while end == _UNFILLED and row + 1 < len(time_ns) and time_ns[row + 1] <= until:
            row += 1
            if broken[row]:
                break
            # Filled where the other side is beyond the order's price: no queue stands before it.
            if (ask[row] < bid[arrived]) if buys[decision] else (bid[row] > ask[arrived]):
                end = _HORIZON
        entered, leave_ns = row, until + latency_ns
        while end <= _GAP and (time_ns[row] < leave_ns or not is_sound[row]):
            if row + 1 == len(time_ns):
                end = _END
                while not is_sound[row]:
                    row -= 1
                break
            row += 1
            if broken[row]:
                # Silence is noticed within it.
                noticed_ns = min(time_ns[row], time_ns[row - 1] + max_gap_ns)
                end, leave_ns = _GAP, min(leave_ns, noticed_ns + latency_ns)
            elif end == _HORIZON and time_ns[row] <= until:
                up = high[row] / up_from[entered] - 1.0 >= barrier
                if up or 1.0 - low[row] / down_from[entered] >= barrier:
                    end, leave_ns = _BARRIER, time_ns[row] + latency_ns
        out[made] = np.array((decision, arrived, entered, row, end))
        made, free_ns = made + 1, until if end == _UNFILLED else time_ns[row]
    return made
