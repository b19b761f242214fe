"""What is known at t without any feature: outcomes of completed windows, and volatility.

The window of row s is completed at row t if τ(s) + horizon ≤ τ(t). The lowest rungs of the
ladder predict from these alone, and volatility regimes are cut along the last of them.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from alpha.data.quotes import carried, sound

if TYPE_CHECKING:
    from alpha.data.params import Label

# Lengths in horizons; a definition rather than a parameter, as PAST_COLUMNS are named
# after them (alpha.data.columns).
SPANS = (1, 5, 30)
# What runs on from row to row: the latest outcome, then the sum of outcomes and their number, and
# of steps that count the squared log changes and the seconds.
_LATEST, _OUTCOMES, _LABELLED, _SQUARES, _SECONDS = range(5)


@dataclass
class Past:
    """Follows files in time order, keeping as much of the earlier ones as is needed.

    Sums run on, so that no figure depends on how rows are cut into files. `_running[:, i]` is of
    all rows before the i-th kept one.
    """

    label: "Label"
    _time_ns: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    _running: np.ndarray = field(default_factory=lambda: np.array([[np.nan], [0], [0], [0], [0]]))
    _log_mid: float = np.nan  # of the last row, NaN if its quote is unsound

    @np.errstate(all="ignore")
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
        self.add(time_ns, bid, ask, outcome)
        since_ns = time_ns - SPANS[-1] * self.label.horizon_ns
        first = np.searchsorted(self._time_ns, since_ns, side="right")
        *_, squares, seconds = self._running[:, -len(time_ns) :] - self._running[:, first]
        # A difference of sums may be a rounding below zero.
        volatility = np.sqrt(np.maximum(squares, 0.0) / seconds)
        volatility[~(seconds > 0)] = np.nan
        return np.column_stack((self.outcomes(time_ns), volatility))

    @np.errstate(all="ignore")
    def add(
        self, time_ns: np.ndarray, bid: np.ndarray, ask: np.ndarray, outcome: np.ndarray
    ) -> None:
        """Take in the next rows, of which `follow` says what they are."""
        now = time_ns
        time_ns = np.concatenate((self._time_ns, now))
        log_mid = np.log(np.where(sound(bid, ask), (bid + ask) / 2, np.nan))
        moved = np.diff(log_mid, prepend=self._log_mid)
        step_ns = np.diff(time_ns, prepend=0)[-len(now) :]
        known, counts = ~np.isnan(outcome), ~np.isnan(moved) & (step_ns <= self.label.max_gap_ns)
        each = np.array((outcome, np.ones(len(now)), moved**2, step_ns * 1e-9))
        each[~np.array((known, known, counts, counts))] = 0.0
        before = self._running[:, -1:]
        latest = carried(before[_LATEST, 0], outcome, known)
        sums = np.append(before[1:], each, axis=1).cumsum(axis=1)[:, 1:]
        running = np.append(self._running, np.vstack((latest, sums)), axis=1)
        self._time_ns, self._running, self._log_mid = time_ns, running, float(log_mid[-1])

    @np.errstate(all="ignore")
    def outcomes(self, now: np.ndarray) -> np.ndarray:
        """past_outcome_1, 5 and 30, (rows, 3), at the times `now` (rows,) int64, of rows that were
        taken in: all whose windows are completed by then. What no later row needs is dropped."""
        time_ns, running, horizon_ns = self._time_ns, self._running, self.label.horizon_ns
        completed = np.searchsorted(time_ns, now - horizon_ns, side="right")
        done = running[:, completed]
        out = [done[_LATEST]]
        for span in SPANS[1:]:
            # After a gap there may be nothing completed that recently.
            first = np.minimum(np.searchsorted(time_ns, now - span * horizon_ns), completed)
            _, outcomes, number, _, _ = done - running[:, first]
            out.append(np.where(number > 0, outcomes / number, done[_LATEST]))
        kept = np.searchsorted(time_ns, now[-1] - (SPANS[-1] + 1) * horizon_ns)
        self._time_ns, self._running = time_ns[kept:], running[:, kept:]
        return np.column_stack(out)
