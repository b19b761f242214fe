"""Normalization: statistics of the train split as a contract between training and inference."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from alpha.core import parallel
from alpha.core.artifacts import read_json
from alpha.core.errors import InputError

# Rows that one thread transforms at a time.
_PIECE_ROWS = 1 << 13
_ARRAYS: dict[str, type] = {
    "mean": np.float64, "sigma": np.float64, "finite": np.int64, "nan": np.int64, "inf": np.int64,
}  # fmt: skip


@dataclass(frozen=True)
class Contract:
    """What inference needs to know of training's features; every array is (features,): float64
    `mean` and `sigma` (ddof 0) over finite train values, both 0 for a feature without any, and how
    many values were `finite`, `nan` and `inf`. `clip` is in sigmas."""

    names: tuple[str, ...]
    families: tuple[str, ...]
    mean: np.ndarray
    sigma: np.ndarray
    finite: np.ndarray
    nan: np.ndarray
    inf: np.ndarray
    clip: float
    rows: int
    symbols: Mapping[str, "Contract"] = field(default_factory=dict)
    train: str = ""  # a digest of the rows it was fitted on (alpha.data.splits)

    def content(self) -> dict[str, Any]:
        of_symbols = {name: one.figures() for name, one in self.symbols.items()}
        return {
            "names": list(self.names),
            "families": dict(zip(self.names, self.families, strict=True)),
            "clip": self.clip,
            "train": self.train,
            **self.figures(),
            **({"symbols": of_symbols} if of_symbols else {}),
        }

    def figures(self) -> dict[str, Any]:
        """What was counted and fitted."""
        return {key: getattr(self, key).tolist() for key in _ARRAYS} | {"rows": self.rows}

    def of(self, symbol: str) -> "Contract":
        """What the rows of a symbol are normalized by. Raises InputError for another symbol."""
        if self.symbols and symbol not in self.symbols:
            must = f"the symbol must be one of the contract's ({', '.join(self.symbols)})"
            raise InputError(f"{must}, found {symbol!r}")
        return self.symbols.get(symbol, self)

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
        must = "must have the features of the normalization contract in its order"
        raise InputError(f"{source}: {must}, found {' and '.join(what) or 'another order'}")


def apply(
    block: np.ndarray, contract: Contract, *, out: np.ndarray | None = None
) -> tuple[np.ndarray, int, int]:
    """Normalize rows: (rows, features) of any float to float32, into `out` if it is given; and
    how many values were clipped, and how many replaced because they were not finite.

    (x − mean) / sigma in float64, clipped at ±clip; NaN, ±inf and every value of a feature
    with sigma 0 become 0. One row gives bit for bit what a batch gives.
    """
    found = np.empty(block.shape, dtype=np.float32) if out is None else out
    scale = np.where(contract.sigma > 0.0, contract.sigma, 1.0)
    given = (contract.mean, contract.sigma, scale), float(contract.clip)
    counts = parallel.by_rows(_fill, block, *given, out=found, size=_PIECE_ROWS)
    return found, sum(clipped for clipped, _ in counts), sum(replaced for _, replaced in counts)


# As NumPy has it, nothing is looked at before a division.
@njit(cache=True, nogil=True, error_model="numpy")
def _fill(block: np.ndarray, scales: Any, clip: float, out: np.ndarray) -> tuple[int, int]:
    """Fill `out`, and count, as `apply` says."""
    mean, sigma, scale = scales
    clipped = replaced = 0
    for row in range(len(block)):
        for at in range(len(mean)):
            value = np.float64(block[row, at])
            finite, z = abs(value) < np.inf, (value - mean[at]) / scale[at]
            usable = finite and sigma[at] > 0.0
            replaced += 0 if finite else 1
            clipped += 1 if usable and abs(z) > clip else 0
            z = min(max(z, -clip), clip)
            out[row, at] = z if usable else 0.0
    return clipped, replaced


def read_contract(path: Path) -> Contract:
    """Read a contract. Raises InputError if it is not one or does not match its own hash."""
    content = read_json(path)
    try:
        names = tuple(content["names"])
        families = tuple(content["families"][name] for name in names)

        def make(figures: Any, **symbols: Contract) -> Contract:
            arrays: Any = {key: np.array(figures[key], of) for key, of in _ARRAYS.items()}
            given = {key: content[key] for key in ("clip", "train")} | {"symbols": symbols}
            return Contract(names, families, **arrays, rows=figures["rows"], **given)

        of_symbols = content.get("symbols", {}).items()
        contract = make(content, **{name: make(figures) for name, figures in of_symbols})
        written = content["hash"]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: is not a normalization contract: {error!r}") from None
    if contract.hash != written:
        raise InputError(f"{path}: was changed after it was written (its hash does not match)")
    return contract
