"""Moving blocks of time, resampled: how far a figure could have come out otherwise.

Labels overlap and volatility comes in spells that last for hours, so only whole blocks of time,
few and long, are nearly independent. Time is cut into cells, a block is consecutive cells that hold
rows (the last are followed by the first), a resample as many blocks, drawn with replacement, as the
split is long. Each fold has its own. Figures are functions of sums over rows, made once, by cell.
Sources: Künsch (1989), Politis and Romano (1992); few blocks: Ibragimov and Müller (2010).
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numba import njit

# Of the shortest block.
CELLS_PER_BLOCK = 10
# Of n cells a block has at least LONGER · n^(2/3), and a share INDEPENDENT of the blocks counts as
# that: neighbours resemble each other, as spells outlast them, and losses have heavy tails. Both
# are calibrated on markets whose skill is known (Loh, 1987): docs/calibration.md.
LONGER = 0.75
INDEPENDENT = 0.5
# Fewer blocks than this say nothing of how blocks differ.
LEAST_BLOCKS = 5
# A sum that hangs on fewer blocks than this is next to nothing in many a resample.
LEAST_EFFECTIVE = 2
# Block starts drawn at once, which bounds the memory.
_CHUNK = 1 << 17


class Blocks:
    """One split's cells, none of them empty, and the resamples of them: the same for every run.
    `rows` (cells,) counts their rows, `length` is the cells of a block; `reason` is why there is no
    interval, None if there is."""

    def __init__(
        self,
        time_ns: np.ndarray,
        seconds: float,
        *,
        resamples: int,
        level: float,
        seed: int,
        parts: Sequence[int] = (0,),
    ) -> None:
        """Blocks of `seconds` of rows at least, at ascending times, (rows,) int64; each of `parts`,
        by its first row, has its own. They are as long as the whole needs: in a shorter part a
        block goes around it again, so that every cell is drawn as often."""
        cell_ns = max(1, round(seconds * 1e9 / CELLS_PER_BLOCK))
        ends = pairwise([*parts, len(time_ns)])
        firsts = [at + first_rows(time_ns[at:end], cell_ns)[:-1] for at, end in ends]
        self.parts = np.cumsum([len(first) for first in firsts])[:-1].tolist()
        # Cells in a gap hold nothing, and are not part of the time that was observed.
        self.first = np.concatenate((*firsts, [len(time_ns)]))
        self.rows, self.cells = np.diff(self.first), len(self.first) - 1
        self.length = max(CELLS_PER_BLOCK, round(LONGER * self.cells ** (2 / 3)))
        self.seconds, self.resamples, self.level, self.seed = seconds, resamples, level, seed
        self.reason: str | None = None
        if self.cells < LEAST_BLOCKS * CELLS_PER_BLOCK:
            self.reason = f"the split spans fewer than {LEAST_BLOCKS} blocks of {seconds:g} s"

    @property
    def of_rows(self) -> np.ndarray:
        """The cell of each row, (rows,) int32."""
        return np.repeat(np.arange(self.cells, dtype=np.int32), self.rows)

    def by_cell(self, values: np.ndarray) -> np.ndarray:
        """Sums of values (rows,) over the rows of each cell, (cells,) float64."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.add.reduceat(values, self.first[:-1], dtype=np.float64)

    def sums(self, per_cell: Iterable[np.ndarray]) -> np.ndarray:
        """Resampled sums of statistics, each given `per_cell`, (cells,): (statistics, resamples),
        NaN where a sum is not finite. Call it only where `reason` is None."""
        # The statistics of a block side by side: one access finds them all.
        each = [block_sums(values, self.length, self.parts) for values in per_cell]
        blocks = np.stack(each, axis=1)
        drawn = math.ceil(self.cells / self.length)
        rng, step = np.random.default_rng(self.seed), max(1, _CHUNK // drawn)
        out = np.zeros((self.resamples, blocks.shape[1]))
        for low in range(0, self.resamples, step):
            part = out[low : low + step]
            _add_drawn(blocks, rng.integers(0, self.cells, size=(len(part), drawn)), part)
        return np.ascontiguousarray(out.T)

    def effective(self, per_cell: np.ndarray) -> float:
        """How many blocks of the shortest length a sum of parts of at least 0, (cells,), is spread
        over: the inverse Herfindahl-Hirschman index, all if evenly, 1 if one block has it all."""
        blocks = block_sums(per_cell, CELLS_PER_BLOCK, self.parts)
        with np.errstate(over="ignore", invalid="ignore"):
            square = float(np.sum(blocks * blocks))
            return float(np.sum(blocks)) ** 2 / square / CELLS_PER_BLOCK if square > 0 else 0.0

    def ends(self, resampled: np.ndarray | None) -> tuple[float, float] | None:
        """The expanded percentile interval at `level` of a figure's finite resamples, (resamples,);
        None without any, or if they are not more than half. As percentiles alone are too narrow
        where n independent blocks are few, they are taken at Φ(−t · √(n / (n − 1))), with t the
        quantile of Student's t, n − 1 degrees of freedom. Source: Hesterberg (2015)."""
        from scipy.special import ndtr, stdtrit

        if resampled is None:
            return None
        defined = resampled[np.isfinite(resampled)]
        if 2 * len(defined) <= len(resampled):
            return None
        blocks = INDEPENDENT * self.cells / self.length
        t = stdtrit(blocks - 1, (1.0 + self.level) / 2.0)
        tail = ndtr(-t * math.sqrt(blocks / (blocks - 1)))
        low, high = np.quantile(defined, (tail, 1.0 - tail))
        return float(low), float(high)


def first_rows(time_ns: np.ndarray, length_ns: int, origin_ns: int | None = None) -> np.ndarray:
    """The first row of each stretch of time that holds rows, and last the number of rows:
    (stretches + 1,) int64. Stretches start at multiples of `length_ns` from `origin_ns`, or from
    the first row; `time_ns` (rows,) int64 ascends."""
    if not len(time_ns):
        return np.zeros(1, dtype=np.int64)
    number = (time_ns - (time_ns[0] if origin_ns is None else origin_ns)) // length_ns
    inner = np.flatnonzero(number[1:] != number[:-1]) + 1
    return np.concatenate(([0], inner, [len(time_ns)]))


def block_sums(per_cell: np.ndarray, length: int, parts: Sequence[int] = ()) -> np.ndarray:
    """Sums of each cell and the `length` − 1 after it, in a circle, (cells,); `parts` are the first
    cells of all but the first circle."""
    found = []
    for circle in np.split(per_cell, parts):
        with np.errstate(over="ignore", invalid="ignore"):
            sums = np.cumsum(np.concatenate(([0.0], circle, np.resize(circle, length - 1))))
            found.append(sums[length:] - sums[:-length])
    return np.concatenate(found)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole of each resample, NaN where `whole` is not above 0."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)


@njit(cache=True, nogil=True)
def _add_drawn(blocks: np.ndarray, starts: np.ndarray, out: np.ndarray) -> None:
    """Add `blocks` (blocks, statistics) at each resample's `starts` (resamples, drawn) to `out`."""
    for resample in range(len(starts)):
        total = out[resample]
        for start in starts[resample]:
            for statistic in range(len(total)):
                total[statistic] += blocks[start, statistic]
