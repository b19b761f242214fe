"""Features that were scaled by figures of later rows before they came here."""

from collections.abc import Sequence

import numpy as np

from alpha.audit.findings import Finding
from alpha.core import parallel
from alpha.core.frames import parts
from alpha.core.text import some
from alpha.data.contract import Contract
from alpha.data.features import FeatureFolder

_HOUR_NS = 3600 * 10**9
# Figures of all rows are exact, and so many times more so than on train: of honest columns with
# the same mean and sigma one in 200,000 is, by chance, whatever its memory.
_EXACT, _CLOSER = 1e-4, 300.0
_TURNS = 0.2  # of the hours in which it moves: a function of time alone turns in no more


def check(
    folders: Sequence[FeatureFolder], contract: Contract, last_ns: int
) -> tuple[list[Finding], np.ndarray, np.ndarray]:
    """Findings, where train ends at `last_ns`; which columns are constant or functions of time
    alone, (columns,) bool; and the sums of all rows. One pass over all feature files."""
    keys, found = [], []
    frames = (folder.open(file) for folder in folders for file in folder.files)
    time = folders[0].data.timestamp
    for time_ns, rows in parallel.ahead(parts(frames, contract.names, time)):
        # Pieces are within a UTC hour, and before or after train's end.
        key = time_ns // _HOUR_NS * 2 + (time_ns > last_ns)
        cuts = np.flatnonzero(np.diff(key)) + 1
        keys += key[[0, *cuts]].tolist()
        found += parallel.each(figures, np.split(rows, cuts))
    (hour, late), pieces = np.divmod(keys, 2), np.stack(found)
    sums, (low, high, one_way) = pieces[:, :5], np.moveaxis(pieces[:, 5:], 1, 0)
    every, train = sums.sum(axis=0), sums[late == 0].sum(axis=0)
    train_low, train_high = np.fmin.reduce(low[late == 0]), np.fmax.reduce(high[late == 0])
    clocks = np.sum((low < high) & (one_way == 0), axis=0) <= _TURNS * np.sum(low < high, axis=0)

    def exact(mean: np.ndarray | float, sigma: float) -> np.ndarray:
        """Whose mean and sigma are these over all rows, and neither over train."""
        off = []
        for count, own_mean, own_sigma in map(moments, (every, train)):
            apart = np.maximum(abs(own_sigma / sigma - 1) - 1 / count, 0.0)  # with n or n − 1
            off.append(np.stack((abs(own_mean - mean) / sigma, apart)))
        return np.all((off[0] < _EXACT) & (_CLOSER * off[0] < off[1]), axis=0)

    with np.errstate(all="ignore"):
        # Shares, which naturally end at 0 or 1, jump there, or end there in train.
        mean = sums[:, 3] / sums[:, 0]
        beyond = ((mean > train_high) & (high == 1)) | ((mean < train_low) & (low == 0))
        signs = np.fmax.reduce(np.maximum(-low, high)) < 1.01  # their sigma is 1 anyway
        unit = (np.fmin.reduce(low) == 0) & (np.fmax.reduce(high) == 1) & (contract.sigma > 0)
        # Changes, and what is no level, have a mean of next to 0 in the first hour too; what
        # follows the time of day has the same in each.
        _, first = np.unique(hour // 24, return_index=True)
        (count, mean, sigma), start = map(moments, (np.add.reduceat(sums, first), sums[first]))
        zero = np.max(abs(mean) * np.sqrt(count) / sigma, axis=0) < 1e-3
        level = np.mean(abs(start[1]) * np.sqrt(start[0]) / sigma, axis=0) > 1
        moves = np.ptp(start[1], axis=0) > 1e-3 * sigma.max(axis=0)
        ways = {
            "mean 0 and sigma 1 over all, but not over train": exact(0.0, 1.0) & ~signs,
            "extremes 0 and 1 over all, but not over train": unit & np.any(beyond, axis=0),
            "ranks among all": exact(0.5 + 0.5 / every[0], 12**-0.5),
            "mean 0 on each day, which its end alone knows": zero & level & moves,
        }
    kind, cure = "standardized_on_all_rows", "Give raw values, or scale them by past rows alone."
    findings = []
    for way, which in ways.items():
        if columns := [contract.names[at] for at in np.flatnonzero(which & ~clocks)]:
            text = f"Scaled by later rows ({way}): {some(columns)}."
            findings.append(Finding(kind, "leak", "feature files", text, cure, columns))
    return findings, clocks, every


def figures(rows: np.ndarray, shift: np.ndarray | float = 0.0) -> np.ndarray:
    """Of each column, how many values are finite, NaN and zero; the sum of finite ones less `shift`
    and of the squares of these; extremes, and if it goes one way between them; (8, columns)."""
    counts = [np.count_nonzero(of, axis=0) for of in (np.isfinite(rows), np.isnan(rows), rows == 0)]
    known = np.where(np.isfinite(rows), rows, np.nan)
    moved = np.nan_to_num(known - shift)
    low, high = np.fmin.reduce(known), np.fmax.reduce(known)
    one_way = abs(known[-1] - known[0]) == high - low
    squares = np.einsum("ij,ij->j", moved, moved)
    return np.stack((*counts, moved.sum(axis=0), squares, low, high, one_way))


def moments(sums: np.ndarray, *, zeros: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, mean and sigma by the first five figures; zeros are taken as filled in, or count."""
    finite, _, zero, total, squares = np.moveaxis(sums, -2, 0)
    count = np.maximum(finite if zeros else finite - zero, 1)
    mean = total / count
    return count, mean, np.sqrt(np.maximum(squares / count - mean * mean, 0.0))
