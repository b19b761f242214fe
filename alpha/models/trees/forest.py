"""LightGBM's trees, walked by compiled code: bit for bit what its own `predict(raw_score=True)`
adds up of finite features, for one row as for many, without the library.

Source: LightGBM 4, src/io/tree.cpp (the text) and include/LightGBM/tree.h (NumericalDecision).
"""

import re
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numba import njit

from alpha.core import parallel

# What is read of the file, and of each tree.
_HEAD = ("num_tree_per_iteration", "max_feature_idx", "tree_sizes")
_SPLIT = ("split_feature", "left_child", "right_child", "decision_type", "threshold")
_TREE = ("num_leaves", *_SPLIT, "leaf_value")
# What is no further from 0 is 0 to LightGBM (kZeroThreshold, a float32).
_ZERO = float(np.float32(1e-35))
# Of decision_type: nothing counts as missing, whichever way it would go.
_NONE_MISSING = {"0", "2"}
# Rows that one thread takes at a time, and that meet a tree while it is in a core's cache.
_PIECE_ROWS, _BLOCK_ROWS = 1 << 12, 1 << 8


@dataclass(frozen=True)
class Forest:
    """All trees. A line of `nodes` (splits, 3) is a split's feature and its children on the left
    and the right of its threshold, in `thresholds` (splits,); a child is the number of another
    split, or ~ of a leaf's in `leaves`. So are `roots` (trees,), of which each `outputs`-th adds to
    the same output."""

    outputs: int
    features: int
    roots: np.ndarray
    nodes: np.ndarray
    thresholds: np.ndarray
    leaves: np.ndarray

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a model file of LightGBM. Raises ValueError for what training here never makes
        (splits by category or of what is missing, linear leaves, averages of trees) and for what is
        no such file: each walk ends in a leaf."""

        def lines(key: str) -> list[str]:
            return re.findall(rf"^{key}=(.*)$", text.split("\nend of trees")[0], re.MULTILINE)

        [outputs], [last_feature], [sizes] = map(lines, _HEAD)
        trees = list(zip(*map(lines, _TREE), strict=True))
        whole = [*map(str, range(len(sizes.split())))] == lines("Tree") and len(trees) > 0
        if "average_output" in text or not whole or len(trees) % int(outputs):
            raise ValueError("must be whole, with trees that add up, as many for each output")
        if {*lines("num_cat"), *lines("is_linear")} != {"0"}:
            raise ValueError("trees must be without categorical splits and linear leaves")
        roots, nodes, thresholds, leaves = [], [], [], []
        splits_before = leaves_before = 0
        for count, *columns, kinds, limits, values in (map(str.split, tree) for tree in trees):
            splits, node = int(*count) - 1, np.array(columns, dtype=np.int64).T
            threshold, leaf = (np.array(of, dtype=np.float64) for of in (limits, values))
            if not {*kinds} <= _NONE_MISSING:
                raise ValueError("a split must not look for what is missing")
            child, own = node[:, 1:], np.arange(len(node))[:, None]
            # A split is made after the one that it hangs from.
            inside = np.where(child >= 0, (child > own) & (child < splits), ~child <= splits).all()
            known = np.all((node[:, 0] >= 0) & (node[:, 0] <= int(last_feature)))
            if not (inside and known and len(threshold) == len(node) == splits == len(leaf) - 1):
                raise ValueError("a split must lead to later ones or leaves, by a feature there is")
            child += np.where(child >= 0, splits_before, -leaves_before)
            roots.append(splits_before if splits else ~leaves_before)
            nodes.append(node)
            thresholds.append(threshold)
            leaves.append(leaf)
            splits_before, leaves_before = splits_before + splits, leaves_before + splits + 1
        parts = (np.concatenate(of) for of in (nodes, thresholds, leaves))
        return cls(int(outputs), int(last_feature) + 1, np.array(roots), *parts)

    def sums(self, x: np.ndarray) -> np.ndarray:
        """What all trees add up to for `x` (rows, features) float32, finite: (rows, outputs)
        float64."""
        if x.shape[1] != self.features:
            raise ValueError(f"must have {self.features} features, found {x.shape[1]}")
        trees = self.roots, self.nodes, self.thresholds, self.leaves
        out = np.zeros((len(x), self.outputs))
        parallel.by_rows(_walk, x, trees, out=out, size=_PIECE_ROWS)
        return out


@njit(cache=True, nogil=True)
def _walk(x: np.ndarray, trees: Any, out: np.ndarray) -> None:
    """Add the leaf of each tree, in their order, to `out` (rows, outputs)."""
    roots, nodes, thresholds, leaves = trees
    for first in range(0, len(x), _BLOCK_ROWS):
        for tree in range(len(roots)):
            for row in range(first, min(first + _BLOCK_ROWS, len(x))):
                at = roots[tree]
                while at >= 0:
                    feature, left, right = nodes[at]
                    value = float(x[row, feature])
                    # Apart, or it is compiled to a selection, which takes twice as long.
                    if abs(value) <= _ZERO:
                        at = left if thresholds[at] >= 0.0 else right
                    else:
                        at = left if value <= thresholds[at] else right
                out[row, tree % out.shape[1]] += leaves[~at]
