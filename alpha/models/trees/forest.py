"""LightGBM's trees, walked by compiled code: bit for bit what its own `predict(raw_score=True)`
adds up, for one row as for many, without the library.

Source: LightGBM 4, src/io/tree.cpp (the text) and include/LightGBM/tree.h (NumericalDecision).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit

from alpha.core import parallel

# What is no further from 0 is 0 to LightGBM (kZeroThreshold, a float32).
_ZERO = float(np.float32(1e-35))
# Bits of decision_type; from the third on stands what counts as missing: nothing, 0 or NaN.
_DEFAULT_LEFT = 2
_MISSING_IS_ZERO, _MISSING_IS_NAN = 1, 2
# Columns of splits, as they are called in the file.
_SPLITS: dict[str, tuple[str, type]] = {
    "feature": ("split_feature", np.int64), "threshold": ("threshold", np.float64),
    "decision": ("decision_type", np.int64), "left": ("left_child", np.int64),
    "right": ("right_child", np.int64),
}  # fmt: skip
# Rows that one thread takes at a time, and that meet a tree while it is in a core's cache.
_PIECE_ROWS, _BLOCK_ROWS = 1 << 12, 1 << 8


@dataclass(frozen=True)
class Forest:
    """All nodes of all trees: a row goes left from a split where its `feature` is at most the
    `threshold`. `left` and `right` (splits,) are the number of another split, or ~ of a leaf's in
    `leaves`; so are `roots` (trees,), of which each `outputs`-th adds to the same output."""

    outputs: int
    features: int
    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    decision: np.ndarray  # decision_type
    left: np.ndarray
    right: np.ndarray
    leaves: np.ndarray

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a model file of LightGBM. Raises ValueError for what training here never makes:
        categorical splits, linear trees, averages of trees; and for what is no such file."""
        head, *trees = re.split(r"^Tree=\d+\n", text.split("\nend of trees")[0], flags=re.M)
        given = _fields(head)
        outputs, features = int(given["num_tree_per_iteration"]), int(given["max_feature_idx"]) + 1
        if "average_output" in head or not trees or len(trees) % outputs:
            raise ValueError("must be trees that add up, as many for each output")
        if len(trees) != len(given["tree_sizes"].split()):
            raise ValueError(f"must have the trees that it states, found {len(trees)}")
        found: dict[str, list[np.ndarray]] = {name: [] for name in (*_SPLITS, "leaves")}
        roots, splits, leaves = [], 0, 0
        for tree in trees:
            of = _fields(tree)
            count = int(of["num_leaves"])
            roots.append(splits if count > 1 else ~leaves)
            columns: dict[str, np.ndarray] = {
                name: np.array(of.get(key, "").split()[: count - 1], dtype=dtype)
                for name, (key, dtype) in _SPLITS.items()
            }
            columns["leaves"] = np.array(of["leaf_value"].split(), dtype=np.float64)
            _check(of, columns, count, features)
            for side in ("left", "right"):
                of_split = columns[side] >= 0
                columns[side] += np.where(of_split, splits, -leaves)
            for name, values in columns.items():
                found[name].append(values)
            splits, leaves = splits + count - 1, leaves + count
        arrays = {name: np.concatenate(values) for name, values in found.items()}
        return cls(outputs, features, np.array(roots), **arrays)

    def sums(self, x: np.ndarray) -> np.ndarray:
        """What all trees add up to for `x` (rows, features) float32: (rows, outputs) float64."""
        if x.shape[1] != self.features:
            raise ValueError(f"must have {self.features} features, found {x.shape[1]}")
        out = np.zeros((len(x), self.outputs))
        splits = self.feature, self.threshold, self.decision, self.left, self.right

        def fill(piece: range) -> None:
            rows = slice(piece.start, piece.stop)
            _walk(x[rows], self.roots, *splits, self.leaves, out[rows])

        parallel.each(fill, parallel.cut(len(x), _PIECE_ROWS))
        return out


def _fields(lines: str) -> dict[str, str]:
    """The lines name=value of a part of the file."""
    return dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)


def _check(
    of: Mapping[str, str], columns: Mapping[str, np.ndarray], count: int, features: int
) -> None:
    """Raise ValueError unless a walk through the tree ends, and stays in its arrays."""
    if of.get("num_cat", "0") != "0" or of.get("is_linear", "0") != "0":
        raise ValueError("trees must be without categorical splits and linear leaves")
    *splits, leaves = columns.values()
    if count < 1 or len(leaves) != count or any(len(of) != count - 1 for of in splits):
        raise ValueError(f"a tree of {count} leaves must have as many values, and a split less")
    if not np.all((columns["feature"] >= 0) & (columns["feature"] < features)):
        raise ValueError(f"splits must be of {features} features")
    for side in ("left", "right"):
        # A split is made after the one that it hangs from.
        child, own = columns[side], np.arange(count - 1)
        inside = np.where(child >= 0, (child > own) & (child < count - 1), ~child < count)
        if not inside.all():
            raise ValueError("a split must lead to a later one, or to a leaf of its tree")


@njit(cache=True, nogil=True)
def _walk(
    x: np.ndarray,
    roots: np.ndarray,
    feature: np.ndarray,
    threshold: np.ndarray,
    decision: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    leaves: np.ndarray,
    out: np.ndarray,
) -> None:
    """Add the leaf of each tree, in their order, to `out` (rows, outputs)."""
    outputs = out.shape[1]
    for first in range(0, len(x), _BLOCK_ROWS):
        last = min(first + _BLOCK_ROWS, len(x))
        for tree in range(len(roots)):
            for row in range(first, last):
                at = roots[tree]
                while at >= 0:
                    value, missing = float(x[row, feature[at]]), decision[at] >> 2
                    nan = value != value
                    if abs(value) <= _ZERO or (nan and missing != _MISSING_IS_NAN):
                        value = 0.0
                    if (missing == _MISSING_IS_ZERO and value == 0.0) or (
                        missing == _MISSING_IS_NAN and nan
                    ):
                        goes_left = decision[at] & _DEFAULT_LEFT != 0
                    else:
                        goes_left = value <= threshold[at]
                    at = left[at] if goes_left else right[at]
                out[row, tree % outputs] += leaves[~at]
