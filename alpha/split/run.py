"""Splits: train, valid and test as ranges of time, with no window across a boundary."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from alpha.core.artifacts import whole_folder, write_json
from alpha.core.errors import InputError
from alpha.core.frames import FrameReader, import_ahead, open_frame, open_writer
from alpha.core.text import track
from alpha.data.columns import LABEL_COLUMNS, LABELLED, SPLITS
from alpha.data.features import FeatureFile, FeatureFolder, all_times, open_symbols
from alpha.data.params import Data, Label
from alpha.data.splits import ROWS
from alpha.split import Split
from alpha.split.ranges import KEPT, ROW_STATUS, row_status, summarize
from alpha.split.schemes import Fold, chosen, scheme

# Rows that are read, compressed and written at a time.
_ROWS = 1 << 14


def run(
    data: Data, label: Label, splits: Split, *, features: Path, labels: Path, out: Path
) -> None:
    """Write out/paths.json, and for each fold, in a folder of its number, the folders train, valid
    and test, and summary.json, whose counts add up to the input's rows. With holdout a split has a
    file for each feature file with rows of it; else out/rows has all rows with a label once, and
    rows.json says which of them are the split's, and a digest of them, so that it changes with
    them. Raises InputError if features and labels do not belong together or a split stays empty."""
    import_ahead()
    folders = open_symbols(features, data)
    times, pairs = partial(all_times, folders), [(of, file) for of in folders for file in of.files]
    folds, paths = chosen(splits, scheme(splits, times, max_gap_ns=label.max_gap_ns))
    # A line for each range, and the last for rows outside all (which = -1).
    counts = [
        {of.symbol: np.zeros((len(fold) + 1, len(ROW_STATUS)), dtype=np.int64) for of in folders}
        for fold in folds
    ]
    lists: list[dict[str, list[Any]]] = [{name: [] for name in SPLITS} for _ in folds]
    with whole_folder(out) as part:
        for folder, file in track(pairs, "split", total=len(pairs)):
            with folder.open(file) as frame, open_frame(labels / file.name) as known:
                rows = _Rows(file, folder, frame, known)
                kept = [
                    _kept(rows, fold, count[folder.symbol], label.horizon_ns)
                    for fold, count in zip(folds, counts, strict=True)
                ]
                if splits.scheme == "holdout":
                    for span, those in zip(folds[0], kept[0], strict=True):
                        rows.write(part / str(splits.folds[0]) / span.name / file.name, those)
                    continue
                labelled = np.flatnonzero(rows.status == LABELLED)
                digests: dict[range, Any] = {}
                for fold, of_fold, listed in zip(folds, kept, lists, strict=True):
                    for span, those in zip(fold, of_fold, strict=True):
                        if len(those):
                            start, last = np.searchsorted(labelled, those[[0, -1]]).tolist()
                            digest = digests.setdefault(range(start, last + 1), sha256())
                            listed[span.name].append((file.name, start, last + 1, digest))
                if digests:
                    rows.write(part / "rows" / file.name, labelled, digests)
        input_rows = sum(file.rows for _, file in pairs)
        duplicates = sum(file.duplicates for _, file in pairs)
        first_ns = min(folder.first_ns for folder in folders)
        last_ns = max(folder.last_ns for folder in folders)
        for number, fold, count, listed in zip(splits.folds, folds, counts, lists, strict=True):
            into = part / str(number)
            into.mkdir(exist_ok=True)
            total: Any = sum(count.values())
            of_all = dict(zip(ROW_STATUS, total.sum(axis=0).tolist(), strict=True))
            ends = {"first_ns": first_ns, "last_ns": last_ns}
            only = splits.scheme == "holdout"
            by_split = summarize(fold, count, **ends, number=None if only else number)
            summary = {"input_rows": input_rows, "counts": {"duplicates": duplicates, **of_all}}
            # Columns that not all symbols have.
            left_out = {folder.symbol: folder.left_out for folder in folders if folder.left_out}
            write_json(into / "summary.json", {**summary, "splits": by_split, "left_out": left_out})
            for split, found in listed.items() if splits.scheme != "holdout" else ():
                (into / split).mkdir(parents=True)
                content = [[*place, digest.hexdigest()] for *place, digest in found]
                write_json(into / split / ROWS, {"rows": content})
        blocks = [[block._asdict() for block in path] for path in paths]
        write_json(part / "paths.json", {"paths": blocks})


def _kept(rows: "_Rows", fold: Fold, counts: np.ndarray, horizon_ns: int) -> list[np.ndarray]:
    """The numbers of the rows that each range keeps, ascending; adds to `counts`, (ranges + 1,
    ROW_STATUS) int64, how many rows have which status."""
    which, status = row_status(rows.time_ns, rows.status, fold, horizon_ns=horizon_ns)
    np.add.at(counts, (which, status), 1)
    return [np.flatnonzero((which == at) & (status == KEPT)) for at in range(len(fold))]


class _Rows:
    """The rows of one feature file that count, with their labels: `time_ns` (rows,) int64, and
    `status` (rows,) int8 of the label."""

    def __init__(
        self, file: FeatureFile, folder: FeatureFolder, frame: FrameReader, known: FrameReader
    ) -> None:
        self._frame, self._known = frame, known
        self.time_ns, self._kept = folder.times(file, frame)
        if not np.array_equal(known.time_ns(), self.time_ns):
            raise InputError(
                f"{known.path}: must have the timestamps of {file.path} ({len(self.time_ns)} rows "
                f"without duplicates), found others ({known.rows} rows); label again"
            )
        self.status = known.column(LABEL_COLUMNS[-1]).astype(np.int8)
        of = {name: np.result_type(np.float32, frame.columns[name]) for name in folder.features}
        self._blocks: list[tuple[tuple[str, ...], np.dtype]] = []
        for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
            if names := tuple(name for name in of if of[name] == dtype):
                self._blocks.append((names, dtype))

    def write(
        self, path: Path, those: np.ndarray, digests: Mapping[range, Any] | None = None
    ) -> None:
        """Write those rows, by their numbers, ascending: features as they are, then labels, with
        _ROWS rows in memory at once; nothing without a row. Each of the `digests` takes in a range
        of what is written."""
        if not len(those):
            return
        outcomes = LABEL_COLUMNS[:-1]
        columns = [
            *self._blocks, (outcomes, np.dtype(np.float64)), (LABEL_COLUMNS[-1:], np.dtype(np.int8))
        ]  # fmt: skip
        # Their numbers in the feature file; `those` are those in the label file.
        rows, tz_aware = self._kept[those], self._frame.tz_aware
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_writer(path, columns, rows=len(those), tz_aware=tz_aware) as writer:
            for at in _slabs(rows):
                values = [_rows(self._frame, names, rows[at]) for names, _ in self._blocks]
                values.append(_rows(self._known, outcomes, those[at]))
                values.append(np.full((len(those[at]), 1), LABELLED, dtype=np.int8))
                writer.append(self.time_ns[those[at]], values)
                for span, digest in (digests or {}).items():
                    part = slice(max(span.start - at.start, 0), max(span.stop - at.start, 0))
                    for column in (self.time_ns[those[at]], *values):
                        digest.update(np.ascontiguousarray(column[part]))


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
