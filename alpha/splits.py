"""Splits: train, valid and test as ranges of time, with no window across a boundary."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alpha.artifacts import whole, whole_folder, write_json
from alpha.errors import InputError
from alpha.features import (
    LABEL_COLUMNS,
    FeatureFile,
    FeatureFolder,
    moment,
    open_folder,
)
from alpha.params import SPLITS, Data, Label, SplitName, Splits
from alpha.progress import track
from alpha.status import BAD_QUOTE, LABELLED
from alpha.store import Block, open_frame, record, write_frame

# What became of a row, by precedence: the first that holds is the one counted.
OUTSIDE, BAD, UNLABELLED, EMBARGOED, PURGED, KEPT = range(6)
FATES = ("outside", "bad", "unlabelled", "embargoed", "purged", "kept")


@dataclass(frozen=True)
class Range:
    """A split's range of time, [start_ns, end_ns), and where its rows may begin."""

    name: SplitName
    start_ns: int
    end_ns: int
    embargo_ns: int


def holdout(splits: Splits, *, first_ns: int, last_ns: int) -> tuple[Range, ...]:
    """Ranges of train, valid and test for data observed over [first_ns, last_ns].

    Fractions are of the observed span; the last of them ends just after the last row. The
    embargo applies at the start of valid and test. Raises InputError if explicit ranges are
    empty, out of order or overlapping.
    """
    embargo_ns = round(splits.embargo_seconds * 1e9)
    if splits.fractions is not None:
        span, start, share = last_ns + 1 - first_ns, first_ns, 0.0
        bounds = []
        for name in SPLITS:
            share += splits.fractions[name]
            end = first_ns + round(span * min(share, 1.0))
            bounds.append((name, start, end))
            start = end
    else:
        assert splits.times is not None
        bounds = [(name, _ns(splits.times[name][0]), _ns(splits.times[name][1])) for name in SPLITS]
    previous: tuple[str, int] | None = None
    for name, start, end in bounds:
        if end <= start:
            raise InputError(
                f"splits: {name} must end after it starts, found {moment(start)} to {moment(end)}"
            )
        if previous is not None and start < previous[1]:
            raise InputError(
                f"splits: {name} must start when {previous[0]} has ended ({moment(previous[1])}), "
                f"found {moment(start)}"
            )
        previous = (name, end)
    return tuple(
        Range(name, start, end, 0 if name == SPLITS[0] else embargo_ns)
        for name, start, end in bounds
    )


def fates(
    time_ns: np.ndarray,
    status: np.ndarray,
    ranges: tuple[Range, ...],
    *,
    horizon_ns: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Which range each row is in (−1: none) and what becomes of it, two (rows,) int8 arrays.

    A row is purged if its window, which ends at τ + horizon, reaches the end of its range.
    """
    which = np.full(len(time_ns), -1, dtype=np.int8)
    fate = np.full(len(time_ns), OUTSIDE, dtype=np.int8)
    for number, span in enumerate(ranges):
        inside = (time_ns >= span.start_ns) & (time_ns < span.end_ns)
        which[inside] = number
        fate[inside] = KEPT
        fate[inside & (time_ns + horizon_ns >= span.end_ns)] = PURGED
        fate[inside & (time_ns < span.start_ns + span.embargo_ns)] = EMBARGOED
        fate[inside & (status != LABELLED)] = UNLABELLED
        fate[inside & (status == BAD_QUOTE)] = BAD
    return which, fate


def run(
    data: Data, label: Label, splits: Splits, *, features: Path, labels: Path, out: Path
) -> None:
    """Write out/train, out/valid, out/test (a file for each feature file with rows in it, and
    nodes.json: alpha.store.logical) and out/summary.json, whose counts add up to the input's rows.

    Raises InputError if features and labels do not belong together or a split stays empty.
    """
    folder = open_folder(features, data)
    ranges = holdout(splits, first_ns=folder.first_ns, last_ns=folder.last_ns)
    # A line for each range, and the last for rows outside all (which = -1).
    counts = np.zeros((len(ranges) + 1, len(FATES)), dtype=np.int64)
    with whole_folder(out / "splits.scratch") as part:
        for span in ranges:
            (part / span.name).mkdir()
        for file in track(folder.files, "splits", total=len(folder.files)):
            label_block, status = _read_labels(labels / file.path.name, file)
            which, fate = fates(file.time_ns, status, ranges, horizon_ns=label.horizon_ns)
            np.add.at(counts, (which, fate), 1)
            for number, span in enumerate(ranges):
                chosen = np.flatnonzero((which == number) & (fate == KEPT))
                if len(chosen):
                    _write_part(part / span.name, folder, file, chosen, label_block, status)
        for number, span in enumerate(ranges):
            if counts[number, KEPT] == 0:
                raise InputError(_empty(span, counts[number]))
        write_json(part / "summary.json", _summary(folder, ranges, counts))
        for span in ranges:
            record(part / span.name)
    _publish(out)


def _publish(out: Path) -> None:
    """Move the finished folders into place: each is an artifact of its own."""
    scratch = out / "splits.scratch"
    for name in (*SPLITS, "summary.json"):
        with whole(out / name, folder=name in SPLITS) as part:
            (scratch / name).rename(part)
    scratch.rmdir()


def _write_part(
    split: Path,
    folder: FeatureFolder,
    file: FeatureFile,
    chosen: np.ndarray,
    label_block: np.ndarray,
    status: np.ndarray,
) -> None:
    """Write the chosen rows of one file: features as they are, then labels."""
    rows = file.kept[chosen]
    first, stop = int(rows[0]), int(rows[-1]) + 1
    blocks = []
    with folder.open(file) as frame:
        for narrow in (True, False):
            names = tuple(
                name
                for name in folder.features
                if (np.result_type(np.float32, frame.columns[name]) == np.float32) == narrow
            )
            if names:
                matrix = frame.matrix(names, start=first, stop=stop)
                blocks.append(Block(names, matrix[rows - first]))
    blocks.append(Block(LABEL_COLUMNS[:-1], label_block[chosen]))
    blocks.append(Block(LABEL_COLUMNS[-1:], status[chosen, None]))
    write_frame(split / file.path.name, file.time_ns[chosen], blocks, aware=file.aware)


def _read_labels(path: Path, file: FeatureFile) -> tuple[np.ndarray, np.ndarray]:
    with open_frame(path, key="df") as frame:
        if not np.array_equal(frame.time_ns(), file.time_ns):
            raise InputError(
                f"{path}: must have the timestamps of {file.path} ({len(file.time_ns)} rows "
                f"without duplicates), found others ({frame.rows} rows); label again"
            )
        return frame.matrix(LABEL_COLUMNS[:-1]), frame.column(LABEL_COLUMNS[-1]).astype(np.int8)


def _summary(
    folder: FeatureFolder, ranges: tuple[Range, ...], counts: np.ndarray
) -> dict[str, Any]:
    duplicates = sum(file.duplicates for file in folder.files)
    total = {fate: int(counts[:, code].sum()) for code, fate in enumerate(FATES)}
    return {
        "input_rows": sum(file.rows for file in folder.files),
        "counts": {"duplicates": duplicates, **total},
        "splits": {
            span.name: {
                "start": moment(span.start_ns),
                "end": moment(span.end_ns),
                "rows": int(counts[number].sum()),
                **{
                    fate: int(counts[number, code])
                    for code, fate in enumerate(FATES)
                    if code != OUTSIDE
                },
            }
            for number, span in enumerate(ranges)
        },
    }


def _empty(span: Range, counts: np.ndarray) -> str:
    lost = [f"{count} {FATES[code]}" for code, count in enumerate(counts) if count]
    return (
        f"splits: {span.name} ({moment(span.start_ns)} to {moment(span.end_ns)}) must keep at "
        f"least one row, found none: {', '.join(lost) if lost else 'no row in its range'}"
    )


def _ns(when: dt.datetime | dt.date) -> int:
    """Nanoseconds since 1970 of a moment in UTC; naive means UTC, a date its midnight."""
    if not isinstance(when, dt.datetime):
        when = dt.datetime.combine(when, dt.time())
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return (
        round((when - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(microseconds=1)) * 1000
    )
