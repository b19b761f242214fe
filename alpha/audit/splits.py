"""What splits and the contract know of later rows, and features that were scaled by these, from
what was written alone: nothing here asks the code that made it."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from alpha.audit import scales
from alpha.audit.findings import Finding
from alpha.core import parallel
from alpha.core.frames import open_frame, parts
from alpha.core.text import percent, some
from alpha.data.columns import SPLITS
from alpha.data.contract import Contract
from alpha.data.features import moment, open_symbols
from alpha.data.params import Data, Label
from alpha.data.splits import Piece, split_pieces
from alpha.split import Split

_COPIED = 32  # rows that are equal to others, all as far from them: by copying alone
_Arrays = tuple[np.ndarray, ...]


def check(
    data: Data, label: Label, split: Split, *, features: Path, labels: Path, splits: Path,
    contract: Contract,
) -> list[Finding]:  # fmt: skip
    """Findings on what `alpha split` and `alpha normalize` wrote, and on features that were scaled
    by later rows. All rows are read. Raises InputError where files do not belong together."""
    with split_pieces(splits / "train")[-1].open() as frame:
        last_ns = int(frame.time_ns()[-1])
    scaled, clocks, every = scales.check(open_symbols(features, data), contract, last_ns)
    # Rows of a closed market are equal, though clocks tick.
    kept = [_read(splits / name, contract, ~clocks) for name in SPLITS]
    times, hashes, sums = zip(*kept, strict=True)
    found = [*_in_time(times, label, split), *_labels(splits, labels)]
    return [*found, *_equal_rows(times, hashes), *_statistics(sums, every, contract), *scaled]


def _read(split: Path, contract: Contract, hashed: np.ndarray) -> _Arrays:
    """Times and hashes of the columns `hashed`, (rows,), and sums, less the mean, as of scales."""
    found = []
    frames = map(Piece.open, split_pieces(split))
    for time_ns, rows in parallel.ahead(parts(frames, contract.names)):
        hashes = pd.util.hash_pandas_object(pd.DataFrame(np.where(hashed, rows, 0)), index=False)
        found.append((time_ns, hashes, scales.figures(rows, contract.mean)[:5]))
    times, hashes, sums = zip(*found, strict=True)
    return np.concatenate(times), np.concatenate(hashes), np.sum(sums, axis=0)


def _in_time(times: _Arrays, label: Label, split: Split) -> Iterator[Finding]:
    cure = "Cut by ranges of time, train first; purge the end of each, and embargo the start."
    for (one, earlier), (other, later) in combinations(zip(SPLITS, times, strict=True), 2):
        where, first, ends = f"{one}, {other}", later.min(), earlier + label.horizon_ns
        lead, share = float(ends.max() - first) / 1e9, float(np.mean(ends >= first))
        start = f"{other} starts, {moment(first)}, not {split.embargo_seconds:g} s before."
        if share > 0:
            text = f"Windows of {one} ({percent(share)}) end up to {lead:g} s after {start}"
            yield Finding("window_across_boundary", "leak", where, text, cure, [], share, lead)
        elif lead > -split.embargo_seconds:
            text = f"The last window of {one} ends {-lead:g} s before {start}"
            yield Finding("embargo_missing", "warning", where, text, cure, [], -lead, lead)


def _labels(splits: Path, labels: Path) -> Iterator[Finding]:
    for name in SPLITS:
        wrong = 0
        for piece in split_pieces(splits / name):
            path = labels / piece.symbol / piece.path.name
            with piece.open() as frame, open_frame(path) as known:
                outcome = pd.Series(known.column("alpha_outcome"), known.time_ns())
                wrong += (outcome.reindex(frame.time_ns()) != frame.column("alpha_outcome")).sum()
        if wrong:
            text = f"{wrong:,} rows of {name} do not have the outcome of their time's label."
            cure = "Label and split again; join labels by timestamp."
            yield Finding("labels_of_other_rows", "warning", name, text, cure, [], float(wrong))


def _equal_rows(times: _Arrays, hashes: _Arrays) -> Iterator[Finding]:
    """Stretches of rows that are those of an earlier split again; of rows that come more often than
    once in each split, as coarse features do, none counts, and of equal ones in a row the first."""
    every, time_ns = np.concatenate(hashes), np.concatenate(times)
    split = np.repeat([0, 1, 2], [len(of) for of in times])
    new = np.concatenate(([True], every[1:] != every[:-1]))
    every, time_ns, split = every[new], time_ns[new], split[new]
    _, first, count = np.unique(every, return_index=True, return_counts=True)
    last = len(every) - 1 - np.unique(every[::-1], return_index=True)[1]
    again = (count > 1) & (count <= len(SPLITS)) & (split[first] != split[last])
    first, last = first[again], last[again]
    _, apart, count = np.unique(last - first, return_inverse=True, return_counts=True)
    first, last = (of[count[apart] >= _COPIED] for of in (first, last))
    if len(last):
        where = ", ".join(SPLITS[at] for at in np.unique(split[last]))
        start, end, of = (moment(time_ns[row]) for row in (last.min(), last.max(), first.min()))
        text = f"{len(last):,} rows of {where} from {start} to {end} copy those from {of} on."
        cure = "Remove the copy from the feature files."
        yield Finding("equal_rows", "leak", where, text, cure, [], len(last) / len(every))


def _statistics(sums: _Arrays, every: np.ndarray, contract: Contract) -> Iterator[Finding]:
    """The contract's mean and sigma against those of train, and of more rows."""
    scale = contract.sigma + 1e-9 * abs(contract.mean) + np.finfo(np.float64).tiny

    def apart(of: np.ndarray, shift: np.ndarray | float = contract.mean) -> np.ndarray:
        _, mean, sigma = scales.moments(of, zeros=True)
        off = abs(mean + (shift - contract.mean)), abs(sigma - contract.sigma)
        return np.asarray(np.maximum(*off) / scale)

    train, *others = map(apart, np.cumsum(sums, axis=0))
    wrong = (train > 1e-6) | (contract.finite != sums[0][0]) | (contract.nan != sums[0][1])
    if wrong.any():
        names = "train and valid", "train, valid and test", "all rows of the feature files"
        farthest = [of[wrong].max() for of in (*others, apart(every, 0.0))]
        leak, columns = 30 * min(farthest) < train.max(), np.array(contract.names)[wrong].tolist()
        of = names[int(np.argmin(farthest))] if leak else "other rows"
        text = f"The contract has not the figures of train, but of {of}: {some(columns)}."
        kind, cure = "statistics_of_more_than_train", "Normalize again, by train alone."
        given = "contract", text, cure, columns, train.max()
        yield Finding(kind, "leak" if leak else "warning", *given)
