"""A split as a model sees it: what is known at each row, and the outcome that came."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from alpha.core import parallel
from alpha.core.frames import open_frame
from alpha.data.columns import PAST_COLUMNS
from alpha.data.contract import Contract, apply
from alpha.data.features import features_of, split_sizes

# A file is read in parts of at most so many rows, which bounds memory.
PART_ROWS = 1 << 15
# TensorFlow takes an array without copying it where it starts at a multiple of so many bytes.
ALIGNED = 64


@dataclass(frozen=True)
class Known:
    """What is known at t: `x` (rows, features) float32, normalized and finite, without columns for
    a model that looks at no features; `past` (rows, 3) float64, the outcomes of the last completed
    windows over 1, 5 and 30 horizons, NaN where none is completed."""

    x: np.ndarray
    past: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: slice) -> "Known":
        """Views of these rows."""
        return Known(self.x[rows], self.past[rows])


class Predictor(Protocol):
    """A fitted model."""

    def predict(self, known: Known) -> np.ndarray:
        """Outcomes (rows,) float64, or of a classification target probabilities (rows, classes)
        that add up to 1. A row's prediction depends on that row alone."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything `load` needs into an existing folder, as deterministic bytes."""
        ...


class Shuffled(NamedTuple):
    """Rows to train on: `x` (n, features) float32, which rows of the split they are, (n,) int64,
    and the `order` (steps · batch,) int32 in which to take them, of which a few may be left out.
    Valid until the next is asked for."""

    x: np.ndarray
    rows: np.ndarray
    order: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """Rows of one split, or a part of them: `time_ns` (rows,) int64 ascends, `y` (rows,) float64
    are the outcomes, without NaN, `volatility` (rows,) float64 is NaN where unknown; `clipped` and
    `replaced` count feature values that normalization clipped, or that were not finite."""

    time_ns: np.ndarray
    known: Known
    y: np.ndarray
    volatility: np.ndarray
    clipped: int
    replaced: int
    tz_aware: bool

    @property
    def x(self) -> np.ndarray:
        return self.known.x

    def parts(self) -> Iterator[Known]:
        """All rows in order, part by part."""
        yield self.known

    def shuffled(self, rng: np.random.Generator, *, batch: int) -> Iterator[Shuffled]:
        """Every row once, but for what no whole batch is left for, in an order that `rng` draws.
        There are at least `batch` rows."""
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


def parts(
    files: Sequence[Path],
    contract: Contract,
    *,
    features: bool = True,
    into: np.ndarray | None = None,
) -> Iterator[Dataset]:
    """A split's files, in their order, in parts of at most PART_ROWS rows, each of one file; with
    `into`, (rows of all, features) float32, each part's `x` are the next rows of it. Raises
    InputError if the features are not the contract's."""
    row = 0
    for path in files:
        with open_frame(path) as frame:
            contract.check_names(features_of(frame), path)
            for piece in parallel.cut(frame.rows, PART_ROWS):
                start, stop = piece.start, piece.stop
                found = frame.matrix(("alpha_outcome", *PAST_COLUMNS), start=start, stop=stop)
                x, clipped, replaced = np.empty((len(piece), 0), dtype=np.float32), 0, 0
                if features:
                    values = frame.matrix(contract.names, start=start, stop=stop)
                    out = None if into is None else into[row : row + len(piece)]
                    x, clipped, replaced = apply(values, contract, out=out)
                    del values
                y, past, volatility = found[:, 0].copy(), found[:, 1:-1], found[:, -1].copy()
                known, time_ns = Known(x, past), frame.time_ns(start=start, stop=stop)
                yield Dataset(time_ns, known, y, volatility, clipped, replaced, frame.tz_aware)
                row += len(piece)


def load(split: Path, contract: Contract, *, features: bool = True) -> Dataset:
    """The whole split in memory, without an `x` unless `features`."""
    files, rows = zip(*split_sizes(split), strict=True)
    x = aligned(sum(rows), len(contract.names) if features else 0)
    coming = parts(files, contract, features=features, into=x if features else None)
    found = list(parallel.ahead(coming))
    return Dataset(
        time_ns=np.concatenate([part.time_ns for part in found]),
        known=Known(x, np.concatenate([part.known.past for part in found])),
        y=np.concatenate([part.y for part in found]),
        volatility=np.concatenate([part.volatility for part in found]),
        clipped=sum(part.clipped for part in found),
        replaced=sum(part.replaced for part in found),
        tz_aware=found[0].tz_aware,
    )
