"""Resampled sums beside a naive block bootstrap of the same blocks."""

import math
from collections.abc import Iterator

import numpy as np

from alpha.evaluate.bootstrap import CELLS_PER_BLOCK, LONGER, Blocks
from benchmarks import data
from benchmarks.harness import Bench, Measurement, faster, in_turn, number, same
from benchmarks.peers import bootstrap as peers

_STEP = "block bootstrap"
# Rows and seconds of the shortest block allowed, and the goal.
_BLOCKS = {3600: 80.0, 60: 10.0}
_SEED = 0
# Resamples that are held against the peer's: all would take as long as measuring does.
_CHECKED = 50


def measure(bench: Bench) -> Iterator[Measurement]:
    rows, resamples = bench.sizes.resampled_rows, bench.sizes.resamples
    # A row a second without a gap, so that a block has as many rows wherever it starts.
    time_ns = data.START_NS + np.arange(rows) * data.NS
    values = data.judged(rows)[0]

    def ours(block: int) -> np.ndarray:
        blocks = Blocks(time_ns, block, resamples=resamples, level=0.95, seed=_SEED)
        return blocks.sums((blocks.by_cell(values),))[0]

    for block, goal in _BLOCKS.items():
        long, starts = blocks_of(rows, block, resamples)
        its = peers.sums(values, starts[:_CHECKED], long)
        mine = ours(block)[: len(its)]
        same(f"resampled sums, blocks of {long}", mine / its, np.ones(len(its)), within=1e-9)
        seconds = in_turn(
            {
                "ours": lambda block=block: ours(block),
                "naive": lambda long=long, starts=starts: peers.sums(values, starts, long),
            },
            min(2, bench.sizes.rounds),
            warm=False,
        )
        size = f"{number(resamples)} × {number(rows)} rows, cells of {block // CELLS_PER_BLOCK:,}"
        what = "gathering rows, numpy"
        yield faster(_STEP, what, size, seconds["ours"], seconds["naive"], goal=goal)


def blocks_of(rows: int, block: int, resamples: int) -> tuple[int, np.ndarray]:
    """The rows of a block of Blocks.sums, and at which rows it starts them, (resamples, blocks)."""
    cell = block // CELLS_PER_BLOCK
    cells = rows // cell
    length = max(CELLS_PER_BLOCK, round(LONGER * cells ** (2 / 3)))
    drawn = math.ceil(cells / length)
    starts = np.random.default_rng(_SEED).integers(0, cells, size=(resamples, drawn))
    return length * cell, starts * cell
