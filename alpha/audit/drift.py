"""Features that are not what they were in train: drift, what was constant there, and levels that
leave the range that train saw."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from alpha.audit.findings import Finding
from alpha.core import parallel
from alpha.core.frames import open_frame
from alpha.data.columns import SPLITS
from alpha.data.contract import Contract, apply
from alpha.data.features import features_of, split_sizes
from alpha.data.params import Label

_PART_ROWS = 1 << 15
# Rows of a split at most, one of each stretch of equally many, that stability indices and nearly
# constant features are seen by; all else is of all rows.
_SAMPLE_ROWS = 1 << 15
_BLOCK_HORIZONS, _LEAST_BLOCKS = 20.0, 5  # as of alpha.evaluate
# An empty bin counts as this share, and a value as spread over so many sigmas on both sides: what
# comes in clumps, as ticks over a price, has not drifted because a clump is at a bin's edge.
_LEAST_SHARE, _SPREAD = 1e-4, 0.5
# Drift by the stability index, and by the test on blocks, over all features by Bonferroni.
_PSI, _P_VALUE = 0.25, 0.01
# Nearly constant: so many of train's values are one. It explodes if so many later ones are others,
# or |z| is so many times train's largest; any feature does at the last.
_NEARLY, _OTHERS, _FARTHER, _FAR = 0.999, 0.01, 3.0, 100.0
_OUTSIDE = 0.05  # of later values beyond train's range: it is left
# By precedence: kind, severity, what it is, the figure whose largest follows, and what to do.
_FINDINGS = (
    ("constant_in_train", "note", "Constant in train and later", "outside",
     "Exclude it (data.exclude)."),
    ("constant_in_train", "warning", "Constant in train, not later; share of others up to {:.3g}",
     "outside", "Exclude it (data.exclude), or train on a time in which it moves."),
    ("explodes_later", "warning", "Steady in train and many sigmas out later; |z| up to {:.3g}",
     "largest_z", "Exclude it (data.exclude) or clip it: models multiply what they have not seen."),
    ("leaves_train_range", "warning", "Out of train's range, as price levels are; share of values "
     "up to {:.3g}", "outside", "Take its difference, or its ratio to the mid, or clip it."),
    ("drift", "warning", "Distributed otherwise later, by rows and by blocks; stability index "
     "up to {:.3g}", "psi", "Take its difference or ratio to its past, or train on a longer time."),
)  # fmt: skip


def some(names: Sequence[str]) -> str:
    """Up to five names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def parts(split: Path, contract: Contract) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Which rows of a split, their times (n,) and features (n, features), part by part. Raises
    InputError if the features are not the contract's."""

    def read() -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        row = 0
        for path, rows in split_sizes(split):
            with open_frame(path) as frame:
                contract.check_names(features_of(frame), path)
                for at in parallel.cut(rows, _PART_ROWS):
                    time_ns = frame.time_ns(start=at.start, stop=at.stop)
                    values = frame.matrix(contract.names, start=at.start, stop=at.stop)
                    yield slice(row, row + len(at)), time_ns, values
                    row += len(at)

    return parallel.ahead(read())


class _Rows(NamedTuple):
    """Of a split's finite values: extremes, share beyond the `known` range, and largest |z|, all
    (features,); means of z, as models see it, of blocks of time (blocks, features); and z of the
    sample, (features, rows), each ascending, with NaN for what is not finite."""

    low: np.ndarray
    high: np.ndarray
    outside: np.ndarray
    largest_z: np.ndarray
    blocks: np.ndarray
    sample: np.ndarray


def check(splits: Path, contract: Contract, label: Label) -> tuple[list[Finding], pd.DataFrame]:
    """Findings, at most a warning, and a row for each `feature`: its `kind`, "" if nothing is
    found; whether it is constant or nearly so in train; and of valid and test the stability index
    (of deciles of train, equal ones once, and what is not finite), the p-value of the
    Kolmogorov-Smirnov test on means of blocks of 20 horizons, the share of values outside train's
    range, and the largest |z|; NaN where undefined. Sources: as in alpha.evaluate.distribution."""
    from scipy.stats import ks_2samp

    block_ns = round(_BLOCK_HORIZONS * label.horizon_ns)
    count = len(contract.names)
    train = _read(splits / SPLITS[0], contract, block_ns, np.zeros((2, count)))
    known = np.sum(~np.isnan(train.sample), axis=1)
    middle = train.sample[np.arange(count), known // 2, None]
    constant = ~(train.low < train.high)
    nearly = ~constant & (np.sum(train.sample == middle, axis=1) > _NEARLY * known)
    table = pd.DataFrame({"feature": contract.names, "kind": ""})
    table["constant_in_train"], table["near_constant_in_train"] = constant, nearly
    drift, others = np.zeros((2, count))
    for name in SPLITS[1:]:
        later = _read(splits / name, contract, block_ns, np.stack((train.low, train.high)))
        enough = min(len(train.blocks), len(later.blocks)) >= _LEAST_BLOCKS
        psi, p_value = np.full((2, count), np.nan)
        for at in np.flatnonzero(~constant & (known > 0)):
            psi[at] = _stability_index(train.sample[at], later.sample[at])
            if enough:
                p_value[at] = ks_2samp(train.blocks[:, at], later.blocks[:, at]).pvalue
        table[f"psi_{name}"], table[f"p_value_{name}"] = psi, p_value
        table[f"outside_{name}"] = later.outside
        table[f"largest_z_{name}"] = np.where(constant, np.nan, later.largest_z)
        drift = np.maximum(drift, (psi > _PSI) & (p_value < _P_VALUE / count))
        others = np.maximum(others, np.mean((later.sample < middle) | (later.sample > middle), 1))
    worst = {
        key: table[[f"{key}_valid", f"{key}_test"]].max(axis=1).to_numpy()
        for key in ("psi", "outside", "largest_z")
    }
    farther = worst["largest_z"] / train.largest_z
    conditions = [
        constant & (worst["outside"] == 0),
        constant,
        (farther > _FAR) | (nearly & ((others > _OTHERS) | (farther > _FARTHER))),
        worst["outside"] > _OUTSIDE,
        drift > 0,
    ]
    number, found = np.select(conditions, range(len(conditions)), -1), []
    for one, (kind, severity, what, figure, what_to_do) in enumerate(_FINDINGS):
        if (which := number == one).any():
            table.loc[which, "kind"] = kind
            columns = table["feature"][which].tolist()
            most = float(np.nan_to_num(worst[figure][which].max()))  # a number, however far
            given: dict[str, Any] = {"kind": kind, "severity": severity, "what_to_do": what_to_do}
            text = f"{what.format(most)}: {some(columns)}."
            more = {"columns": columns, "where": "valid, test", "strength": most, "sentence": text}
            found.append(Finding(**given, **more))
    return found, table


def _read(split: Path, contract: Contract, block_ns: int, known: np.ndarray) -> _Rows:
    """One pass over a split; `known` is a range (2, features)."""
    rows, count = sum(size for _, size in split_sizes(split)), len(contract.names)
    stretch = -(-rows // _SAMPLE_ROWS)
    drawn = np.arange(0, rows, stretch)
    drawn = np.minimum(drawn + np.random.default_rng(0).integers(0, stretch, len(drawn)), rows - 1)
    sample, seen, blocks, sums = np.empty((count, len(drawn))), [], [], []
    for at, time_ns, values in parts(split, contract):
        finite = np.isfinite(values)
        beyond = finite & ((values < known[0]) | (values > known[1]))
        low, high = np.where(finite, values, np.inf), np.where(finite, values, -np.inf)
        counts = beyond.sum(axis=0), finite.sum(axis=0)
        seen.append((low.min(axis=0), high.max(axis=0), *counts))
        block = time_ns // block_ns
        starts = np.flatnonzero(np.concatenate(([True], block[1:] != block[:-1])))
        z = np.add.reduceat(apply(values, contract)[0], starts, axis=0, dtype=np.float64)
        blocks.append(block[starts])
        sums.append(np.column_stack((np.diff([*starts, len(block)]), z)))
        these = slice(*np.searchsorted(drawn, (at.start, at.stop)))
        sample[:, these] = values[drawn[these] - at.start].T
    lows, highs, out, finite = np.stack(seen, axis=1)
    low, high, sigma = lows.min(axis=0), highs.max(axis=0), contract.sigma
    sigma = np.where(sigma > 0, sigma, 1.0)
    _, block = np.unique(np.concatenate(blocks), return_inverse=True)
    of_block = np.zeros((block[-1] + 1, count + 1))
    np.add.at(of_block, block, np.concatenate(sums))
    with np.errstate(invalid="ignore", over="ignore"):
        sample = (sample - contract.mean[:, None]) / sigma[:, None]
        largest = np.maximum(np.maximum(contract.mean - low, high - contract.mean), 0.0) / sigma
    sample[~np.isfinite(sample)] = np.nan
    sample.sort(axis=1)
    outside = out.sum(axis=0) / np.maximum(finite.sum(axis=0), 1)
    return _Rows(low, high, outside, largest, of_block[:, 1:] / of_block[:, :1], sample)


def _shares(sample: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The share of each bin, that of NaN last."""
    bins = np.where(np.isnan(sample), len(edges) + 1, np.searchsorted(edges, sample))
    return np.maximum(np.bincount(bins, minlength=len(edges) + 2) / len(sample), _LEAST_SHARE)


def _stability_index(train: np.ndarray, later: np.ndarray) -> float:
    """The sum over bins, deciles of train, of (q − p) · log(q / p), of samples of z (rows,)."""
    rng = np.random.default_rng(0)
    spread = [one + rng.uniform(-_SPREAD, _SPREAD, len(one)) for one in (train, later)]
    edges = np.nanquantile(spread[0], np.arange(1, 10) / 10)
    p, q = (_shares(one, edges) for one in spread)
    return float(np.sum((q - p) * np.log(q / p)))
