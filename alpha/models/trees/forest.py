"""LightGBM's trees, walked by compiled code: bit for bit what its own `predict(raw_score=True)`
adds up, for one row as for many, without the library.

Source: LightGBM 4, src/io/tree.cpp (the text) and include/LightGBM/tree.h (NumericalDecision).
"""

import re
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numba import njit

from alpha.core import parallel

# What is no further from 0 is 0 to LightGBM (kZeroThreshold, a float32).
_ZERO = float(np.float32(1e-35))
# In decision_type: a bit, and above it what counts as missing: nothing, 0, or NaN.
_DEFAULT_LEFT, _ZERO_IS_MISSING, _NAN_IS_MISSING = 2, 1, 2
_NODE = ("split_feature", "decision_type", "left_child", "right_child")
# Rows that one thread takes at a time, and that meet a tree while it is in a core's cache.
_PIECE_ROWS, _BLOCK_ROWS = 1 << 12, 1 << 8


@dataclass(frozen=True)
class Forest:
    """All trees. A line of `nodes` (splits, 4) is what _NODE says of a split, with `thresholds`
    (splits,); a child is the number of another split, or ~ of a leaf's in `leaves`. So are `roots`
    (trees,), of which each `outputs`-th adds to the same output."""

    outputs: int
    features: int
    roots: np.ndarray
    nodes: np.ndarray
    thresholds: np.ndarray
    leaves: np.ndarray

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a model file of LightGBM. Raises ValueError or KeyError for what training here never
        makes (categorical splits, linear leaves, averages of trees) and for what is no such file:
        each walk ends in a leaf."""
        head, *trees = re.split(r"^Tree=\d+\n", text.split("\nend of trees")[0], flags=re.M)
        given = _fields(head)
        outputs, features = int(given["num_tree_per_iteration"]), int(given["max_feature_idx"]) + 1
        stated = len(given["tree_sizes"].split())
        if "average_output" in head or stated != len(trees) or not trees or stated % outputs:
            raise ValueError("must be whole, with trees that add up, as many for each output")
        roots, nodes, thresholds, leaves = [], [], [], []
        splits_before = leaves_before = 0
        for of in map(_fields, trees):
            if of.get("num_cat", "0") != "0" or of.get("is_linear", "0") != "0":
                raise ValueError("trees must be without categorical splits and linear leaves")
            splits = int(of["num_leaves"]) - 1
            columns = [of.get(key, "").split()[:splits] for key in (*_NODE, "threshold")]
            node = np.array(columns[:-1], dtype=np.int64).T
            threshold = np.array(columns[-1], dtype=np.float64)
            leaf = np.array(of["leaf_value"].split(), dtype=np.float64)
            child, own = node[:, 2:], np.arange(len(node))[:, None]
            # A split is made after the one that it hangs from.
            inside = np.where(child >= 0, (child > own) & (child < splits), ~child <= splits).all()
            known = np.all((node[:, 0] >= 0) & (node[:, 0] < features))
            if not (inside and known and len(threshold) == len(node) == splits == len(leaf) - 1):
                raise ValueError("a split must lead to later ones or leaves, by a feature there is")
            child += np.where(child >= 0, splits_before, -leaves_before)
            roots.append(splits_before if splits else ~leaves_before)
            nodes.append(node)
            thresholds.append(threshold)
            leaves.append(leaf)
            splits_before, leaves_before = splits_before + splits, leaves_before + splits + 1
        parts = (np.concatenate(of) for of in (nodes, thresholds, leaves))
        return cls(outputs, features, np.array(roots), *parts)

    def sums(self, x: np.ndarray) -> np.ndarray:
        """What all trees add up to for `x` (rows, features) float32: (rows, outputs) float64."""
        if x.shape[1] != self.features:
            raise ValueError(f"must have {self.features} features, found {x.shape[1]}")
        out = np.zeros((len(x), self.outputs))
        trees = self.roots, self.nodes, self.thresholds, self.leaves

        def fill(piece: range) -> None:
            rows = slice(piece.start, piece.stop)
            _walk(x[rows], trees, out[rows])

        parallel.each(fill, parallel.cut(len(x), _PIECE_ROWS))
        return out


def _fields(lines: str) -> dict[str, str]:
    """The lines name=value of a part of the file."""
    return dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)


@njit(cache=True, nogil=True)
def _walk(x: np.ndarray, trees: Any, out: np.ndarray) -> None:
    """Add the leaf of each tree, in their order, to `out` (rows, outputs)."""
    roots, nodes, thresholds, leaves = trees
    for first in range(0, len(x), _BLOCK_ROWS):
        for tree in range(len(roots)):
            for row in range(first, min(first + _BLOCK_ROWS, len(x))):
                at = roots[tree]
                while at >= 0:
                    feature, decision, left, right = nodes[at]
                    value, missing = float(x[row, feature]), decision >> 2
                    nan = value != value
                    if abs(value) <= _ZERO or (nan and missing != _NAN_IS_MISSING):
                        value = 0.0
                    if (missing == _ZERO_IS_MISSING and value == 0.0) or (
                        missing == _NAN_IS_MISSING and nan
                    ):
                        at = left if decision & _DEFAULT_LEFT else right
                    else:
                        at = left if value <= thresholds[at] else right
                out[row, tree % out.shape[1]] += leaves[~at]
