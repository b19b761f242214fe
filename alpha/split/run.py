"""Splits: train, valid and test as ranges of time, with no window across a boundary."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from alpha.core.artifacts import whole_outs, write_json
from alpha.core.errors import InputError
from alpha.core.frames import FrameReader, import_ahead, open_frame, open_writer
from alpha.core.text import track
from alpha.data.columns import LABEL_COLUMNS, LABELLED
from alpha.data.features import FeatureFile, FeatureFolder, moment, open_folder
from alpha.data.params import Data, Label
from alpha.split import Split
from alpha.split.ranges import KEPT, ROW_STATUS, Range, holdout, row_status, rows_of

# Rows that are read, compressed and written at a time.
_ROWS = 1 << 14


def run(
    data: Data, label: Label, splits: Split, *, features: Path, labels: Path, out: Path
) -> None:
    """Write out/train, out/valid, out/test (a file for each feature file with rows in it) and
    out/summary.json, whose counts add up to the input's rows. Raises InputError if features and
    labels do not belong together or a split stays empty."""
    import_ahead()
    folder = open_folder(features, data)
    ranges = holdout(splits, folder.each_time, max_gap_ns=label.max_gap_ns)
    with whole_outs(out) as part:
        for span in ranges:
            (part / span.name).mkdir()
        # A line for each range, and the last for rows outside all (which = -1).
        counts = np.zeros((len(ranges) + 1, len(ROW_STATUS)), dtype=np.int64)
        for file in track(folder.files, "split", total=len(folder.files)):
            counts += _cut(file, folder, ranges, labels, part, horizon_ns=label.horizon_ns)
        by_split, whole = {}, {"first_ns": folder.first_ns, "last_ns": folder.last_ns}
        for span, found in zip(ranges, counts[:-1].tolist(), strict=True):
            ends = {"start": moment(span.start_ns), "end": moment(span.end_ns)}
            by_split[span.name] = {**ends, "rows": sum(found), **rows_of(span, found, **whole)}
        of_all = dict(zip(ROW_STATUS, counts.sum(axis=0).tolist(), strict=True))
        summary = {
            "input_rows": sum(file.rows for file in folder.files),
            "counts": {"duplicates": sum(file.duplicates for file in folder.files), **of_all},
            "splits": by_split,
        }
        write_json(part / "summary.json", summary)


def _cut(
    file: FeatureFile,
    folder: FeatureFolder,
    ranges: tuple[Range, ...],
    labels: Path,
    out: Path,
    *,
    horizon_ns: int,
) -> np.ndarray:
    """Write one feature file's rows into the splits' folders in `out`: features as they are, then
    labels, with _ROWS rows in memory at once. Returns how many rows had which status, (ranges + 1,
    ROW_STATUS) int64, the last line for rows outside all ranges."""
    with folder.open(file) as frame, open_frame(labels / file.name) as known:
        time_ns, kept = folder.times(file, frame)
        if not np.array_equal(known.time_ns(), time_ns):
            raise InputError(
                f"{known.path}: must have the timestamps of {file.path} ({len(time_ns)} rows "
                f"without duplicates), found others ({known.rows} rows); label again"
            )
        label_status = known.column(LABEL_COLUMNS[-1]).astype(np.int8)
        which, status = row_status(time_ns, label_status, ranges, horizon_ns=horizon_ns)
        blocks: list[tuple[tuple[str, ...], np.dtype]] = []
        of = {name: np.result_type(np.float32, frame.columns[name]) for name in folder.features}
        for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
            if names := tuple(name for name in of if of[name] == dtype):
                blocks.append((names, dtype))
        outcomes = LABEL_COLUMNS[:-1]
        columns = [*blocks, (outcomes, np.dtype(np.float64)), (LABEL_COLUMNS[-1:], status.dtype)]
        for number, span in enumerate(ranges):
            chosen = np.flatnonzero((which == number) & (status == KEPT))
            if len(chosen) == 0:
                continue
            # Their numbers in the feature file; `chosen` are those in the label file.
            rows = kept[chosen]
            path, count = out / span.name / file.name, len(chosen)
            with open_writer(path, columns, rows=count, tz_aware=frame.tz_aware) as writer:
                for at in _slabs(rows):
                    values = [_rows(frame, names, rows[at]) for names, _ in blocks]
                    values.append(_rows(known, outcomes, chosen[at]))
                    values.append(np.full((len(chosen[at]), 1), LABELLED, dtype=np.int8))
                    writer.append(time_ns[chosen[at]], values)
    # Outside is which = -1: the last line.
    counts = np.zeros((len(ranges) + 1, len(ROW_STATUS)), dtype=np.int64)
    np.add.at(counts, (which, status), 1)
    return counts


def _slabs(rows: np.ndarray) -> Iterator[slice]:
    """Cut ascending row numbers so that those of a slab reach over at most _ROWS rows."""
    start = 0
    while start < len(rows):
        stop = int(np.searchsorted(rows, rows[start] + _ROWS))
        yield slice(start, stop)
        start = stop


def _rows(frame: FrameReader, names: Sequence[str], rows: np.ndarray) -> np.ndarray:
    """Columns of the given rows, in ascending order: read from the first to the last of them."""
    first, stop = int(rows[0]), int(rows[-1]) + 1
    values: np.ndarray = frame.matrix(names, start=first, stop=stop)
    return values if len(values) == len(rows) else values[rows - first]
