"""Rank IC and the area under the precision-recall curve beside scipy and scikit-learn: of arrays
in memory, and as an evaluation finds them, which holds a part of the rows in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from alpha.core.scratch import PART_ROWS
from alpha.evaluate import notebook
from alpha.evaluate.buckets import Unordered, visit
from alpha.evaluate.ranking import FORESEEN, JUDGED, Events, RankProducts
from alpha.evaluate.ranks import TO_RANK, InRowOrder, Ranker
from benchmarks import data
from benchmarks.harness import Bench, Measurement, faster, in_turn, number, same
from benchmarks.peers import ranking as peers

_STEP = "ranking"
_NEAR = 1e-12
# All rows are in one cell, and beside all rows in one slot.
_ONE = 1


def rank_ic(outcome: np.ndarray, prediction: np.ndarray, folder: Path) -> float:
    """In parts, and with it what takes as long: ranks within each row's day and regime."""
    rows = len(outcome)
    slots = np.array([rows, 2 * rows])
    order, products = InRowOrder(rows, folder), RankProducts(len(slots), _ONE)
    outcomes = _records(folder, TO_RANK, value=outcome, row=np.arange(rows), slots=_ONE)
    visit(outcomes, [Ranker(slots, order)])
    with order.ranked() as ranked:
        ranks = ranked.read(0, rows)["ranks"]
    judged = _records(folder, JUDGED, value=prediction, outcome=outcome, ranks=ranks, slots=_ONE)
    visit(judged, [Ranker(slots, products)])
    return products.rank_ic(0, rows)


def average_precision(event: np.ndarray, prediction: np.ndarray, folder: Path) -> float:
    positives = int(np.count_nonzero(event))
    events = Events([0.5], [positives], rows=len(event), cells=_ONE)
    visit(_records(folder, FORESEEN, value=prediction, outcome=event), [events])
    return events.average_precision(0)


def _records(folder: Path, dtype: np.dtype, **columns: Any) -> Unordered:
    """In parts, as an evaluation has them; what is not given is 0."""
    records = np.zeros(len(columns["value"]), dtype=dtype)
    for name, values in columns.items():
        records[name] = values
    found = Unordered(folder, dtype)
    for first in range(0, len(records), PART_ROWS):
        found.add(records[first : first + PART_ROWS])
    return found


def measure(bench: Bench) -> Iterator[Measurement]:
    rows = bench.sizes.ranked_rows
    outcome, prediction = data.judged(rows)
    event = outcome > np.quantile(outcome, 0.9)
    its = peers.rank_ic(outcome, prediction), peers.average_precision(event, prediction)
    mine = notebook.rank_ic(outcome, prediction), notebook.average_precision(event, prediction)
    in_parts = (
        rank_ic(outcome, prediction, bench.work),
        average_precision(event, prediction, bench.work),
    )
    for name, *found in zip(("rank IC", "average precision"), mine, in_parts, its, strict=True):
        same(name, found[0], found[2], within=_NEAR)
        same(f"{name} in parts", found[1], found[2], within=_NEAR)
    seconds = in_turn(
        {
            "rank_ic": lambda: notebook.rank_ic(outcome, prediction),
            "rank_ic in parts": lambda: rank_ic(outcome, prediction, bench.work),
            "spearmanr": lambda: peers.rank_ic(outcome, prediction),
            "precision": lambda: notebook.average_precision(event, prediction),
            "precision in parts": lambda: average_precision(event, prediction, bench.work),
            "sklearn": lambda: peers.average_precision(event, prediction),
        },
        min(3, bench.sizes.rounds),
        warm=False,
    )
    size = f"{number(rows)} rows, with ties"
    scipy, sklearn = "scipy spearmanr", "scikit-learn average_precision_score"
    yield faster(_STEP, f"rank IC: {scipy}", size, seconds["rank_ic"], seconds["spearmanr"], goal=8)
    yield faster(
        _STEP, f"PR-AUC: {sklearn}", size, seconds["precision"], seconds["sklearn"], goal=10
    )
    what = f"rank IC in parts, with days' and regimes' ranks: {scipy}"
    yield faster(_STEP, what, size, seconds["rank_ic in parts"], seconds["spearmanr"])
    what = f"PR-AUC in parts: {sklearn}"
    yield faster(_STEP, what, size, seconds["precision in parts"], seconds["sklearn"])
