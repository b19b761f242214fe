"""What HAR and persistence know of the past, as rows arrive (alpha.label.past)."""

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
            name.replace("_seconds", "_ns"): None if value is None else round(value * 1e9)
            for name, value in content.items()
            if name.endswith("_seconds")
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
        self._last_ns = np.int64(-1 << 62)

    def update(self, time_ns: np.ndarray, bid: np.ndarray, ask: np.ndarray) -> np.ndarray:
        """Take in the rows that have just arrived, times int64 and quotes float64, each (n,): the
        outcomes known at each, (n, 3). Raises InputError if one is not later than the last."""
        late = np.diff(time_ns, prepend=self._last_ns) <= 0
        if late.any():
            at = int(np.argmax(late))
            last_ns = time_ns[at - 1] if at else self._last_ns
            raise InputError(f"time_ns: must be later than {last_ns}, found {time_ns[at]}")
        self._last_ns = time_ns[-1]
        new = time_ns, bid, ask, self._runs.follow(time_ns, bid, ask)
        rows = [np.append(*pair) for pair in zip(self._open, new, strict=True)]
        count = int(np.searchsorted(rows[0], time_ns[-1] - self._label.horizon_ns, side="right"))
        if count:
            times, bids, asks, since_ns = rows
            given: Any = {"rows": count, "end_ns": int(time_ns[-1]), "since_ns": since_ns}
            outcome = compute(times, bids, asks, self._label, **given).alpha_outcome
            self._past.add(times[:count], bids[:count], asks[:count], outcome)
        self._open = [column[count:] for column in rows]
        return self._past.outcomes(time_ns)
