"""A split as a model sees it: normalized features and outcomes, in time order."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpha.normalization import (
    Contract,
    apply,
    feature_blocks,
    feature_columns,
    split_files,
)
from alpha.store import open_frame


@dataclass(frozen=True)
class Dataset:
    """Rows of one split: `x` (rows, features) float32, normalized and finite; `y` (rows,)
    float64 outcomes without NaN; `time_ns` (rows,) int64. `clipped` and `replaced` count
    feature values that normalization clipped, or that were not finite."""

    time_ns: np.ndarray
    x: np.ndarray
    y: np.ndarray
    clipped: int
    replaced: int
    aware: bool


def files(split: Path, contract: Contract) -> Iterator[Dataset]:
    """The split file by file. Raises InputError if its features are not the contract's."""
    for path in split_files(split):
        contract.check_names(feature_columns(path), path)
        with open_frame(path, key="df") as frame:
            time_ns, y, aware = (
                frame.time_ns(),
                frame.column("alpha_outcome"),
                frame.aware,
            )
        x = np.empty((len(y), len(contract.names)), dtype=np.float32)
        at = clipped = replaced = 0
        for block in feature_blocks(path, contract.names):
            x[at : at + len(block)], cut, bad = apply(block, contract)
            at, clipped, replaced = at + len(block), clipped + cut, replaced + bad
        yield Dataset(time_ns, x, y, clipped, replaced, aware)


def load(split: Path, contract: Contract) -> Dataset:
    """The whole split in memory: rows × features × 4 bytes."""
    parts = list(files(split, contract))
    return Dataset(
        time_ns=np.concatenate([part.time_ns for part in parts]),
        x=np.concatenate([part.x for part in parts]),
        y=np.concatenate([part.y for part in parts]),
        clipped=sum(part.clipped for part in parts),
        replaced=sum(part.replaced for part in parts),
        aware=parts[0].aware,
    )
