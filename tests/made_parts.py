"""Rows in parts, as an evaluation goes through them, and records to put in order."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import pytest

from alpha.core import scratch
from alpha.evaluate.buckets import Unordered, Visitor, visit
from alpha.evaluate.predicted import Predicted
from alpha.evaluate.ranking import JUDGED, Events, RankProducts
from alpha.evaluate.ranks import TO_RANK, InRowOrder, Ranker

# Of scratch files, which have no names.
FOLDER = Path(gettempdir())


def parts(
    time_ns,
    outcome,
    score=None,
    *,
    values=None,
    volatility=None,
    size: int = 1 << 30,
) -> list[Predicted]:
    """Of whole columns, `size` rows each; without a score the prediction is nothing."""
    outcome = np.asarray(outcome, dtype=float)
    nothing = np.full(len(outcome), np.nan)
    score = nothing if score is None else np.asarray(score, dtype=float)
    columns = (
        np.asarray(time_ns, dtype=np.int64),
        outcome,
        nothing if volatility is None else np.asarray(volatility, dtype=float),
        score,
        score if values is None else values,
    )
    starts = range(0, max(len(outcome), 1), size)
    return [Predicted(*(column[at : at + size] for column in columns)) for at in starts]


def unordered(dtype: np.dtype, **columns) -> Unordered:
    """Records of these columns; what is not given is 0."""
    records = np.zeros(len(columns["value"]), dtype=dtype)
    for name, values in columns.items():
        records[name] = values
    found = Unordered(FOLDER, dtype)
    for first in range(0, len(records), scratch.PART_ROWS):
        found.add(records[first : first + scratch.PART_ROWS])
    return found


def in_order(values, visitors: Sequence[Visitor]) -> None:
    """Show values to visitors that need no more."""
    visit(unordered(np.dtype([("value", "f8")]), value=values), visitors)


def outcome_ranks(outcome, slots=None) -> np.ndarray:
    """The centered ranks of each row among all and among those of each of its slots, (rows, 3)."""
    rows = len(outcome)
    slots = np.ones((rows, 2), dtype=int) if slots is None else np.asarray(slots)
    counts = np.bincount(slots.ravel(), minlength=2)
    counts[0] = rows
    order = InRowOrder(rows, FOLDER)
    columns = {"value": outcome, "row": np.arange(rows), "slots": slots}
    visit(unordered(TO_RANK, **columns), [Ranker(counts, order)])
    with order.ranked() as ranked:
        return ranked.read(0, rows)["ranks"]


def judge(
    outcome, prediction, *, levels: Sequence[float] = (), cells=None
) -> tuple[RankProducts, Events]:
    """How a prediction ranks outcomes, and events: those above `levels`. Each row has a cell of
    its own unless `cells` says otherwise."""
    outcome, prediction = (np.asarray(side, dtype=float) for side in (outcome, prediction))
    rows = len(outcome)
    cells = np.arange(rows) if cells is None else cells
    of_cells = int(np.max(cells, initial=-1)) + 1
    ranks = outcome_ranks(outcome)
    products = RankProducts(2, of_cells)
    positives = [int(np.count_nonzero(outcome > level)) for level in levels]
    events = Events(levels, positives, rows=rows, cells=of_cells)
    records = unordered(JUDGED, value=prediction, outcome=outcome, ranks=ranks, slots=1, cell=cells)
    visit(records, [Ranker(np.array([rows, 2 * rows]), products), events])
    return products, events


def same(found, expected, path: str = "") -> None:
    """Equal, but for the rounding of sums that were added up in another order."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), path
        for key in expected:
            same(found[key], expected[key], f"{path}/{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), path
        for at, one in enumerate(expected):
            same(found[at], one, f"{path}/{at}")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-13), path
    else:
        assert found == expected, path
