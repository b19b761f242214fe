"""Calibration: what came, on average, of the rows in each decile of the predictions."""

import numpy as np

from alpha.evaluation.details import Bin
from alpha.evaluation.metrics import finite_or_none
from alpha.evaluation.ranking import Ranked


def by_decile(outcome: np.ndarray, prediction: np.ndarray, ranked: Ranked) -> list[Bin]:
    """Ascending bins of finite `prediction` (rows,), whose order is `ranked`.

    Rows with equal predictions stay together, in the decile of their middle rank; a decile
    that none falls into is left out, as is one whose means are too large for a float.
    """
    decile = ranked.decile()
    rows = np.bincount(decile, minlength=10)
    with np.errstate(over="ignore", invalid="ignore"):
        predictions = np.bincount(decile, weights=prediction, minlength=10)
        outcomes = np.bincount(decile, weights=outcome, minlength=10)
    bins = []
    for at in np.flatnonzero(rows):
        x, y = finite_or_none(predictions[at] / rows[at]), finite_or_none(outcomes[at] / rows[at])
        if x is not None and y is not None:
            bins.append(Bin(rows=int(rows[at]), prediction=x, outcome=y))
    return bins
