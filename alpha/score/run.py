"""alpha score: a trained model on every row of feature files, whether it has a label or not."""

import glob
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from alpha.core import parallel
from alpha.core.artifacts import whole
from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError
from alpha.core.frames import open_writer
from alpha.data.features import FeatureFolder, open_folder
from alpha.data.params import Data
from alpha.learn.known import PART_ROWS
from alpha.score.live import label_of
from alpha.score.scorer import Scorer

SUMMARY = "score every row of feature files, labelled or not, with a trained model"
OPTIONS = [
    Option("--model", "a model that `alpha train` wrote, or that `alpha export` did"),
    Option("--features", "a feature file, or a folder of them"),
    Option("--normalization", "its contract, unless it is among the same results", required=False),
    Option("--symbol", "whose files, if symbols are normalized apart", type=str, required=False),
    Option("--out", "FILE.h5 or FILE.parquet for the predictions"),
]
SECTIONS = {"data": Data}


def command(params: Any, args: Arguments) -> None:
    given = {"model": args.model, "features": args.features, "out": args.out}
    run(params.data, normalization=args.normalization, symbol=args.symbol or "", **given)


def run(
    data: Data,
    *,
    model: Path,
    features: Path,
    normalization: Path | None = None,
    symbol: str = "",
    out: Path,
) -> None:
    """Write the predictions of every row that counts, in time order, to `out`: float64 columns
    prediction, and of classes a probability each. Prints how many rows there were, and how many
    values were clipped, or replaced as not finite. Raises InputError if the model, its contract
    and the files do not belong together, or for another ending of `out`."""
    if out.suffix not in (".h5", ".parquet"):
        raise InputError(f"--out must end in .h5 or .parquet, found {str(out)!r}")
    scorer = Scorer.load(model, normalization, symbol=symbol)
    if features.is_file():
        data = data.model_copy(update={"pattern": glob.escape(features.name)})
    folder = open_folder(features.parent if features.is_file() else features, data)
    scorer.check_features(folder.features, f"{features}: ")
    blocks = [(scorer.model.columns, np.dtype(np.float64))]
    duplicates = sum(file.duplicates for file in folder.files)
    rows = sum(file.rows for file in folder.files) - duplicates
    with whole(out) as part, TemporaryDirectory() as scratch:
        path = part if out.suffix == ".h5" else Path(scratch) / "scores.h5"
        with open_writer(path, blocks, rows=rows, tz_aware=folder.files[0].tz_aware) as writer:
            for time_ns, block, past in parallel.ahead(_parts(folder, scorer)):
                writer.append(time_ns, [scorer.score(block, past)])
        if path != part:
            from alpha.core.parquet import write_parquet  # which few users need

            write_parquet(path, part)
    counts = scorer.counts
    print(
        f"{out}: {rows:,} rows ({duplicates:,} more were repeated times), "
        f"{counts['replaced']:,} values not finite, {counts['clipped']:,} clipped"
    )


def _parts(
    folder: FeatureFolder, scorer: Scorer
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Times of the rows that count, their features as they are, and their past outcomes."""
    for file, past in zip(folder.files, _pasts(folder, scorer), strict=True):
        with folder.open(file) as frame:
            time_ns, kept = folder.times(file, frame)
            for piece in parallel.cut(len(kept), PART_ROWS):
                at = slice(piece.start, piece.stop)
                first, last = int(kept[at][0]), int(kept[at][-1])
                block = np.empty((len(piece), 0))
                if scorer.features:
                    block = frame.matrix(scorer.features, start=first, stop=last + 1)
                if len(block) > len(piece):
                    block = block[kept[at] - first]
                yield time_ns[at], block, past[at]


def _pasts(folder: FeatureFolder, scorer: Scorer) -> Iterator[np.ndarray]:
    """Past outcomes of each file's rows that count, (rows, 3), NaN if the model does not look."""
    if scorer.model.past:
        from alpha.label.run import label_files  # a compiler, which other models do without

        yield from (past[:, :3] for *_, past in label_files(folder, label_of(scorer.label)))
    else:
        yield from (np.full((file.rows - file.duplicates, 3), np.nan) for file in folder.files)
