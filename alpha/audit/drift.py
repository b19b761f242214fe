"""Features that are not what they were in train: drift, what was constant there, and levels that
leave the range that train saw."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alpha.audit.findings import Finding
from alpha.core import parallel
from alpha.core.frames import parts
from alpha.core.text import some
from alpha.data.columns import SPLITS
from alpha.data.contract import Contract
from alpha.data.params import Label
from alpha.data.splits import Piece, split_pieces

# Rows of a split, drawn at random, that all but extremes and means of blocks are of.
_SAMPLE_ROWS = 1 << 15
_BLOCK_HORIZONS = 20.0  # as of alpha.evaluate
# An empty bin counts as this share, and a value as spread over so many sigmas on both sides: what
# comes in clumps, as ticks over a price, has not drifted because a clump is at a bin's edge.
_LEAST_SHARE, _SPREAD = 1e-4, 0.5
# Drift by the stability index, and by the test on blocks, over all features by Bonferroni.
_PSI, _P_VALUE = 0.25, 0.01
_FARTHER = 30.0  # times train's largest |z|: it explodes
_OUTSIDE = 0.05  # of later values beyond train's range: it is left
# By precedence: kind, severity, what it is, the figure whose largest follows, and what to do.
_FINDINGS: tuple[tuple[str, Any, str, str, str], ...] = (
    ("constant_in_train", "note", "Constant in train; share of others later", "outside",
     "Exclude it (data.exclude)."),
    ("explodes_later", "warning", "Many times as far out as ever in train; |z|", "largest_z",
     "Exclude it (data.exclude) or clip it: models multiply what they have not seen."),
    ("leaves_train_range", "warning", "Out of train's range, as price levels are; share of values",
     "outside", "Take its difference, or its ratio to the mid, or clip it."),
    ("drift", "warning", "Distributed otherwise later, by rows and by blocks; stability index",
     "psi", "Take its difference or ratio to its past, or train on more days."),
)  # fmt: skip


def check(splits: Path, contract: Contract, label: Label) -> tuple[list[Finding], pd.DataFrame]:
    """Findings, at most a warning, and a row for each `feature`: its `kind`, "" if nothing is
    found; whether it is constant in train; and of valid and test the stability index, the p-value
    of the Kolmogorov-Smirnov test on means of blocks of 20 horizons, the share of values outside
    train's range, and the largest |z|; NaN where undefined. See alpha.evaluate.distribution."""
    from scipy.stats import ks_2samp

    block_ns = round(_BLOCK_HORIZONS * label.horizon_ns)
    low, high, sample, blocks = _read(splits / SPLITS[0], contract, block_ns)
    constant, drifts = ~(low < high), np.zeros(len(low), dtype=bool)
    table = pd.DataFrame({"feature": contract.names, "kind": "", "constant_in_train": constant})
    for name in SPLITS[1:]:
        lowest, highest, later, later_blocks = _read(splits / name, contract, block_ns)
        psi = [_stability_index(*pair) for pair in zip(sample.T, later.T, strict=True)]
        p_value = ks_2samp(blocks, later_blocks).pvalue
        table[f"psi_{name}"], table[f"p_value_{name}"] = np.where(constant, np.nan, psi), p_value
        table[f"outside_{name}"] = np.mean((later < low) | (later > high), axis=0)
        table[f"largest_z_{name}"] = np.where(constant, np.nan, np.maximum(-lowest, highest))
        drifts |= (table[f"psi_{name}"] > _PSI) & (p_value < _P_VALUE / len(low))
    worst = {of: table.filter(like=of).max(axis=1) for of in ("psi", "outside", "largest_z")}
    explodes = worst["largest_z"] > _FARTHER * np.maximum(-low, high)
    conditions, found = (constant, explodes, worst["outside"] > _OUTSIDE, drifts), []
    for holds, (kind, severity, what, figure, cure) in zip(conditions, _FINDINGS, strict=True):
        which = holds & (table["kind"] == "")
        if which.any():
            table.loc[which, "kind"] = kind
            columns = table["feature"][which].tolist()
            most = float(np.nan_to_num(worst[figure][which].max()))  # a number, however far
            text = f"{what} up to {most:.3g}: {some(columns)}."
            found.append(Finding(kind, severity, "valid, test", text, cure, columns, most))
    return found, table


def _read(split: Path, contract: Contract, block_ns: int) -> tuple[np.ndarray, ...]:
    """Of a split's z, NaN where it is not finite: lowest and highest (features,), a sample
    (rows, features) and, as models see it, means of blocks of time (blocks, features)."""
    rng, scale = np.random.default_rng(0), np.where(contract.sigma > 0, contract.sigma, 1.0)
    pieces = split_pieces(split)
    rows = sum(len(piece.rows) for piece in pieces)
    low, high, sample, blocks = [], [], [], []
    for time_ns, values in parallel.ahead(parts(map(Piece.open, pieces), contract.names)):
        z = (values - contract.mean) / scale
        z[~np.isfinite(z)] = np.nan
        low.append(np.fmin.reduce(z))
        high.append(np.fmax.reduce(z))
        sample.append(z[rng.random(len(z)) < _SAMPLE_ROWS / rows])
        seen = pd.DataFrame(np.nan_to_num(z).clip(-contract.clip, contract.clip))
        blocks.append(seen.assign(rows=1.0).groupby(time_ns // block_ns).sum())
    sums = pd.concat(blocks).groupby(level=0).sum().to_numpy()
    means = sums[:, :-1] / sums[:, -1:]
    return np.fmin.reduce(low), np.fmax.reduce(high), np.concatenate(sample), means


def _stability_index(train: np.ndarray, later: np.ndarray) -> float:
    """The sum over bins, deciles of train, those beyond and NaN, of (q − p) · log(q / p)."""
    rng = np.random.default_rng(0)
    spread = [one + rng.uniform(-_SPREAD, _SPREAD, len(one)) for one in (train, later)]
    edges = [*pd.Series(spread[0]).quantile(np.arange(1, 10) / 10), np.inf]  # NaN is sorted last
    shares = [np.bincount(np.searchsorted(edges, one), minlength=11) / len(one) for one in spread]
    p, q = np.maximum(shares, _LEAST_SHARE)
    return float(np.sum((q - p) * np.log(q / p)))
