"""Scores of feature files: a trained model on every row, whether it has a label or not."""

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from alpha.core import parallel
from alpha.core.artifacts import whole
from alpha.core.errors import InputError
from alpha.core.frames import open_writer
from alpha.core.text import some
from alpha.data.columns import PAST_COLUMNS
from alpha.data.contract import Contract, apply
from alpha.data.features import FeatureFolder, open_folder
from alpha.data.params import Data
from alpha.learn.known import PART_ROWS, Known, expected
from alpha.learn.saved import Model
from alpha.score.live import label_of
from alpha.score.scorer import load_trained


def run(
    data: Data, *, model: Path, features: Path, normalization: Path | None = None, out: Path
) -> None:
    """Write the predictions of every row that counts, in time order, to `out`: float64 columns
    prediction, and of classes a probability each. Prints how many rows there were, and how many
    values were clipped, or replaced as not finite. Raises InputError if the model, its contract
    and the files do not belong together, or for another ending of `out`."""
    if out.suffix not in (".h5", ".parquet"):
        raise InputError(f"--out must end in .h5 or .parquet, found {str(out)!r}")
    found, contract = load_trained(model, normalization)
    if features.is_file():
        data = data.model_copy(update={"pattern": glob.escape(features.name)})
        features = features.parent
    folder = open_folder(features, data)
    names = [name for name in contract.names if name not in folder.features]
    if found.features and names:
        raise InputError(f"{features}: must have every feature of the model, not {some(names)}")
    classes = found.classes
    columns = ("prediction", *(f"probability_{at}" for at in range(len(classes))))
    rows = sum(file.rows - file.duplicates for file in folder.files)
    counts = {"clipped": 0, "replaced": 0}
    with whole(out) as part:
        writer = _open_writer(out, part, columns, rows, tz_aware=folder.files[0].tz_aware)
        with writer as target:
            for time_ns, known, clipped, replaced in parallel.ahead(
                _parts(folder, found, contract)
            ):
                prediction = found.fitted.predict(known)
                values = [expected(prediction, classes)]
                values += list(prediction.T) if classes else []
                target.append(time_ns, [np.column_stack(values)])
                counts["clipped"] += clipped
                counts["replaced"] += replaced
    duplicates = sum(file.duplicates for file in folder.files)
    print(
        f"{out}: {rows:,} rows ({duplicates:,} more were repeated times), "
        f"{counts['replaced']:,} values not finite, {counts['clipped']:,} clipped"
    )


def _open_writer(
    out: Path, part: Path, columns: tuple[str, ...], rows: int, *, tz_aware: bool
) -> Any:
    blocks = [(columns, np.dtype(np.float64))]
    if out.suffix == ".h5":
        return open_writer(part, blocks, rows=rows, tz_aware=tz_aware)
    from alpha.core.parquet import open_parquet_writer

    return open_parquet_writer(part, blocks, rows=rows, tz_aware=tz_aware)


def _parts(
    folder: FeatureFolder, model: Model, contract: Contract
) -> Iterator[tuple[np.ndarray, Known, int, int]]:
    """Times of the rows that count, what is known at them, and how many values were clipped and
    replaced."""
    pasts = _pasts(folder, model)
    for file, past in zip(folder.files, pasts, strict=True):
        with folder.open(file) as frame:
            time_ns, kept = folder.times(file, frame)
            for piece in parallel.cut(len(kept), PART_ROWS):
                rows = slice(piece.start, piece.stop)
                x, clipped, replaced = np.empty((len(piece), 0), dtype=np.float32), 0, 0
                if model.features:
                    start, stop = int(kept[piece.start]), int(kept[piece.stop - 1]) + 1
                    block = frame.matrix(contract.names, start=start, stop=stop)
                    if len(block) > len(piece):
                        block = block[kept[rows] - start]
                    x, clipped, replaced = apply(block, contract)
                yield time_ns[rows], Known(x, past[rows]), clipped, replaced


def _pasts(folder: FeatureFolder, model: Model) -> Iterator[np.ndarray]:
    """Past outcomes of each file's rows that count, (rows, 3), NaN if the model does not look."""
    if not model.past:
        for file in folder.files:
            yield np.full((file.rows - file.duplicates, 3), np.nan)
        return
    from alpha.label.run import label_files

    for *_, past in label_files(folder, label_of(model.about.get("label"))):
        yield past[:, : len(PAST_COLUMNS) - 1]
