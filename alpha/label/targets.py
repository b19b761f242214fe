"""What the window after each row would have brought, for every target."""

from dataclasses import dataclass

import numpy as np

from alpha.core import parallel
from alpha.data import columns as codes
from alpha.data.params import Label
from alpha.label import windows

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
        windows.extremes(
            time_ns, bid, ask, high, low, entry_up, entry_down, piece.start, piece.stop,
            label.horizon_ns, label.max_gap_ns, end_ns, up, down, largest, status, last,
        )  # fmt: skip

    parallel.each(fill, parallel.cut(rows, _PIECE_ROWS))
    if label.target == "abs_max":
        return Labels(up, down, largest, status)
    if label.target == "end_return":
        with np.errstate(divide="ignore", invalid="ignore"):
            outcome = mid[last] / mid[:rows] - 1.0
    elif label.target == "triple_barrier":
        bad = ~windows.sound(bid, ask)
        outcome = windows.first_passage(
            high, low, entry_up, entry_down, bad, last, label.barrier_bps * _BPS
        )
    else:
        outcome = _outcome(up, down, largest, label)
    outcome[status != codes.LABELLED] = np.nan
    return Labels(up, down, outcome, status)


def _outcome(up: np.ndarray, down: np.ndarray, largest: np.ndarray, label: Label) -> np.ndarray:
    """The targets that are functions of up and down alone, (rows,) float64."""
    if label.target in ("up", "down"):
        return up.copy() if label.target == "up" else down.copy()
    threshold = label.threshold_bps * _BPS
    if label.target == "large_move":
        return (largest > threshold).astype(np.float64)
    signed = np.where(largest > 0, np.where(up >= down, up, -down), 0.0)
    if label.target == "direction":
        return np.where(signed > threshold, 1.0, np.where(signed < -threshold, -1.0, 0.0))
    return signed
