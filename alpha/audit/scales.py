"""Features that were scaled by figures of later rows before they came here, and what a pass over
all rows has to see for it."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import njit

from alpha.audit.drift import some
from alpha.audit.findings import Finding
from alpha.core import parallel
from alpha.data.contract import Contract
from alpha.data.features import FeatureFolder

_PART_ROWS, _CACHED_ROWS, _PIECE_COLUMNS = 1 << 15, 1 << 11, 16
_DAY_NS = 86400 * 10**9
# Figures of all rows are exact, and so many times more so than on train: of honest columns with
# the same mean and sigma one in 200,000 is, by chance, whatever its memory.
_EXACT, _CLOSER = 1e-4, 300.0
# Where a scale of [0, 1] ends later, it ends seldom and after many values beyond train: a share,
# which naturally ends there, jumps, or ends there in train.
_SELDOM, _CLIMB = 20, 30
_TURNS = 0.002  # of its steps: a function of time alone turns no more often


class Seen(NamedTuple):
    """The feature files, in pieces, two or more of a UTC day: figures (pieces, 5, columns), that is
    the count of finite values, NaN and zeros, and the sum and squares of values less the
    contract's mean; (pieces,) the day, and whether it is after train; and what columns did until
    train ends and at last (9, columns), see _follow."""

    figures: np.ndarray
    day: np.ndarray
    late: np.ndarray
    path_train: np.ndarray
    path: np.ndarray


def see(folder: FeatureFolder, contract: Contract, last_ns: int) -> Seen:
    """Pass over all feature files; train's rows are those up to `last_ns`."""

    def read() -> Iterator[tuple[int, bool, bool, np.ndarray]]:
        for file in folder.files:
            with folder.open(file) as frame:
                time_ns = frame.time_ns(folder.data.timestamp)
                day = time_ns // _DAY_NS
                starts = [0, *(np.flatnonzero(np.diff(day)) + 1).tolist(), len(day)]
                end = int(np.searchsorted(time_ns, last_ns, side="right"))
                pieces = {*starts, end, *((low + high) // 2 for low, high in pairwise(starts))}
                for first, stop in pairwise(sorted({*pieces, *range(0, len(day), _PART_ROWS)})):
                    rows = frame.matrix(contract.names, start=first, stop=stop)
                    yield int(day[first]), first >= end, first in pieces, rows

    path, train = np.zeros((2, 9, len(contract.names)))
    path[:3] = [[np.inf], [-np.inf], [np.nan]]
    train[:2] = [[-np.inf], [np.inf]]
    pieces: list[tuple[np.ndarray, int, bool]] = []
    for day, late, new, rows in parallel.ahead(read()):
        if late and not (pieces and pieces[-1][2]):
            train = path.copy()
        if new:
            pieces.append((np.zeros((5, len(contract.names))), day, late))
        add(rows, contract.mean, pieces[-1][0])

        def follow(at: range, rows: np.ndarray = rows, train: np.ndarray = train) -> None:
            of = slice(at.start, at.stop)
            _follow(rows[:, of], train[:, of], path[:, of])

        parallel.each(follow, parallel.cut(rows.shape[1], _PIECE_COLUMNS))
    figures, days, after = map(np.array, zip(*pieces, strict=True))
    return Seen(figures, days, after, train, path)


def add(rows: np.ndarray, shift: np.ndarray, figures: np.ndarray) -> None:
    """Add rows to figures (5, columns)."""

    def of(at: range) -> np.ndarray:
        part = rows[at.start : at.stop]
        finite = np.isfinite(part)
        moved = np.where(finite, part - shift, 0.0)
        counts = [np.count_nonzero(which, axis=0) for which in (finite, np.isnan(part), part == 0)]
        return np.stack((*counts, moved.sum(axis=0), np.einsum("ij,ij->j", moved, moved)))

    figures += sum(parallel.each(of, parallel.cut(len(rows), _CACHED_ROWS)))


@njit(cache=True, nogil=True)
def _follow(rows: np.ndarray, train: np.ndarray, path: np.ndarray) -> None:
    """Go on with `path` along rows; `train` is what it was as train ended. Of each column: lowest,
    highest and last value; the direction of the last step, how many steps and turns there were;
    and how many of the steps led to 0, to 1, and between these beyond train."""
    for first in range(0, len(rows), _CACHED_ROWS):
        for column in range(rows.shape[1]):
            low, high, last, way, steps, turned, zeros, ones, beyond = path[:, column]
            for row in range(first, min(first + _CACHED_ROWS, len(rows))):
                value = np.float64(rows[row, column])
                if value == last or not np.abs(value) < np.inf:
                    continue
                new_way = 1.0 if value > last else -1.0
                steps += 1
                turned += new_way * way < 0.0
                zeros += value == 0.0
                ones += value == 1.0
                if 0.0 < value < 1.0:
                    beyond += value < train[0, column] or value > train[1, column]
                way, last, low, high = new_way, value, min(low, value), max(high, value)
            for at, now in enumerate((low, high, last, way, steps, turned, zeros, ones, beyond)):
                path[at, column] = now


def clocks(path: np.ndarray) -> np.ndarray:
    """Which columns are constant, or functions of time alone."""
    return np.asarray(path[5] <= _TURNS * path[4])


def check(seen: Seen, contract: Contract) -> list[Finding]:
    """Features that were scaled by figures of later rows before they came here."""

    def moments(figures: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Count, mean and sigma; zeros, which a scaled value never is exactly, were filled in."""
        finite, _, zeros, total, squares = np.moveaxis(figures, -2, 0)
        count = np.maximum(finite - zeros, 1)
        mean = (total + finite * contract.mean) / count
        squares = squares + contract.mean * (2 * total + finite * contract.mean)
        return count, mean, np.sqrt(np.maximum(squares / count - mean * mean, 0.0))

    def exact(mean: float, sigma: float, more: float = 0.0) -> np.ndarray:
        """Whose mean (and more / rows) and sigma are these over all rows, and not over train."""
        away = []
        for of in (seen.figures, seen.figures[~seen.late]):
            count, own_mean, own_sigma = moments(of.sum(axis=0))
            ratio = own_sigma / sigma
            # With n, or with n − 1.
            off = np.minimum(abs(ratio - 1), abs(ratio * np.sqrt(1 + 1 / count) - 1))
            away.append(np.stack((abs(own_mean - mean - more / count) / sigma, off)))
        return np.all((away[0] < _EXACT) & (_CLOSER * away[0] < away[1]), axis=0)

    def less_days() -> np.ndarray:
        """Whose mean is 0 on each day, of two or more, but not on a part of it. What is no level,
        as changes are, has next to none there either; what follows the time of day has the same on
        all days."""
        days, first = np.unique(seen.day, return_index=True)
        count, mean, sigma = moments(np.add.reduceat(seen.figures, first, axis=0))
        part_count, part_mean, _ = moments(seen.figures[first])
        away, part = abs(mean) * np.sqrt(count) / sigma, abs(part_mean) * np.sqrt(part_count)
        zero = (away < 0.05).all(axis=0) & (np.prod(away, axis=0) < 1e-6) & (len(days) > 1)
        differ = np.ptp(part_mean, axis=0) > 1e-3 * sigma.max(axis=0)
        return np.asarray(zero & differ & (np.mean(part / sigma, axis=0) > 1))

    (low, high), (low_train, high_train) = seen.path[:2], seen.path_train[:2]
    _, _, zeros, ones, beyond = seen.path[4:]
    climbs = ((low_train > 0.1) | (high_train < 0.9)) & (beyond >= _CLIMB)
    with np.errstate(all="ignore"):
        ways = {
            "mean 0 and sigma 1 over all, but not over train": exact(0.0, 1.0)
            & (np.maximum(-low, high) > 1.01),  # not of signs, whose sigma is 1 anyway
            "extremes 0 and 1 over all, but not over train": climbs & (low == 0) & (high == 1)
            & (np.maximum(zeros, ones) <= _SELDOM),
            "ranks among all": exact(0.5, 12**-0.5, 0.5) & (low >= 0) & (high <= 1),
            "mean 0 on each day, which its end alone knows": less_days(),
        }  # fmt: skip
    found = []
    for way, which in ways.items():
        columns = [contract.names[at] for at in np.flatnonzero(which & ~clocks(seen.path))]
        if columns:
            found.append(
                Finding(
                    kind="standardized_on_all_rows", columns=columns, severity="leak",
                    where="feature files", sentence=f"Scaled by later rows ({way}): "
                    f"{some(columns)}.", what_to_do="Give raw values, which `alpha normalize` "
                    "scales by train, or scale them by past rows.",
                )
            )  # fmt: skip
    return found
