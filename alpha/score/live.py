"""What HAR and persistence know of the past, row by row as rows arrive (alpha.label.past)."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from alpha.core.errors import InputError
from alpha.data.quotes import FrozenRuns
from alpha.label.past import Past
from alpha.label.targets import compute


def label_of(content: Any) -> Any:
    """The label's params, as training kept them. Raises InputError if they are not known."""
    try:
        ns = {
            key.removesuffix("_seconds") + "_ns": None if value is None else round(value * 1e9)
            for key, value in content.items()
            if key.endswith("_seconds")
        }
        return SimpleNamespace(**content, **ns)
    except (AttributeError, TypeError):
        raise InputError("the model does not say what its label is; train again") from None


class LivePast:
    """Keeps as many rows as are needed for the outcomes of completed windows: the bits that the
    label step gives for the same rows. With label.max_stale_seconds a run that is not too long yet
    counts as none, and its outcomes stay; the label step knows better, afterwards."""

    def __init__(self, label: Any) -> None:
        self._label, self._past, self._runs = label, Past(label), FrozenRuns(label.max_gap_ns)
        # Rows whose windows are not completed: time, bid, ask, and when their frozen runs began.
        self._open = [np.empty(0, dtype=kind) for kind in ("i8", "f8", "f8", "i8")]
        self._last_ns: int | None = None

    def update(self, time_ns: int, bid: float, ask: float) -> np.ndarray:
        """Take in the row that has just arrived: the outcomes known at it, (1, 3) float64. Raises
        InputError if it is not later than the last."""
        if self._last_ns is not None and time_ns <= self._last_ns:
            raise InputError(f"time_ns: must be later than {self._last_ns}, found {time_ns}")
        self._last_ns, now = time_ns, np.array([time_ns])
        quote = np.array([bid], dtype=np.float64), np.array([ask], dtype=np.float64)
        row = now, *quote, self._runs.follow(now, *quote)
        rows = [np.append(*pair) for pair in zip(self._open, row, strict=True)]
        times, label = rows[0], self._label
        count = int(np.searchsorted(times, time_ns - label.horizon_ns, side="right"))
        if count:
            _, bids, asks, since_ns = rows
            given: dict[str, Any] = {"rows": count, "end_ns": time_ns, "since_ns": since_ns}
            outcome = compute(times, bids, asks, label, **given).alpha_outcome
            self._past.add(times[:count], bids[:count], asks[:count], outcome)
            self._past.forget(time_ns)
        self._open = [column[count:] for column in rows]
        return np.column_stack(self._past.outcomes(now))
