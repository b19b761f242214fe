"""What tests wrote by hand, with the digests that the steps would have written."""

from collections.abc import Sequence
from pathlib import Path

from conftest import PARAMS_TEXT

from alpha.check import parse
from alpha.core.artifacts import read_json, write_json, write_manifest
from alpha.core.frames import open_frame
from alpha.data.columns import SPLITS
from alpha.data.params import Label
from alpha.data.splits import ROWS, rows_digest, split_digest, write_rows
from alpha.learn.saved import digests

# Of the tests' params.
LABEL = parse(PARAMS_TEXT, source="params.yaml").label


def seal_split(split: Path, label: Label = LABEL) -> None:
    """Write rows.json of a split's files, in time order."""
    found = []
    for path in split.rglob("*.h5"):
        with open_frame(path) as frame:
            rows = path.relative_to(split).as_posix(), range(frame.rows), rows_digest(frame)
            found.append((int(frame.time_ns(stop=1)[0]), rows))
    write_rows(split, label, [rows for _, rows in sorted(found)])


def seal_splits(splits: Path, folds: Sequence[int] = (0,), label: Label = LABEL) -> None:
    """Write rows.json of splits that nobody reads."""
    for split in (splits / str(fold) / name for fold in folds for name in SPLITS):
        split.mkdir(parents=True, exist_ok=True)
        of = label.model_dump(mode="json")
        write_json(split / ROWS, {"split": "", "label": of, "rows": [["a.h5", 0, 1, ""]]})
        (split.parent / "summary.json").write_text("{}")


def seal_predictions(predictions: Path, splits: Path, models: Path | None = None) -> None:
    """Write inputs.json of every run, as predicted from these splits by these models."""
    runs = {path.parent for path in predictions.rglob("*.h5")}
    for run in sorted({of.parent if of.name in SPLITS else of for of in runs}, reverse=True):
        path, inside = run / "inputs.json", run.relative_to(predictions)
        counts = {name: {"clipped": 0, "replaced": 0} for name in SPLITS}
        given = {name: split_digest(splits / inside.parts[0] / name) for name in SPLITS}
        made_from = {"splits": given, "models": digests(models / inside) if models else {}}
        write_manifest(path, counts | (read_json(path) if path.exists() else {}) | made_from)
