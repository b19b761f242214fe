"""Rank IC and the area under the precision-recall curve beside scipy and scikit-learn."""

from collections.abc import Iterator

import numpy as np

from alpha.evaluate import ranking
from benchmarks import data
from benchmarks.harness import Bench, Measurement, faster, in_turn, number, same
from benchmarks.peers import ranking as peers

_STEP = "ranking"
_NEAR = 1e-12


def measure(bench: Bench) -> Iterator[Measurement]:
    rows = bench.sizes.ranked_rows
    outcome, prediction = data.judged(rows)
    event = outcome > np.quantile(outcome, 0.9)
    its = peers.rank_ic(outcome, prediction), peers.average_precision(event, prediction)
    mine = ranking.rank_ic(outcome, prediction), ranking.average_precision(event, prediction)
    for name, *found in zip(("rank IC", "average precision"), mine, its, strict=True):
        same(name, *found, within=_NEAR)
    seconds = in_turn(
        {
            "rank_ic": lambda: ranking.rank_ic(outcome, prediction),
            "spearmanr": lambda: peers.rank_ic(outcome, prediction),
            "precision": lambda: ranking.average_precision(event, prediction),
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
