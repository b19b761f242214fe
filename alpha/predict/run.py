"""Prediction: trained models on every row of every split, beside the outcome that came."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from operator import methodcaller
from pathlib import Path

import numpy as np

from alpha.core import parallel
from alpha.core.artifacts import whole_folder, write_manifest
from alpha.core.errors import InputError
from alpha.core.frames import FrameWriter, open_writer
from alpha.core.text import track
from alpha.data.columns import SPLITS
from alpha.data.contract import read_contract
from alpha.data.splits import check_splits, split_pieces, split_symbols
from alpha.learn import dataset, saved
from alpha.learn.dataset import Dataset
from alpha.learn.kinds import MATCHED_MLP
from alpha.learn.saved import Model, load_model


def run(*, models: Path, splits: Path, normalization: Path, out: Path) -> None:
    """Predict with every trained model in the folder `models`, wherever in it a model.json is.

    Writes for each, to the same folder in `out`, train.h5, valid.h5 and test.h5 (float64 columns
    alpha_outcome, prediction, past_volatility, and of classes a probability each), or of several
    symbols folders train, valid and test with a file of each, and inputs.json (rows, and how many
    feature values were clipped and replaced, per split; and what predictions were made from).
    Raises InputError if there is no model, if one is not as it was trained under this contract and
    on these rows, or if these are not as `alpha split` wrote them.
    """
    contract = read_contract(normalization)
    # By either file, as one that lost its model.json is not to be left out in silence. A training
    # that was killed may have left a .part.
    trained = {path.parent for name in (saved.NAME, "history.csv") for path in models.rglob(name)}
    inside = sorted(folder.relative_to(models) for folder in trained)
    folders = [of for of in inside if not any(name.endswith(".part") for name in of.parts)]
    if not folders:
        raise InputError(f"{models}: must hold models that `alpha train` wrote, found none")
    found = {folder: load_model(models / folder, contract) for folder in folders}
    digests = check_splits(splits)
    for folder, model in found.items():
        if not digests.items() >= model.about.get("splits", {"train": ""}).items():
            must = f"must be trained on the rows in {splits}, found a model of others"
            raise InputError(f"{models / folder}: {must}; train again")
    features = any(model.features for model in found.values())
    inputs: dict[Path, dict[str, Counter[str]]] = {}
    parts = [(name, symbol) for name in SPLITS for symbol in split_symbols(splits / name)]
    with whole_folder(out) as part:
        for name, symbol in track(parts, "predict", total=len(parts)):
            pieces = split_pieces(splits / name, symbol)
            rows = sum(len(piece.rows) for piece in pieces)
            read = parallel.ahead(dataset.read_parts(pieces, contract, features=features))
            targets: dict[Path, Model] = {}
            runs: list[tuple[Path, Model]] = []
            for folder, model in found.items():
                if model.about.get("symbol", symbol) == symbol:
                    runs.append((_run(folder, model), model))
                    path = part / runs[-1][0] / name / f"{symbol}.h5"
                    path = path if symbol else path.parent.with_suffix(".h5")
                    path.parent.mkdir(parents=True, exist_ok=True)
                    targets[path] = model
            counts = write_predictions(targets, read, rows=rows)
            for run, model in runs:
                unseen = {} if model.features else {"clipped": 0, "replaced": 0}
                inputs.setdefault(run, {}).setdefault(name, Counter()).update(counts | unseen)
        # Of a run inside another first, as it is among the other's files.
        for run in sorted(inputs, reverse=True):
            made_from = {"models": saved.digests(models / run), "splits": digests}
            write_manifest(part / run / "inputs.json", inputs[run] | made_from)


def _run(folder: Path, model: Model) -> Path:
    """The folder of a run, without that of the symbol that its model is of."""
    if "symbol" not in model.about:
        return folder
    matched = folder.name == MATCHED_MLP
    return folder.parent.parent / MATCHED_MLP if matched else folder.parent


def write_predictions(
    models: Mapping[Path, Model], parts: Iterable[Dataset], *, rows: int
) -> dict[str, int]:
    """Write each model's file, part after part of a split with so many rows. Returns how many rows
    there were, and how many feature values were clipped and replaced."""
    inputs = Counter({"rows": 0, "clipped": 0, "replaced": 0})
    writers: dict[Path, FrameWriter] = {}
    with ExitStack() as stack:
        for data in parts:
            predictions = parallel.each(methodcaller("predict", data.known), models.values())
            for (path, model), columns in zip(models.items(), predictions, strict=True):
                if path not in writers:
                    prediction, *probabilities = model.columns
                    names = ("alpha_outcome", prediction, "past_volatility", *probabilities)
                    blocks = [(names, np.dtype(np.float64))]
                    writer = open_writer(path, blocks, rows=rows, tz_aware=data.tz_aware)
                    writers[path] = stack.enter_context(writer)
                values = data.y, columns[:, 0], data.volatility, columns[:, 1:]
                writers[path].append(data.time_ns, [np.column_stack(values)])
            inputs.update(rows=len(data.y), clipped=data.clipped, replaced=data.replaced)
            del data  # or this part would be in memory while the next is read
    return dict(inputs)
