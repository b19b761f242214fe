"""A split as a model sees it: what is known at each row, and the outcome that came."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from alpha.features import PAST_COLUMNS
from alpha.normalization import (
    Contract,
    apply,
    feature_blocks,
    feature_columns,
    split_files,
)
from alpha.store import open_frame

# TensorFlow takes an array without copying it where it starts at a multiple of so many bytes.
ALIGNED = 64


@dataclass(frozen=True)
class Known:
    """What is known at t, row by row: `x` (rows, features) float32, normalized and finite;
    `past` (rows, 3) float64, the outcomes of the last completed windows over 1, 5 and 30
    horizons (alpha.past), NaN where none is completed. A rung that needs no features may be
    given an `x` without columns."""

    x: np.ndarray
    past: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: slice) -> "Known":
        return Known(self.x[rows], self.past[rows])


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


def aligned(rows: int, columns: int) -> np.ndarray:
    """An array (rows, columns) float32 of any content that TensorFlow takes as it is."""
    size = rows * columns * 4
    raw = np.empty(size + ALIGNED, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNED
    found: Any = raw[start : start + size].view(np.float32).reshape(rows, columns)
    return found


def files(split: Path, contract: Contract, *, features: bool = True) -> Iterator[Dataset]:
    """The split file by file. Raises InputError if its features are not the contract's."""
    for path in split_files(split):
        contract.check_names(feature_columns(path), path)
        with open_frame(path, key="df") as frame:
            time_ns, aware = frame.time_ns(), frame.aware
            y, past = frame.column("alpha_outcome"), frame.matrix(PAST_COLUMNS)
        x = np.empty((len(y), len(contract.names) if features else 0), dtype=np.float32)
        at = clipped = replaced = 0
        for block in feature_blocks(path, contract.names) if features else ():
            x[at : at + len(block)], cut, bad = apply(block, contract)
            at, clipped, replaced = at + len(block), clipped + cut, replaced + bad
        known = Known(x, past[:, :-1])
        yield Dataset(time_ns, known, y, past[:, -1], clipped, replaced, aware)


def load(split: Path, contract: Contract, *, features: bool = True) -> Dataset:
    """The whole split in memory: rows × features × 4 bytes, and one file of it twice; without
    `features`, of each row the past alone."""
    rows = 0
    for path in split_files(split):
        with open_frame(path, key="df") as frame:
            rows += frame.rows
    x = aligned(rows, len(contract.names) if features else 0)
    parts, at = [], 0
    for part in files(split, contract, features=features):
        x[at : at + len(part.y)] = part.x
        at += len(part.y)
        parts.append(_without_features(part))
    return Dataset(
        time_ns=np.concatenate([part.time_ns for part in parts]),
        known=Known(x, np.concatenate([part.known.past for part in parts])),
        y=np.concatenate([part.y for part in parts]),
        volatility=np.concatenate([part.volatility for part in parts]),
        clipped=sum(part.clipped for part in parts),
        replaced=sum(part.replaced for part in parts),
        aware=parts[0].aware,
    )


def _without_features(part: Dataset) -> Dataset:
    known = Known(np.empty((len(part.y), 0), dtype=np.float32), part.known.past)
    return replace(part, known=known)
