"""The threshold check: when the model says "loud", is it, and would it have paid?

Knowing that a window's outcome will exceed τ is what a trade needs. For each τ the rows with
prediction > τ are compared with the rows with outcome > τ.
"""

from dataclasses import dataclass

import numpy as np

from alpha.params import Label

BPS = 1e-4
_CLASSES = ("direction", "loud", "triple_barrier")
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


@dataclass(frozen=True)
class Counts:
    """What rows with label > τ and prediction > τ have in common. Counts of seeds add."""

    rows: int
    label_above: int
    prediction_above: int
    both: int
    outcome_sum: float  # of the rows with prediction > τ, in the outcome's unit

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.rows + other.rows,
            self.label_above + other.label_above,
            self.prediction_above + other.prediction_above,
            self.both + other.both,
            self.outcome_sum + other.outcome_sum,
        )

    @property
    def base_rate(self) -> float | None:
        """Share of rows with label > τ: the precision of guessing."""
        return _ratio(self.label_above, self.rows)

    @property
    def precision(self) -> float | None:
        """Of the rows with prediction > τ, the share with label > τ; None if there are none."""
        return _ratio(self.both, self.prediction_above)

    @property
    def recall(self) -> float | None:
        """Of the rows with label > τ, the share with prediction > τ; None if there are none."""
        return _ratio(self.both, self.label_above)

    @property
    def lift(self) -> float | None:
        """precision / base rate: 1 is no better than guessing; None if either is undefined."""
        if self.precision is None or not self.base_rate:
            return None
        return self.precision / self.base_rate

    @property
    def realised_bps(self) -> float | None:
        """Mean outcome of the rows with prediction > τ, in bps; None if there are none."""
        mean = _ratio(self.outcome_sum, self.prediction_above)
        return None if mean is None else mean / BPS


def count(outcome: np.ndarray, prediction: np.ndarray, *, threshold_bps: float) -> Counts:
    """Compare finite `outcome` and `prediction`, both (rows,), against one threshold τ."""
    label_above = outcome > threshold_bps * BPS
    prediction_above = prediction > threshold_bps * BPS
    return Counts(
        rows=len(outcome),
        label_above=int(np.count_nonzero(label_above)),
        prediction_above=int(np.count_nonzero(prediction_above)),
        both=int(np.count_nonzero(label_above & prediction_above)),
        outcome_sum=float(np.sum(outcome[prediction_above])),
    )


def is_classification(label: Label) -> bool:
    """Whether outcomes are codes of classes, which have no bps."""
    return label.target in _CLASSES


def meaning(label: Label) -> str:
    """What the check's realised outcome is, or why there is no check, for this target."""
    if is_classification(label):
        return f"not available: outcomes of target {label.target} are classes, not returns"
    mids = "; prices are mids, so the spread is not paid either"
    return _REALISED[label.target] + (
        mids if label.price == "mid" and label.target != "end_return" else ""
    )


def _ratio(part: float, whole: int) -> float | None:
    return None if whole == 0 else part / whole
