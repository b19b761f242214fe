"""What splits, contract and scales of features know of later rows, from what was written alone:
nothing here asks the code that made it."""

from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, BeforeValidator

from alpha.audit import scales
from alpha.audit.drift import parts, some
from alpha.audit.findings import Finding
from alpha.core.artifacts import parse
from alpha.core.frames import open_frame
from alpha.data.columns import LABELLED, SPLITS, SplitName
from alpha.data.contract import Contract
from alpha.data.features import moment, open_folder, split_sizes
from alpha.data.params import Data, Label
from alpha.split import Split

# So many rows one after the other, frozen ones counted once, with so many different ones among
# them, come again by copying alone; at most so many such sequences are looked at.
_SEQUENCE, _DIFFERENT, _LOOKED_AT = 32, 24, 1 << 16
_WHAT_TO_DO = {
    "splits_out_of_order": "Cut by ranges of time, train first; never draw rows at random.",
    "equal_times": "Cut by ranges of time that do not overlap.",
    "window_across_boundary": "Drop rows whose window reaches the end of their range (purge).",
    "embargo_missing": "Drop the rows of the embargo at the start of the later split.",
    "labels_of_other_rows": "Label and split again; join labels by timestamp.",
    "equal_rows": "Remove the copy from the feature files.",
    "statistics_of_more_than_train": "Normalize again, by train alone.",
}


def _ns(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


class _Range(BaseModel):
    start: Annotated[int, BeforeValidator(_ns)]
    end: Annotated[int, BeforeValidator(_ns)]


class _Summary(BaseModel):
    splits: dict[SplitName, _Range]


class _Kept(NamedTuple):
    """A split: times and hashes of features (rows,), and figures as in scales.Seen (5, columns)."""

    time_ns: np.ndarray
    hashes: np.ndarray
    figures: np.ndarray


def check(
    data: Data, label: Label, split: Split, *, features: Path, labels: Path, splits: Path,
    contract: Contract,
) -> list[Finding]:  # fmt: skip
    """Findings on what `alpha split` and `alpha normalize` wrote, and on features that were scaled
    by later rows. All rows are read, part by part; NaN and ±inf are no values. Raises InputError
    where folders, files or names do not belong together."""
    ranges = parse(_Summary, splits / "summary.json").splits
    folder = open_folder(features, data)
    names = [*contract.names, *sorted(set(folder.features) - set(contract.names))]
    contract.check_names([name for name in names if name in folder.features], features)
    with open_frame(split_sizes(splits / "train")[-1][0]) as frame:
        seen = scales.see(folder, contract, int(frame.time_ns()[-1]))
    # Rows of a closed market are equal, though clocks tick.
    kept = {name: _keep(splits / name, contract, ~scales.clocks(seen.path)) for name in SPLITS}
    found = _in_time(kept, ranges, label, split) + _labels(splits, labels) + _equal_rows(kept)
    return found + _statistics(kept, seen, contract) + scales.check(seen, contract)


def _finding(kind: str, where: str, sentence: str, **more: Any) -> Finding:
    given = {"columns": [], "severity": "leak", "what_to_do": _WHAT_TO_DO[kind], **more}
    return Finding(kind=kind, where=where, sentence=sentence, **given)


def _keep(split: Path, contract: Contract, hashed: np.ndarray) -> _Kept:
    """Pass over a split's files; hashes are of the columns `hashed`, (columns,) bool."""
    weights = np.random.default_rng(0).integers(1 << 63, size=len(hashed), dtype=np.uint64)
    weights = (2 * weights + 1) * hashed
    figures, times, hashes = np.zeros((5, len(hashed))), [], []
    for _, time_ns, rows in parts(split, contract):
        scales.add(rows, contract.mean, figures)
        times.append(time_ns)
        bits = rows.view(np.uint32 if rows.dtype == np.float32 else np.uint64).astype(np.uint64)
        hashes.append((bits ^ (bits >> np.uint64(32))) @ weights)
    return _Kept(np.concatenate(times), np.concatenate(hashes), figures)


def _in_time(
    kept: dict[SplitName, _Kept], ranges: dict[SplitName, _Range], label: Label, split: Split
) -> list[Finding]:
    found = []
    for one, other in combinations(SPLITS, 2):
        earlier, later, horizon = kept[one].time_ns, kept[other].time_ns, label.horizon_ns
        where, first, last = f"{one}, {other}", int(later.min()), int(earlier.max())
        if early := int(np.sum(later < last)):
            text = f"{early:,} of {len(later):,} rows of {other} are before the last row of {one}."
            found.append(_finding("splits_out_of_order", where, text, strength=early / len(later)))
        if equal := len(np.intersect1d(earlier, later)):
            text = f"{equal:,} timestamps are in {one} and in {other}."
            found.append(_finding("equal_times", where, text, strength=equal / len(later)))
        start = min(first, ranges[other].start)
        if across := int(np.sum(earlier + horizon >= start)):
            lead, share = (last + horizon - start) / 1e9, across / len(earlier)
            text = f"Look-ahead windows of {across:,} rows of {one} reach {other}, which starts at "
            text += f"{moment(start)}, by up to {lead:g} s."
            more = {"strength": share, "lead_seconds": lead}
            found.append(_finding("window_across_boundary", where, text, **more))
        apart = (first - ranges[one].end) / 1e9
        if not early and first < ranges[one].end + round(split.embargo_seconds * 1e9):
            text = f"{other} starts {apart:g} s after the end of {one}, which must be at least "
            text += f"{split.embargo_seconds:g} s (split.embargo_seconds)."
            severity = "leak" if across else "warning"
            found.append(
                _finding("embargo_missing", where, text, strength=apart, severity=severity)
            )
    return found


def _labels(splits: Path, labels: Path) -> list[Finding]:
    wrong = dict.fromkeys(SPLITS, 0)
    for name in SPLITS:
        for path, _ in split_sizes(splits / name):
            with open_frame(path) as frame, open_frame(labels / path.name) as known:
                time_ns, known_ns = frame.time_ns(), known.time_ns()
                at = np.minimum(np.searchsorted(known_ns, time_ns), len(known_ns) - 1)
                same = (known_ns[at] == time_ns) & (known.column("status")[at] == LABELLED)
                same &= known.column("alpha_outcome")[at] == frame.column("alpha_outcome")
                wrong[name] += int(np.sum(~same))
    kind, text = "labels_of_other_rows", "rows do not have the outcome of their time's label."
    return [
        _finding(kind, name, f"{rows:,} {text}", severity="warning", strength=rows)
        for name, rows in wrong.items()
        if rows
    ]


def _sequences(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that differ from the row before, and a hash of each _SEQUENCE of these in a row."""
    rows = np.flatnonzero(np.concatenate(([True], hashes[1:] != hashes[:-1])))
    of, length, factor = hashes[rows], 1, 0x100000001B3
    while length < _SEQUENCE:
        of = of[:-length] + of[length:] * np.uint64(factor)
        length, factor = 2 * length, factor * factor % (1 << 64)
    return rows, of


def _equal_rows(kept: dict[SplitName, _Kept]) -> list[Finding]:
    found = []
    for number, name in enumerate(SPLITS[1:], 1):
        later, before = kept[name], [kept[one] for one in SPLITS[:number]]
        source_rows, source = _sequences(np.concatenate([one.hashes for one in before]))
        rows, of = _sequences(later.hashes)
        at = np.flatnonzero(np.isin(of, source))
        at = at[:: len(at) // _LOOKED_AT + 1, None] + np.arange(_SEQUENCE)
        members = np.sort(later.hashes[rows[at]], axis=1)
        at = at[np.sum(members[:, 1:] != members[:, :-1], axis=1) + 1 >= _DIFFERENT]
        if len(at):
            copied = later.time_ns[rows[np.unique(at)]]
            first = source_rows[np.argmax(source == of[at[0, 0]])]
            of_what = moment(np.concatenate([one.time_ns for one in before])[first])
            text = f"{len(copied):,} rows of {name} from {moment(copied[0])} to "
            text += f"{moment(copied[-1])} are, in their order, copies of rows from {of_what} on."
            found.append(_finding("equal_rows", name, text, strength=len(copied) / len(rows)))
    return found


def _statistics(
    kept: dict[SplitName, _Kept], seen: scales.Seen, contract: Contract
) -> list[Finding]:
    """The contract's mean and sigma against those of train, and of more rows."""
    train, valid, test = (kept[name].figures for name in SPLITS)
    more = {
        "train and valid": train + valid,
        "train, valid and test": train + valid + test,
        "all rows of the feature files": seen.figures.sum(axis=0),
    }

    def apart(figures: np.ndarray) -> np.ndarray:
        finite, _, _, total, squares = figures
        rounding = 8 * np.finfo(np.float64).eps * np.abs(contract.mean)
        with np.errstate(all="ignore"):
            moved = total / finite
            sigma = np.sqrt(np.maximum(squares / finite - moved * moved, 0.0))
            away = np.maximum(np.abs(moved), np.abs(sigma - contract.sigma)) - rounding
            away = np.maximum(away, 0.0) / np.where(contract.sigma > 0, contract.sigma, 1.0)
            return np.nan_to_num(away)

    off, rows = apart(train), len(kept["train"].time_ns)
    wrong = off > 1e-6
    listed = wrong | (contract.finite != train[0]) | (contract.nan != train[1])
    if not listed.any() and contract.rows == rows:
        return []
    fits = {name: int(np.sum(wrong & (30 * apart(of) < off))) for name, of in more.items()}
    best = max(fits, key=lambda name: fits[name])
    leak = 2 * fits[best] > np.sum(wrong)
    columns = [contract.names[at] for at in np.flatnonzero(listed)]
    text = f"The contract, of {contract.rows:,} rows, has not the figures of train ({rows:,} rows)"
    text += f", but of {best if leak else 'others'}: {some(columns)}."
    figures = {"strength": float(off.max()), "severity": "leak" if leak else "warning"}
    return [_finding("statistics_of_more_than_train", "contract", text, columns=columns, **figures)]
