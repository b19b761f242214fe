"""Normalization's statistics beside a copy of the matrix, scikit-learn and polars."""

import math
import os
from collections.abc import Iterator

import numpy as np

from alpha.normalize.moments import Moments
from benchmarks import data
from benchmarks.harness import (
    Bench,
    Measurement,
    copier,
    faster,
    in_turn,
    more_memory,
    number,
    same,
    within,
)
from benchmarks.peers import normalization as peers

_STEP = "normalization"
# In sigmas, of the definition by exact sums; and of what peers give.
_EXACT, _NEAR = 1e-9, 1e-6
_SUMMED = 5
# Of scikit-learn's way with data that do not fit into memory.
_BATCH_ROWS = 1 << 15


def measure(bench: Bench) -> Iterator[Measurement]:
    rows = bench.sizes.matrix_rows
    x = data.features(data.market(rows, seed=rows), seed=rows, nan=False)
    found = _moments_of(x)
    _check_exact(x, found)
    _check_threads(x, found)
    frame = peers.polars_frame(x)
    for name, (mean, sigma) in {
        "scikit-learn": peers.by_sklearn(x),
        "scikit-learn in batches": peers.by_sklearn(x, batch_rows=_BATCH_ROWS),
        "polars": peers.by_polars(frame),
    }.items():
        same(f"means of {name}", found.mean / found.sigma, mean / found.sigma, within=_NEAR)
        same(f"sigmas of {name}", found.sigma / sigma, np.ones(x.shape[1]), within=_NEAR)
    seconds = in_turn(
        {
            "ours": lambda: _moments_of(x),
            "copy": copier(x),
            "polars": lambda: peers.by_polars(frame),
            "sklearn": lambda: peers.by_sklearn(x),
            "batches": lambda: peers.by_sklearn(x, batch_rows=_BATCH_ROWS),
        },
        bench.sizes.rounds,
    )
    ours, size = seconds["ours"], f"{number(rows)} × {x.shape[1]}"
    yield within(_STEP, "a copy of the matrix", size, ours, seconds["copy"], goal=1.5)
    what = "scikit-learn StandardScaler.partial_fit"
    yield faster(_STEP, what, size, ours, seconds["sklearn"], goal=30)
    yield faster(_STEP, f"{what}, in batches", size, ours, seconds["batches"], goal=30)
    yield faster(_STEP, "polars mean and std", size, ours, seconds["polars"], goal=4)
    more = [more_memory(lambda: _moments_of(x)) / 1e6]
    yield within(_STEP, "extra memory, of the matrix", size, more, [x.nbytes / 1e6], unit="MB")


def _moments_of(x: np.ndarray) -> Moments:
    found = Moments(x.shape[1])
    found.add(x)
    return found


def _check_exact(x: np.ndarray, found: Moments) -> None:
    """Some columns, the prices among them, by sums that round once."""
    for column in range(0, x.shape[1], max(1, x.shape[1] // _SUMMED)):
        values = x[:, column].astype(np.float64)
        mean = math.fsum(values) / len(values)
        sigma = math.sqrt(math.fsum((values - mean) ** 2) / len(values))
        same(f"mean of column {column}", found.mean[column], mean, within=_EXACT * sigma)
        same(f"sigma of column {column}", found.sigma[column], sigma, within=_EXACT * sigma)


def _check_threads(x: np.ndarray, found: Moments) -> None:
    """The same bits where there is one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        alone = _moments_of(x)
    finally:
        os.sched_setaffinity(0, cores)
    same("means on one core", found.mean, alone.mean)
    same("sigmas on one core", found.sigma, alone.sigma)
