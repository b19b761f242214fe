"""Normalization: statistics of the train split as a contract between training and inference."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alpha.artifacts import read_json, whole, write_json
from alpha.errors import InputError
from alpha.features import LABEL_COLUMNS, families
from alpha.params import Features, Normalization
from alpha.progress import track
from alpha.store import open_frame

# Rows are read and transformed in blocks of this many, which bounds memory.
BLOCK_ROWS = 1 << 15


@dataclass(frozen=True)
class Contract:
    """What inference needs to know of training's features; every array is (features,).

    `mean` and `sigma` (population, ddof 0) are float64, over finite train values; a feature
    without any has mean 0 and sigma 0. `finite`, `nan` and `inf` count train values. `clip`
    is in sigmas.
    """

    names: tuple[str, ...]
    families: tuple[str, ...]
    mean: np.ndarray
    sigma: np.ndarray
    finite: np.ndarray
    nan: np.ndarray
    inf: np.ndarray
    clip: float
    rows: int

    def content(self) -> dict[str, Any]:
        return {
            "names": list(self.names),
            "families": dict(zip(self.names, self.families, strict=True)),
            "mean": self.mean.tolist(),
            "sigma": self.sigma.tolist(),
            "finite": self.finite.tolist(),
            "nan": self.nan.tolist(),
            "inf": self.inf.tolist(),
            "clip": self.clip,
            "rows": self.rows,
        }

    @property
    def hash(self) -> str:
        """SHA-256 of everything in the contract."""
        text = json.dumps(self.content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def check_names(self, names: Sequence[str], source: object) -> None:
        """Raise InputError unless `names` are the contract's, in its order."""
        if tuple(names) == self.names:
            return
        missing = [name for name in self.names if name not in names]
        extra = [name for name in names if name not in self.names]
        what = [f"{', '.join(missing[:8])} missing"] if missing else []
        what += [f"{', '.join(extra[:8])} unknown"] if extra else []
        raise InputError(
            f"{source}: must have the features of the normalization contract in its order, "
            f"found {' and '.join(what) or 'another order'}"
        )


class Moments:
    """Running count, mean and sum of squared deviations of each column's finite values.

    A block's moments are computed about its own mean in float64, after a shift by the first
    finite value, and merged pairwise (Chan, Golub, LeVeque 1979), so that a price near 10,000
    with a sigma of 1 loses no digits.
    """

    def __init__(self, columns: int) -> None:
        self.rows = 0
        self.finite = np.zeros(columns, dtype=np.int64)
        self.nan = np.zeros(columns, dtype=np.int64)
        self.mean = np.zeros(columns)
        self._squares = np.zeros(columns)

    def add(self, block: np.ndarray) -> None:
        """Take in a block of rows, (rows, columns), any values."""
        if len(block) == 0:
            return
        finite = np.isfinite(block)
        count = finite.sum(axis=0)
        # What overflows is seen by whoever asks for the result, as a mean that is not finite.
        with np.errstate(over="ignore", invalid="ignore"):
            self._merge(block, finite, count)
        self.nan += np.isnan(block).sum(axis=0)
        self.rows += len(block)

    def _merge(self, block: np.ndarray, finite: np.ndarray, count: np.ndarray) -> None:
        first = block[finite.argmax(axis=0), np.arange(block.shape[1])].astype(np.float64)
        shift = np.where(count > 0, first, 0.0)
        moved = np.where(finite, block.astype(np.float64) - shift, 0.0)
        divisor = np.maximum(count, 1)
        mean = moved.sum(axis=0) / divisor
        moved -= mean
        moved[~finite] = 0.0
        squares = np.einsum("ij,ij->j", moved, moved)
        # The rounding of `mean` itself: the deviations should add up to zero.
        correction = moved.sum(axis=0) / divisor
        mean += shift + correction
        squares -= count * correction**2
        total = self.finite + count
        share = count / np.maximum(total, 1)
        apart = mean - self.mean
        self.mean = np.where(self.finite > 0, self.mean + apart * share, mean)
        self._squares += squares + apart**2 * self.finite * share
        self.finite = total

    @property
    def sigma(self) -> np.ndarray:
        """Population standard deviation, (columns,); 0 where there is no finite value."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.maximum(self._squares, 0.0) / np.maximum(self.finite, 1))

    @property
    def inf(self) -> np.ndarray:
        return self.rows - self.finite - self.nan


def apply(block: np.ndarray, contract: Contract) -> tuple[np.ndarray, int, int]:
    """Normalize rows: (rows, features) of any float to float32, element by element.

    (x − mean) / sigma in float64, clipped at ±clip; NaN, ±inf and every value of a feature
    with sigma 0 become 0. Also returns how many values were clipped and how many were
    replaced because they were not finite. One row gives bit for bit what a batch gives.
    """
    finite = np.isfinite(block)
    varies = contract.sigma > 0
    with np.errstate(invalid="ignore", over="ignore"):
        z = (block.astype(np.float64) - contract.mean) / np.where(varies, contract.sigma, 1.0)
    usable = finite & varies
    clipped = int(np.count_nonzero((np.abs(z) > contract.clip) & usable))
    np.clip(z, -contract.clip, contract.clip, out=z)
    z[~usable] = 0.0
    return z.astype(np.float32), clipped, int(np.count_nonzero(~finite))


def split_files(split: Path) -> list[Path]:
    """A split's files in time order. Raises InputError if there is none."""
    paths = sorted(split.glob("*.h5"))
    if not paths:
        raise InputError(f"{split}: must be a split's folder with .h5 files, found none")
    starts = []
    for path in paths:
        with open_frame(path, key="df") as frame:
            starts.append(int(frame.time_ns()[0]))
    return [path for _, path in sorted(zip(starts, paths, strict=True))]


def feature_blocks(path: Path, names: Sequence[str]) -> Iterator[np.ndarray]:
    """The features of one split file in blocks of rows, (at most BLOCK_ROWS, features)."""
    with open_frame(path, key="df") as frame:
        for start in range(0, frame.rows, BLOCK_ROWS):
            yield frame.matrix(names, start=start, stop=start + BLOCK_ROWS)


def feature_columns(path: Path) -> tuple[str, ...]:
    """The names of the features in a split file, in its order."""
    with open_frame(path, key="df") as frame:
        return tuple(name for name in frame.columns if name not in LABEL_COLUMNS)


def fit(train: Path, features: Features, normalization: Normalization) -> Contract:
    """One streaming pass over the train split's files."""
    paths = split_files(train)
    names = feature_columns(paths[0])
    if not names:
        raise InputError(f"{paths[0]}: must have at least one feature, found labels alone")
    of = families(names, features)
    moments = Moments(len(names))
    for path in track(paths, "normalize", total=len(paths)):
        for block in feature_blocks(path, names):
            moments.add(block)
    for name, mean, sigma in zip(names, moments.mean, moments.sigma, strict=True):
        if not np.isfinite([mean, sigma]).all():
            raise InputError(
                f"{train}: column {name!r}: must have a mean and sigma that fit a number, found "
                f"values too large; rescale it or leave it out with data.exclude"
            )
    return Contract(
        names=names,
        families=tuple(of[name] for name in names),
        mean=moments.mean,
        sigma=moments.sigma,
        finite=moments.finite,
        nan=moments.nan,
        inf=moments.inf,
        clip=normalization.clip,
        rows=moments.rows,
    )


def run(features: Features, normalization: Normalization, *, train: Path, out: Path) -> None:
    """Write the contract of a train split. Raises InputError for a feature without family."""
    contract = fit(train, features, normalization)
    with whole(out) as part:
        write_json(part, {**contract.content(), "hash": contract.hash})


def read_contract(path: Path) -> Contract:
    """Read a contract. Raises InputError if it is not one or does not match its own hash."""
    content = read_json(path)
    try:
        names = tuple(content["names"])
        contract = Contract(
            names=names,
            families=tuple(content["families"][name] for name in names),
            **{key: np.array(content[key], dtype=np.float64) for key in ("mean", "sigma")},
            **{key: np.array(content[key], dtype=np.int64) for key in ("finite", "nan", "inf")},
            clip=content["clip"],
            rows=content["rows"],
        )
        written = content["hash"]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is not a normalization contract: {error!r}") from None
    if contract.hash != written:
        raise InputError(f"{path}: was changed after it was written (its hash does not match)")
    return contract
