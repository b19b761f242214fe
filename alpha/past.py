"""What is known at t without any feature: outcomes of completed windows, and volatility.

The window of row s is completed at row t if τ(s) + horizon ≤ τ(t). The lowest rungs of the
ladder predict from these alone, and volatility regimes are cut along the last of them.
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit

from alpha.params import Label

# Lengths in horizons; a definition rather than a knob, as alpha.features.PAST_COLUMNS are named
# after them.
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
    _mid: np.ndarray = field(default_factory=_nothing)
    _total: np.ndarray = field(default_factory=_zero)
    _count: np.ndarray = field(default_factory=_zero)
    _squares: np.ndarray = field(default_factory=_zero)
    _seconds: np.ndarray = field(default_factory=_zero)
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
        sound = (bid > 0) & (ask >= bid) & np.isfinite(ask)
        mid = np.where(sound, (bid + ask) / 2, np.nan)
        labelled = ~np.isnan(outcome)
        last_mid, last_ns = (self._mid[-1:], self._time_ns[-1:])
        steps_ns = np.diff(np.concatenate((last_ns, time_ns)))
        moved = np.diff(np.log(np.concatenate((last_mid, mid))))
        counts = (steps_ns <= self.label.max_gap_ns) & ~np.isnan(moved)
        # The first row of all ends no step.
        pad = np.zeros(len(time_ns) - len(steps_ns))
        squares = np.concatenate((pad, np.where(counts, moved, 0.0) ** 2))
        seconds = np.concatenate((pad, np.where(counts, steps_ns * 1e-9, 0.0)))

        place = np.maximum.accumulate(np.where(labelled, np.arange(len(outcome)), -1))
        earlier = self._latest[-1] if len(self._latest) else self._before
        latest = np.where(place >= 0, outcome[place], earlier)

        self._time_ns = np.concatenate((self._time_ns, time_ns))
        self._mid = np.concatenate((self._mid, mid))
        self._latest = np.concatenate((self._latest, latest))
        self._total = _run_on(self._total, np.where(labelled, outcome, 0.0))
        self._count = _run_on(self._count, labelled)
        self._squares = _run_on(self._squares, squares)
        self._seconds = _run_on(self._seconds, seconds)

    def _forget(self) -> None:
        reach = (SPANS[-1] + 1) * self.label.horizon_ns
        kept = int(np.searchsorted(self._time_ns, self._time_ns[-1] - reach))
        if kept:
            self._before = float(self._latest[kept - 1])
        for name in ("_time_ns", "_latest", "_mid", "_total", "_count", "_squares", "_seconds"):
            setattr(self, name, getattr(self, name)[kept:])


def _run_on(sums: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Running sums continued: the same bits as if all had been summed at once."""
    return np.concatenate((sums[:-1], np.cumsum(np.concatenate((sums[-1:], more)))))


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
        while time_ns[completed] <= now - horizon_ns:
            completed += 1
        last = latest[completed - 1] if completed > 0 else before
        out[row - first, 0] = last
        for at in range(1, len(SPANS)):
            while time_ns[starts[at]] < now - SPANS[at] * horizon_ns:
                starts[at] += 1
            # After a gap there may be nothing completed that recently.
            start = min(starts[at], completed)
            rows = count[completed] - count[start]
            out[row - first, at] = (total[completed] - total[start]) / rows if rows > 0 else last
        while time_ns[steps] <= now - SPANS[-1] * horizon_ns:
            steps += 1
        span = seconds[row + 1] - seconds[steps]
        # A difference of sums may be a rounding below zero.
        moved = max(squares[row + 1] - squares[steps], 0.0)
        out[row - first, len(SPANS)] = np.sqrt(moved / span) if span > 0 else np.nan
