"""The threshold check: when the model says "loud", is it, and would it have paid?

Knowing that a window's outcome will exceed τ is what a trade needs. For each τ the rows with
prediction > τ are compared with the rows with outcome > τ.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from alpha.data.params import Label, classes
from alpha.evaluate.bootstrap import add_at, ratio
from alpha.evaluate.details import Threshold
from alpha.evaluate.metrics import finite_or_none

BPS = 1e-4
_BEST_MOMENT = "leaves at the best moment of the window, which nobody knows beforehand"
_REALISED = {
    "abs_max": (
        "an upper bound: abs_max is direction-free, as if the side were always guessed "
        f"right, and {_BEST_MOMENT}"
    ),
    "signed_max": (
        "not what a trade earns: signed_max is the larger of the two moves with its sign, and "
        f"it {_BEST_MOMENT}"
    ),
    "up": f"an upper bound: it buys now and {_BEST_MOMENT}",
    "down": f"an upper bound: it sells now and {_BEST_MOMENT}",
    "end_return": "from mid to mid: the spread is not paid",
}


class Check:
    """Finite outcomes and predictions, that come in parts, against one τ.

    precision is the share of rows with label > τ among those with prediction > τ; recall the
    share of rows with prediction > τ among those with label > τ; lift is precision over the
    base rate, the share of rows with label > τ: 1 is no better than guessing. The realised
    outcome is the mean outcome of the rows with prediction > τ, in bps, also less the fees
    of a round trip. A ratio to no rows is None.
    """

    def __init__(self, threshold_bps: float, *, horizon_ns: int, cells: int) -> None:
        self.threshold_bps = threshold_bps
        self._horizon_ns = horizon_ns
        self._rows = self.label_above = self._prediction_above = self._both = 0
        self._outcome_sum = 0.0
        self._windows, self._free_ns = 0, 0
        # By cell: the outcomes acted on, and how many.
        self.statistics = np.zeros((2, cells))

    def add(
        self, time_ns: np.ndarray, outcome: np.ndarray, prediction: np.ndarray, cells: np.ndarray
    ) -> None:
        """The next rows, (rows,) each, `time_ns` ascending; `cells` are those they are in."""
        label_above = outcome > self.level
        above = np.flatnonzero(prediction > self.level)
        acted, cells = outcome[above], cells[above]
        self._rows += len(outcome)
        self.label_above += int(np.count_nonzero(label_above))
        self._prediction_above += len(above)
        self._both += int(np.count_nonzero(label_above[above]))
        with np.errstate(over="ignore"):
            self._outcome_sum += float(np.sum(acted))
        self._windows, self._free_ns = _windows_apart(
            time_ns[above], self._horizon_ns, self._windows, self._free_ns
        )
        add_at(acted, cells, self.statistics[0])
        add_at(np.ones(len(above)), cells, self.statistics[1])

    @property
    def level(self) -> float:
        """τ in the outcome's unit."""
        return self.threshold_bps * BPS

    def figures(self, *, round_trip_bps: float) -> Threshold:
        return _figures(
            threshold_bps=self.threshold_bps,
            round_trip_bps=round_trip_bps,
            seeds=1,
            rows=self._rows,
            label_above=self.label_above,
            prediction_above=self._prediction_above,
            both=self._both,
            windows=self._windows,
            outcome_sum_bps=self._outcome_sum / BPS,
        )


@njit(cache=True, nogil=True)
def _windows_apart(
    time_ns: np.ndarray, horizon_ns: int, count: int, free_ns: int
) -> tuple[int, int]:
    """How many of the rows at ascending `time_ns` one could act on, one after the other: the
    first, then always the next that is at least a horizon later. `count` were counted before,
    and from `free_ns` on the next is."""
    for now in time_ns:
        if count == 0 or now >= free_ns:
            count, free_ns = count + 1, now + horizon_ns
    return count, free_ns


def pool(checks: Sequence[Threshold], *, round_trip_bps: float) -> Threshold:
    """The check of several seeds' rows together, from their checks at the same τ.

    `windows` is of the seed with fewest: rows of several seeds are of the same time.
    """
    return _figures(
        threshold_bps=checks[0].threshold_bps,
        round_trip_bps=round_trip_bps,
        seeds=len(checks),
        rows=sum(one.rows for one in checks),
        label_above=sum(one.label_above for one in checks),
        prediction_above=sum(one.prediction_above for one in checks),
        both=sum(one.both for one in checks),
        windows=min(one.windows for one in checks),
        outcome_sum_bps=sum((one.realised_bps or 0.0) * one.prediction_above for one in checks),
    )


def after_fees_resampled(sums: np.ndarray, *, round_trip_bps: float) -> np.ndarray:
    """The outcome after fees of each resample, in bps, (resamples,), from the sums of
    Check.statistics; NaN without a row."""
    outcomes, rows = sums
    return ratio(outcomes, rows) / BPS - round_trip_bps


def with_ends(check: Threshold, ends: tuple[float | None, float | None] | None) -> Threshold:
    """The check with an interval of its outcome after fees, if there is one."""
    if ends is None or check.after_fees_bps is None:
        return check
    low, high = ends
    return check.model_copy(update={"after_fees_low_bps": low, "after_fees_high_bps": high})


def meaning(label: Label) -> str:
    """What the check's realised outcome is, or why there is no check, for this target."""
    if classes(label):
        return f"not available: outcomes of target {label.target} are classes, not returns"
    mids = "; prices are mids, so the spread is not paid either"
    return _REALISED[label.target] + (
        mids if label.price == "mid" and label.target != "end_return" else ""
    )


def _figures(
    *,
    threshold_bps: float,
    round_trip_bps: float,
    seeds: int,
    rows: int,
    label_above: int,
    prediction_above: int,
    both: int,
    windows: int,
    outcome_sum_bps: float,
) -> Threshold:
    base_rate = _ratio(label_above, rows)
    precision = _ratio(both, prediction_above)
    realised = _ratio(outcome_sum_bps, prediction_above)
    return Threshold(
        threshold_bps=threshold_bps,
        seeds=seeds,
        rows=rows,
        label_above=label_above,
        prediction_above=prediction_above,
        both=both,
        windows=windows,
        base_rate=base_rate,
        precision=precision,
        recall=_ratio(both, label_above),
        lift=precision / base_rate if precision is not None and base_rate else None,
        realised_bps=realised,
        after_fees_bps=None if realised is None else realised - round_trip_bps,
    )


def _ratio(part: float, whole: int) -> float | None:
    return None if whole == 0 else finite_or_none(part / whole)
