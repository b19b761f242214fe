"""Moving blocks of time, resampled: how far a figure could have come out otherwise.

Labels overlap and volatility comes in spells, so neighbouring rows are no independent
evidence; whole blocks of time, longer than a label's horizon, nearly are. Time is cut into
cells, a block is CELLS_PER_BLOCK consecutive cells that hold rows (the last are followed by
the first), and a resample is as many blocks, drawn with replacement, as the split is long.
Every figure is a function of sums over rows, so the rows are summed once, by cell, and a
resample costs a few additions a block. Sources: Künsch (1989), Politis and Romano (1992).
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

CELLS_PER_BLOCK = 10
# Fewer blocks than this say nothing of how blocks differ.
LEAST_BLOCKS = 5
# A sum that hangs on fewer blocks than this is next to nothing in many a resample.
LEAST_EFFECTIVE = 2
# Block starts drawn at once, which bounds the memory.
_CHUNK = 1 << 17


@dataclass(frozen=True)
class Blocks:
    """One split's cells, and the resamples of them: the same for every run and model.

    `cell` is the cell of each row, (rows,) int64 from 0 to cells − 1, with no empty cell.
    """

    cell: np.ndarray
    cells: int
    seconds: float
    resamples: int
    level: float
    seed: int

    @classmethod
    def cut(
        cls, time_ns: np.ndarray, *, seconds: float, resamples: int, level: float, seed: int
    ) -> "Blocks":
        """Blocks of `seconds` over rows at ascending `time_ns`, (rows,) int64."""
        cell_ns = max(1, round(seconds * 1e9 / CELLS_PER_BLOCK))
        numbers = (time_ns - time_ns[:1]) // cell_ns
        # Cells in a gap hold nothing, and are not part of the time that was observed.
        new = np.diff(numbers, prepend=numbers[:1]) > 0
        cell = np.cumsum(new)
        cells = int(cell[-1]) + 1 if len(cell) else 0
        return cls(cell, cells, seconds, resamples, level, seed)

    @cached_property
    def reason(self) -> str | None:
        """Why there is no interval, or None if there is."""
        if self.cells >= LEAST_BLOCKS * CELLS_PER_BLOCK:
            return None
        return f"the split spans fewer than {LEAST_BLOCKS} blocks of {self.seconds:g} s"

    def sums(self, *statistics: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Resampled sums of per-row statistics: (statistics, resamples) float64.

        Each of `statistics` is (rows,), of all rows or of those that the mask `rows` keeps.
        NaN where a statistic is not finite. Call it only where `reason` is None.
        """
        blocks = block_sums(np.stack([self._per_cell(values, rows) for values in statistics]))
        drawn = math.ceil(self.cells / CELLS_PER_BLOCK)
        step = max(1, _CHUNK // drawn)
        rng = np.random.default_rng(self.seed)
        out = np.empty((len(statistics), self.resamples))
        for low in range(0, self.resamples, step):
            high = min(low + step, self.resamples)
            starts = rng.integers(0, self.cells, size=(high - low, drawn))
            for at in range(len(statistics)):
                out[at, low:high] = np.take(blocks[at], starts).sum(axis=1)
        return out

    def effective(self, values: np.ndarray) -> float:
        """How many blocks the sum of `values` (rows,), none below 0, is spread over.

        All of them where it is spread evenly, 1 where one block has it all: the square of the
        sum over the sum of squares (the inverse of the Herfindahl-Hirschman index).
        """
        [blocks] = block_sums(self._per_cell(values, None)[None])
        square = float(np.sum(blocks * blocks))
        return float(np.sum(blocks)) ** 2 / square / CELLS_PER_BLOCK if square > 0 else 0.0

    def _per_cell(self, values: np.ndarray, rows: np.ndarray | None) -> np.ndarray:
        if rows is None:
            return np.add.reduceat(values, self._first, dtype=np.float64)
        return np.bincount(self.cell[rows], weights=values, minlength=self.cells)

    @cached_property
    def _tail(self) -> float:
        from scipy.special import ndtr, stdtrit

        blocks = self.cells / CELLS_PER_BLOCK
        t = stdtrit(blocks - 1, (1.0 + self.level) / 2.0)
        return float(ndtr(-t * math.sqrt(blocks / (blocks - 1))))

    @cached_property
    def _first(self) -> np.ndarray:
        return np.flatnonzero(np.diff(self.cell, prepend=-1))

    def ends(self, resampled: np.ndarray | None) -> tuple[float, float] | None:
        """The expanded percentile interval at `level` of a figure's resamples, (resamples,).

        Percentiles alone are too narrow where blocks are few, as resamples know the spread
        only as well as the blocks do. So they are taken at Φ(−t · √(n / (n − 1))) on either
        side, where t is the quantile of Student's t with n − 1 degrees of freedom for n
        blocks. Source: Hesterberg (2015).

        Resamples where the figure is not defined (NaN or infinite) are left out. None without
        resamples, or if half of them or more are not defined.
        """
        if resampled is None:
            return None
        defined = resampled[np.isfinite(resampled)]
        if 2 * len(defined) <= len(resampled):
            return None
        low, high = np.quantile(defined, (self._tail, 1.0 - self._tail))
        return float(low), float(high)


def block_sums(per_cell: np.ndarray) -> np.ndarray:
    """Sums of each cell and the CELLS_PER_BLOCK − 1 after it, in a circle.

    `per_cell` and the result are (statistics, cells).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        before = np.zeros_like(per_cell[:, :1])
        circle = np.concatenate((before, per_cell, per_cell[:, : CELLS_PER_BLOCK - 1]), axis=1)
        sums = np.cumsum(circle, axis=1)
        return np.asarray(sums[:, CELLS_PER_BLOCK:] - sums[:, :-CELLS_PER_BLOCK])


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole of each resample, NaN where `whole` is not above 0."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)
