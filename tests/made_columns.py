"""Columns of a file of predictions, as an evaluation reads them."""

import numpy as np

from alpha.evaluate.inputs import Columns


def columns(time_ns, outcome, score=None, *, values=None, volatility=None) -> Columns:
    """Of whole columns; without a score there is no prediction."""
    outcome = np.asarray(outcome, dtype=float)
    nothing = np.full(len(outcome), np.nan)
    score = nothing if score is None else np.asarray(score, dtype=float)
    values = score if values is None else values
    finite = np.isfinite(np.column_stack((score, values))).all(axis=1)
    return Columns(
        time_ns=np.asarray(time_ns, dtype=np.int64),
        outcome=outcome,
        volatility=nothing if volatility is None else np.asarray(volatility, dtype=float),
        score=np.where(finite, score, np.nan),
        values=np.where(finite if np.ndim(values) == 1 else finite[:, None], values, np.nan),
    )
