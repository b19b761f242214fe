"""A split as a model sees it: what is known at each row, and the outcome that came."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from alpha.core import parallel
from alpha.core.frames import FrameReader, open_frame
from alpha.data.columns import PAST_COLUMNS
from alpha.data.contract import Contract, apply
from alpha.data.splits import features_of, split_files, split_sizes

# A file is read in parts of at most so many rows, which bounds memory.
PART_ROWS = 1 << 15
# TensorFlow takes an array without copying it where it starts at a multiple of so many bytes.
ALIGNED = 64


@dataclass(frozen=True)
class Known:
    """What is known at t, row by row: `x` (rows, features) float32, normalized and finite;
    `past` (rows, 3) float64, the outcomes of the last completed windows over 1, 5 and 30
    horizons (alpha.label.past), NaN where none is completed. A rung that needs no features may be
    given an `x` without columns."""

    x: np.ndarray
    past: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: slice) -> "Known":
        """Views of these rows."""
        return Known(self.x[rows], self.past[rows])


class Shuffled(NamedTuple):
    """Rows to train on: `x` (n, features) float32, which rows of the split they are, (n,) int64,
    and the `order` (steps · batch,) int32 in which to take them, of which a few may be left out.
    Valid until the next is asked for."""

    x: np.ndarray
    rows: np.ndarray
    order: np.ndarray


class Rows(Protocol):
    """The rows of one split: in memory (Dataset), or in its files (alpha.learn.stream)."""

    @property
    def y(self) -> np.ndarray:
        """Outcomes, (rows,) float64 without NaN."""
        ...

    @property
    def time_ns(self) -> np.ndarray:
        """(rows,) int64, ascending."""
        ...

    def parts(self) -> Iterator[tuple[int, Known]]:
        """All rows in order, part by part, each with the number of its first row."""
        ...

    def shuffled(self, rng: np.random.Generator, *, batch: int) -> Iterator[Shuffled]:
        """Every row once, but for what no whole batch is left for, in an order that `rng` draws.
        There are at least `batch` rows."""
        ...


@dataclass(frozen=True)
class Dataset:
    """Rows of one split: what is `known`, `y` (rows,) float64 outcomes without NaN,
    `time_ns` (rows,) int64, `volatility` (rows,) float64, NaN where unknown. `clipped` and
    `replaced` count feature values that normalization clipped, or that were not finite."""

    time_ns: np.ndarray
    known: Known
    y: np.ndarray
    volatility: np.ndarray
    clipped: int
    replaced: int
    aware: bool

    @property
    def x(self) -> np.ndarray:
        return self.known.x

    def parts(self) -> Iterator[tuple[int, Known]]:
        yield 0, self.known

    def shuffled(self, rng: np.random.Generator, *, batch: int) -> Iterator[Shuffled]:
        rows = len(self.y)
        yield Shuffled(self.x, np.arange(rows), whole_batches(rng.permutation(rows), batch))


def whole_batches(order: np.ndarray, batch: int) -> np.ndarray:
    """As much of an order of rows as makes whole batches, int32."""
    return order[: len(order) // batch * batch].astype(np.int32)


def aligned(rows: int, columns: int) -> np.ndarray:
    """An array (rows, columns) float32 of any content that TensorFlow takes as it is."""
    size = rows * columns * 4
    raw = np.empty(size + ALIGNED, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNED
    found: Any = raw[start : start + size].view(np.float32).reshape(rows, columns)
    return found


def parts(split: Path, contract: Contract, *, features: bool = True) -> Iterator[Dataset]:
    """The split in parts of at most PART_ROWS rows, each of one file. Raises InputError if its
    features are not the contract's."""
    return parts_of(split_files(split), contract, features=features)


def parts_of(
    files: Sequence[Path],
    contract: Contract,
    *,
    features: bool = True,
    into: np.ndarray | None = None,
) -> Iterator[Dataset]:
    """The same of a split's files, in their order; with `into`, (rows of all, features) float32,
    each part's `x` are the next rows of it."""
    row = 0
    for path in files:
        with open_frame(path, key="df") as frame:
            contract.check_names(features_of(frame), path)
            for start in range(0, frame.rows, PART_ROWS):
                stop = min(start + PART_ROWS, frame.rows)
                x = None if into is None else into[row : row + stop - start]
                yield _part(frame, contract, range(start, stop), features=features, out=x)
                row += stop - start


def _part(
    frame: FrameReader, contract: Contract, rows: range, *, features: bool, out: np.ndarray | None
) -> Dataset:
    start, stop = rows.start, rows.stop
    columns = frame.matrix(("alpha_outcome", *PAST_COLUMNS), start=start, stop=stop)
    x, clipped, replaced = np.empty((len(rows), 0), dtype=np.float32), 0, 0
    if features:
        values = frame.matrix(contract.names, start=start, stop=stop)
        x, clipped, replaced = apply(values, contract, out=out)
    y, past, volatility = columns[:, 0].copy(), columns[:, 1:-1], columns[:, -1].copy()
    time_ns = frame.time_ns(start=start, stop=stop)
    return Dataset(time_ns, Known(x, past), y, volatility, clipped, replaced, frame.tz_aware)


def load(split: Path, contract: Contract, *, features: bool = True) -> Dataset:
    """The whole split in memory: rows × features × 4 bytes, and a part of it once more; without
    `features`, of each row the past alone."""
    sizes = split_sizes(split)
    x = aligned(sum(rows for _, rows in sizes), len(contract.names) if features else 0)
    paths = [path for path, _ in sizes]
    coming = parts_of(paths, contract, features=features, into=x if features else None)
    found = [_without_features(part) for part in parallel.ahead(coming)]
    return Dataset(
        time_ns=np.concatenate([part.time_ns for part in found]),
        known=Known(x, np.concatenate([part.known.past for part in found])),
        y=np.concatenate([part.y for part in found]),
        volatility=np.concatenate([part.volatility for part in found]),
        clipped=sum(part.clipped for part in found),
        replaced=sum(part.replaced for part in found),
        aware=found[0].aware,
    )


def _without_features(part: Dataset) -> Dataset:
    known = Known(np.empty((len(part.y), 0), dtype=np.float32), part.known.past)
    return replace(part, known=known)
