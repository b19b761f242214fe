"""Splits: train, valid and test as ranges of time, with no window across a boundary."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
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
from alpha.data.splits import RowsDigest, blocks_of, check_labels, write_rows
from alpha.split import Split
from alpha.split.ranges import KEPT, ROW_STATUS, count_rows, summarize
from alpha.split.schemes import chosen, scheme

# Rows that are read, compressed and written at a time.
_ROWS = 1 << 14


def run(
    data: Data, label: Label, splits: Split, *, features: Path, labels: Path, out: Path
) -> None:
    """Write out/paths.json, and for each fold, in a folder of its number, the folders train, valid
    and test, and summary.json, whose counts add up to the input's rows. With holdout a split has a
    file for each feature file with rows of it; else out/rows has all rows with a label once. A
    split's rows.json says which rows are its, and a digest of them, so that it changes with them.
    Raises InputError if features and labels do not belong together or a split stays empty."""
    import_ahead()
    folders = open_symbols(features, data)
    quotes = check_labels(labels, label, folders)
    times, pairs = partial(all_times, folders), [(of, file) for of in folders for file in of.files]
    folds, paths = chosen(splits, scheme(splits, times, max_gap_ns=label.max_gap_ns))
    counts: list[dict[str, np.ndarray]] = [{} for _ in folds]
    lists: list[dict[str, list[Any]]] = [{name: [] for name in SPLITS} for _ in folds]
    of_folds = list(zip(splits.folds, folds, counts, lists, strict=True))
    alone = splits.scheme == "holdout"
    with whole_folder(out) as part:
        for folder, file in track(pairs, "split", total=len(pairs)):
            with folder.open(file) as frame, open_frame(labels / file.name) as known:
                rows = _Rows(file, folder, frame, known)
                labelled, digests = np.flatnonzero(rows.status == LABELLED), dict[range, Any]()
                for number, fold, count, listed in of_folds:
                    given = count, folder.symbol, fold, rows.time_ns, rows.status
                    which, status = count_rows(*given, horizon_ns=label.horizon_ns)
                    for at, span in enumerate(fold):
                        those = np.flatnonzero((which == at) & (status == KEPT))
                        if not len(those):
                            continue
                        written = those if alone else labelled
                        start, last = np.searchsorted(written, those[[0, -1]]).tolist()
                        of, first_ns = range(start, last + 1), int(rows.time_ns[those[0]])
                        digest = rows.digest() if alone else digests.setdefault(of, rows.digest())
                        listed[span.name].append((first_ns, file.name, of, digest))
                        if alone:
                            path = part / str(number) / span.name / file.name
                            rows.write(path, those, {of: digest})
                if digests:
                    rows.write(part / "rows" / file.name, labelled, digests)
        input_rows = sum(file.rows for _, file in pairs)
        duplicates = sum(file.duplicates for _, file in pairs)
        ends = min(folder.first_ns for folder in folders), max(folder.last_ns for folder in folders)
        for number, fold, count, listed in of_folds:
            into = part / str(number)
            into.mkdir(exist_ok=True)
            total: Any = sum(count.values())
            of_all = dict(zip(ROW_STATUS, total.sum(axis=0).tolist(), strict=True))
            by_split = summarize(fold, count, ends, None if alone else number)
            summary = {"input_rows": input_rows, "counts": {"duplicates": duplicates, **of_all}}
            # Columns that not all symbols have.
            left_out = {folder.symbol: folder.left_out for folder in folders if folder.left_out}
            write_json(into / "summary.json", {**summary, "splits": by_split, "left_out": left_out})
            for split, found in listed.items():
                (into / split).mkdir(exist_ok=True)
                in_order = sorted(found, key=itemgetter(0, 1))
                pieces = [(name, of, digest.hexdigest()) for _, name, of, digest in in_order]
                write_rows(into / split, label, pieces)
        blocks = [[block._asdict() for block in path] for path in paths]
        write_json(part / "paths.json", {"paths": blocks, "features": quotes})


class _Rows:
    """The rows of one feature file that count, with their labels: `time_ns` (rows,) int64, and
    `status` (rows,) int8 of the label."""

    def __init__(
        self, file: FeatureFile, folder: FeatureFolder, frame: FrameReader, known: FrameReader
    ) -> None:
        self._frame, self._known = frame, known
        self.time_ns, self._kept = folder.times(file, frame)
        self.status, outcome = known.matrix((LABEL_COLUMNS[-1], "alpha_outcome")).T
        if (bad := (self.status == LABELLED) & ~np.isfinite(outcome)).any():
            row, must = int(np.argmax(bad)), "must have a finite outcome where status is 0"
            raise InputError(f"{known.path}: row {row}: {must}, found {outcome[row]}; label again")
        self._blocks = blocks_of(frame, folder.features)

    def digest(self) -> RowsDigest:
        return RowsDigest(self._blocks)

    def write(self, path: Path, those: np.ndarray, digests: Mapping[range, RowsDigest]) -> None:
        """Write those rows, by their numbers, ascending, at least one: features as they are, then
        labels, with _ROWS rows in memory at once. Each of the `digests` takes in a range of what is
        written."""
        # Their numbers in the feature file; `those` are those in the label file.
        rows, tz_aware = self._kept[those], self._frame.tz_aware
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_writer(path, self._blocks, rows=len(those), tz_aware=tz_aware) as writer:
            for at in _slabs(rows):
                values = [_rows(self._frame, names, rows[at]) for names, _ in self._blocks[:-2]]
                values.append(_rows(self._known, self._blocks[-2][0], those[at]))
                values.append(np.full((len(those[at]), 1), LABELLED, dtype=np.int8))
                time_ns = self.time_ns[those[at]]
                writer.append(time_ns, values)
                for span, digest in digests.items():
                    part = slice(max(span.start - at.start, 0), max(span.stop - at.start, 0))
                    digest.update(time_ns[part], [block[part] for block in values])


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
