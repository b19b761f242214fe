"""A moving block bootstrap as it is written down: the rows of each resample are gathered."""

from collections.abc import Iterator

import numpy as np


def row_numbers(starts: np.ndarray, block: int, rows: int) -> Iterator[np.ndarray]:
    """Of each resample: `starts` (resamples, blocks) are the first rows of blocks of `block`
    rows, and the last row is followed by the first."""
    inside = np.arange(block)
    for of_resample in starts:
        yield ((of_resample[:, None] + inside) % rows).ravel()


def sums(values: np.ndarray, starts: np.ndarray, block: int) -> np.ndarray:
    """(resamples,) sums of `values` (rows,)."""
    return np.array([values[rows].sum() for rows in row_numbers(starts, block, len(values))])
