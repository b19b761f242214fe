"""What is known at t without any feature: outcomes of completed windows, and volatility.

The window of row s is completed at row t if τ(s) + horizon ≤ τ(t). The lowest rungs of the
ladder predict from these alone, and volatility regimes are cut along the last of them.
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit

from alpha.data.params import Label
from alpha.label.windows import sound

# Lengths in horizons; a definition rather than a parameter, as PAST_COLUMNS are named
# after them (alpha.data.columns).
SPANS = (1, 5, 30)


def _nothing() -> np.ndarray:
    return np.empty(0)


def _zero() -> np.ndarray:
    return np.zeros(1)


@dataclass
class Past:
    """Follows files in time order, keeping as much of the earlier ones as is needed.

    Sums run on from file to file, so that no figure depends on how rows are cut into files.
    `_total[i]` is the sum over all rows before the i-th kept one, and so are its like.
    """

    label: Label
    _time_ns: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    _latest: np.ndarray = field(default_factory=_nothing)  # outcome up to and with each row
    _total: np.ndarray = field(default_factory=_zero)
    _count: np.ndarray = field(default_factory=_zero)
    _squares: np.ndarray = field(default_factory=_zero)
    _seconds: np.ndarray = field(default_factory=_zero)
    _log_mid: float = np.nan  # of the last row, NaN if its quote is unsound
    _before: float = np.nan  # the latest outcome of the rows that are no longer kept

    def follow(
        self, time_ns: np.ndarray, bid: np.ndarray, ask: np.ndarray, outcome: np.ndarray
    ) -> np.ndarray:
        """The next file's columns, (rows, PAST_COLUMNS) float64, from its rows and earlier ones.

        `time_ns` (rows,) int64 strictly increasing and later than all before; quotes (rows,)
        of any value; `outcome` (rows,) NaN where a row has no label.

        past_outcome_1 is the outcome of the last labelled row whose window is completed;
        past_outcome_k the mean outcome of all labelled rows whose windows lie within the last
        k horizons (as past_outcome_1 where there is none). NaN until a window is completed.
        past_volatility is the root of the mean squared log change of the mid per second over
        the last 30 horizons, in 1/√s; steps from or to unsound quotes and across gaps are left
        out, NaN where no step remains.
        """
        rows = len(time_ns)
        self._append(time_ns, bid, ask, outcome)
        out = np.empty((rows, len(SPANS) + 1))
        _known(
            self._time_ns, len(self._time_ns) - rows, self.label.horizon_ns, self._before,
            self._latest, self._total, self._count, self._squares, self._seconds, out,
        )  # fmt: skip
        self._forget()
        return out

    def _append(
        self, time_ns: np.ndarray, bid: np.ndarray, ask: np.ndarray, outcome: np.ndarray
    ) -> None:
        log_mid = np.log(np.where(sound(bid, ask), (bid + ask) / 2, np.nan))
        kept, rows = len(self._time_ns), len(time_ns)
        earlier = self._latest[-1] if kept else self._before
        for name in ("_latest", "_total", "_count", "_squares", "_seconds"):
            setattr(self, name, np.concatenate((getattr(self, name), np.empty(rows))))
        self._time_ns = np.concatenate((self._time_ns, time_ns))
        _run_on(
            self._time_ns, kept, log_mid, self._log_mid, outcome, self.label.max_gap_ns, earlier,
            self._latest, self._total, self._count, self._squares, self._seconds,
        )  # fmt: skip
        self._log_mid = float(log_mid[-1])

    def _forget(self) -> None:
        reach = (SPANS[-1] + 1) * self.label.horizon_ns
        kept = int(np.searchsorted(self._time_ns, self._time_ns[-1] - reach))
        if kept:
            self._before = float(self._latest[kept - 1])
        for name in ("_time_ns", "_latest", "_total", "_count", "_squares", "_seconds"):
            setattr(self, name, getattr(self, name)[kept:])


@njit(cache=True, nogil=True)
def _run_on(
    time_ns: np.ndarray,
    first: int,
    log_mid: np.ndarray,
    log_mid_before: float,
    outcome: np.ndarray,
    max_gap_ns: int,
    before: float,
    latest: np.ndarray,
    total: np.ndarray,
    count: np.ndarray,
    squares: np.ndarray,
    seconds: np.ndarray,
) -> None:
    """Run latest outcomes and sums on over the rows from `first` on, which have no values yet."""
    for row in range(first, len(time_ns)):
        new = row - first
        known = not np.isnan(outcome[new])
        if known:
            before = outcome[new]
        latest[row] = before
        total[row + 1] = total[row] + (outcome[new] if known else 0.0)
        count[row + 1] = count[row] + known
        moved = log_mid[new] - (log_mid[new - 1] if new > 0 else log_mid_before)
        # The first row of all ends no step.
        step_ns = time_ns[row] - time_ns[row - 1] if row > 0 else 0
        counts = step_ns <= max_gap_ns and not np.isnan(moved)
        squares[row + 1] = squares[row] + (moved * moved if counts else 0.0)
        seconds[row + 1] = seconds[row] + (step_ns * 1e-9 if counts else 0.0)


@njit(cache=True, nogil=True)
def _known(
    time_ns: np.ndarray,
    first: int,
    horizon_ns: int,
    before: float,
    latest: np.ndarray,
    total: np.ndarray,
    count: np.ndarray,
    squares: np.ndarray,
    seconds: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill `out` (rows, SPANS + 1), the columns of `follow`, for the rows from `first` on."""
    completed = 0  # rows whose windows are
    starts = np.zeros(len(SPANS), dtype=np.int64)  # of the rows that each span holds
    steps = 0  # the first whose step the volatility counts
    for row in range(first, len(time_ns)):
        now = time_ns[row]
        while completed < row and time_ns[completed] <= now - horizon_ns:
            completed += 1
        last = latest[completed - 1] if completed > 0 else before
        out[row - first, 0] = last
        for at in range(1, len(SPANS)):
            while starts[at] < row and time_ns[starts[at]] < now - SPANS[at] * horizon_ns:
                starts[at] += 1
            # After a gap there may be nothing completed that recently.
            start = min(starts[at], completed)
            rows = count[completed] - count[start]
            out[row - first, at] = (total[completed] - total[start]) / rows if rows > 0 else last
        while steps < row and time_ns[steps] <= now - SPANS[-1] * horizon_ns:
            steps += 1
        span = seconds[row + 1] - seconds[steps]
        # A difference of sums may be a rounding below zero.
        moved = max(squares[row + 1] - squares[steps], 0.0)
        out[row - first, len(SPANS)] = np.sqrt(moved / span) if span > 0 else np.nan
