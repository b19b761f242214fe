"""The threshold check: when the model says that an outcome exceeds τ, does it, and would it have
paid to act on it?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from alpha.data.params import Label, classes
from alpha.evaluate.bootstrap import ratio
from alpha.evaluate.metrics import finite_or_none, total
from alpha.evaluate.split_rows import SplitRows

BPS = 1e-4
# Figures by name. `seeds` runs are counted together; `windows` are those apart from each other
# among `prediction_above`.
Check = dict[str, Any]
_COUNTS = ("seeds", "rows", "label_above", "prediction_above", "both", "windows")
_BEST_MOMENT = " leaves at the best moment of the window, which nobody knows beforehand"
_REALISED = {
    "abs_max": "an upper bound: abs_max is direction-free, as if the side were always guessed "
    "right, and" + _BEST_MOMENT,
    "signed_max": "not what a trade earns: signed_max is the larger of the two moves with its "
    "sign, and it" + _BEST_MOMENT,
    "up": "an upper bound: it buys now and" + _BEST_MOMENT,
    "down": "an upper bound: it sells now and" + _BEST_MOMENT,
    "end_return": "from mid to mid: the spread is not paid",
}


def check(
    threshold_bps: float, split: SplitRows, prediction: np.ndarray
) -> tuple[Check, np.ndarray]:
    """A split's outcomes and predictions, (rows,), NaN in rows that do not count, against one τ;
    and by cell the outcomes acted on, and how many, (2, cells).

    Of the rows with prediction > τ, precision is the share with outcome > τ, recall the share of
    all those that they are, lift is precision over the share of all rows with outcome > τ (1 is
    no better than guessing), and realised their mean outcome. A ratio to no rows is None.
    """
    outcome, blocks, standard = split.outcome, split.blocks, split.standard
    level, known = threshold_bps * BPS, ~np.isnan(prediction)
    above, acted = (outcome > level) & known, prediction > level
    counted = (int(np.count_nonzero(one)) for one in (known, above, acted, above & acted))
    counts = 1, *counted, _windows_apart(split.time_ns[acted], standard.label.horizon_ns)
    figures = _figures(counts, total(outcome[acted]) / BPS, standard.evaluate.round_trip_bps)
    return figures, np.stack([blocks.by_cell(np.where(acted, outcome, 0.0)), blocks.by_cell(acted)])


@njit(cache=True, nogil=True)
def _windows_apart(time_ns: np.ndarray, horizon_ns: int) -> int:
    """How many of the rows at ascending `time_ns` one could act on, one after the other: the
    first, then always the next that is at least a horizon later."""
    count, free_ns = 0, np.int64(0)
    for now in time_ns:
        if count == 0 or now >= free_ns:
            count, free_ns = count + 1, now + horizon_ns
    return count


def pool(checks: Sequence[Check], *, round_trip_bps: float) -> Check:
    """The check of several seeds' rows together, from their checks at the same τ; of `windows`
    the fewest, as rows of several seeds are of the same time."""
    *counts, windows = zip(*([one[name] for name in _COUNTS] for one in checks), strict=True)
    outcome_sum_bps = sum((one["realised_bps"] or 0.0) * one["prediction_above"] for one in checks)
    return _figures((*map(sum, counts), min(windows)), outcome_sum_bps, round_trip_bps)


def _figures(counts: Sequence[int], outcome_sum_bps: float, round_trip_bps: float) -> Check:
    """What is counted, and what follows from that."""
    found: Check = dict(zip(_COUNTS, counts, strict=True))
    acted = found["prediction_above"]
    base_rate, precision = _ratio(found["label_above"], found["rows"]), _ratio(found["both"], acted)
    realised = _ratio(outcome_sum_bps, acted)
    return found | {
        "base_rate": base_rate,
        "precision": precision,
        "recall": _ratio(found["both"], found["label_above"]),
        "lift": precision / base_rate if precision is not None and base_rate else None,
        "realised_bps": realised,
        "after_fees_bps": None if realised is None else realised - round_trip_bps,
    }


def _ratio(part: float, whole: float) -> float | None:
    return finite_or_none(part / whole) if whole else None


def after_fees_resampled(sums: np.ndarray, *, round_trip_bps: float) -> np.ndarray:
    """The outcome after fees of each resample, in bps, (resamples,), from the resampled sums of
    `check`; NaN without a row."""
    return ratio(*sums) / BPS - round_trip_bps


def meaning(label: Label) -> str:
    """What the check's realised outcome is, or why there is no check, for this target."""
    if classes(label):
        return f"not available: outcomes of target {label.target} are classes, not returns"
    mids = label.price == "mid" and label.target != "end_return"
    paid = "; prices are mids, so the spread is not paid either" if mids else ""
    return _REALISED[label.target] + paid
