"""What is known at t without any feature: outcomes of completed windows, and volatility.

The window of row s is completed at row t if τ(s) + horizon ≤ τ(t). The lowest rungs of the
ladder predict from these alone, and volatility regimes are cut along the last of them.
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit

from alpha.data.params import Label
from alpha.data.quotes import sound
from alpha.label.targets import Arrays

# Lengths in horizons; a definition rather than a parameter, as PAST_COLUMNS are named
# after them (alpha.data.columns).
SPANS = (1, 5, 30)
# What runs on from row to row: the latest outcome, then the sum of outcomes and their number, and
# of steps that count the squared log changes and the seconds.
_LATEST, _OUTCOMES, _LABELLED, _SQUARES, _SECONDS = range(5)


@dataclass
class Past:
    """Follows files in time order, keeping as much of the earlier ones as is needed.

    Sums run on, so that no figure depends on how rows are cut into files. `_running[i]` is of all
    rows before the i-th kept one.
    """

    label: Label
    _time_ns: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    _running: np.ndarray = field(default_factory=lambda: np.array([[np.nan, 0.0, 0.0, 0.0, 0.0]]))
    _log_mid: float = np.nan  # of the last row, NaN if its quote is unsound

    def follow(
        self, time_ns: np.ndarray, bid: np.ndarray, ask: np.ndarray, outcome: np.ndarray
    ) -> np.ndarray:
        """The next file's columns, (rows, PAST_COLUMNS) float64, from its rows and earlier ones:
        times int64, strictly increasing, quotes of any value, outcomes NaN without a label.

        past_outcome_1 is the outcome of the last labelled row whose window is completed;
        past_outcome_k the mean outcome of all labelled rows whose windows lie within the last
        k horizons (past_outcome_1 where there is none); NaN until a window is completed.
        past_volatility is the root of the mean squared log change of the mid per second over
        the last 30 horizons, in 1/√s, without steps from or to unsound quotes and across gaps;
        NaN where no step remains.
        """
        rows = len(time_ns)
        time_ns = np.concatenate((self._time_ns, time_ns))
        running = np.concatenate((self._running, np.empty((rows, self._running.shape[1]))))
        log_mid = np.log(np.where(sound(bid, ask), (bid + ask) / 2, np.nan))
        moved = np.diff(log_mid, prepend=self._log_mid)
        out = np.empty((rows, len(SPANS) + 1))
        horizon_ns, max_gap_ns = self.label.horizon_ns, self.label.max_gap_ns
        _follow((time_ns, moved, outcome), horizon_ns, max_gap_ns, running, out)
        reach = (SPANS[-1] + 1) * horizon_ns
        kept = int(np.searchsorted(time_ns, time_ns[-1] - reach))
        self._time_ns, self._running = time_ns[kept:], running[kept:]
        self._log_mid = float(log_mid[-1])
        return out


@njit(cache=True, nogil=True)
def _follow(
    rows: Arrays, horizon_ns: int, max_gap_ns: int, running: np.ndarray, out: np.ndarray
) -> None:
    """Run `running` on over the last rows, those of `moved` and `outcome`, and fill `out` (rows,
    SPANS + 1), the columns of `follow`."""
    time_ns, moved, outcome = rows
    first = len(time_ns) - len(out)
    completed = 0  # rows whose windows are
    starts = np.zeros(len(SPANS), dtype=np.int64)  # of the rows that each span holds
    steps = 0  # the first whose step the volatility counts
    for row in range(first, len(time_ns)):
        now = time_ns[row]
        last, change = outcome[row - first], moved[row - first]
        before, after = running[row], running[row + 1]
        known = not np.isnan(last)
        after[_LATEST] = last if known else before[_LATEST]
        after[_OUTCOMES] = before[_OUTCOMES] + (last if known else 0.0)
        after[_LABELLED] = before[_LABELLED] + known
        # The first row of all ends no step.
        step_ns = now - time_ns[row - 1] if row > 0 else 0
        counts = step_ns <= max_gap_ns and not np.isnan(change)
        after[_SQUARES] = before[_SQUARES] + (change * change if counts else 0.0)
        after[_SECONDS] = before[_SECONDS] + (step_ns * 1e-9 if counts else 0.0)

        while completed < row and time_ns[completed] <= now - horizon_ns:
            completed += 1
        done = running[completed]
        out[row - first, 0] = done[_LATEST]
        for at in range(1, len(SPANS)):
            while starts[at] < row and time_ns[starts[at]] < now - SPANS[at] * horizon_ns:
                starts[at] += 1
            # After a gap there may be nothing completed that recently.
            start = running[min(starts[at], completed)]
            number = done[_LABELLED] - start[_LABELLED]
            mean = (done[_OUTCOMES] - start[_OUTCOMES]) / number if number > 0 else done[_LATEST]
            out[row - first, at] = mean
        while steps < row and time_ns[steps] <= now - SPANS[-1] * horizon_ns:
            steps += 1
        seconds = after[_SECONDS] - running[steps, _SECONDS]
        # A difference of sums may be a rounding below zero.
        squares = max(after[_SQUARES] - running[steps, _SQUARES], 0.0)
        out[row - first, len(SPANS)] = np.sqrt(squares / seconds) if seconds > 0 else np.nan
