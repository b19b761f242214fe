"""Rank IC and the area under the precision-recall curve beside scipy and scikit-learn."""

from collections.abc import Iterator

import numpy as np

from alpha.evaluation import ranking
from alpha.evaluation.ranking import Ranked
from benchmarks import data
from benchmarks.harness import Bench, Measurement, faster, in_turn, number, same
from benchmarks.peers import ranking as peers

_STEP = "ranking"
_NEAR = 1e-12


def rank_ic(outcome: np.ndarray, prediction: np.ndarray) -> float:
    return ranking.rank_ic(*(one.ranks for one in Ranked.both(outcome, prediction)))


def average_precision(event: np.ndarray, prediction: np.ndarray) -> float:
    return ranking.average_precision(event, Ranked.of(prediction))


def measure(bench: Bench) -> Iterator[Measurement]:
    rows = bench.sizes.ranked_rows
    outcome, prediction = data.judged(rows)
    event = outcome > np.quantile(outcome, 0.9)
    ic, precision = rank_ic(outcome, prediction), average_precision(event, prediction)
    same("rank IC", ic, peers.rank_ic(outcome, prediction), within=_NEAR)
    its = peers.average_precision(event, prediction)
    same("average precision", precision, its, within=_NEAR)
    seconds = in_turn(
        {
            "rank_ic": lambda: rank_ic(outcome, prediction),
            "spearmanr": lambda: peers.rank_ic(outcome, prediction),
            "precision": lambda: average_precision(event, prediction),
            "sklearn": lambda: peers.average_precision(event, prediction),
        },
        min(3, bench.sizes.rounds),
        warm=False,
    )
    size = f"{number(rows)} rows, with ties"
    what = "rank IC: scipy spearmanr"
    yield faster(_STEP, what, size, seconds["rank_ic"], seconds["spearmanr"], goal=8)
    what = "PR-AUC: scikit-learn average_precision_score"
    yield faster(_STEP, what, size, seconds["precision"], seconds["sklearn"], goal=10)
