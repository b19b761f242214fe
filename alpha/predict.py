"""Prediction: a trained model on every row of every split, beside the outcome that came."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from alpha import dataset, models
from alpha.artifacts import read_json, whole_folder, write_json
from alpha.dataset import Dataset
from alpha.errors import InputError
from alpha.models import Predictor
from alpha.normalization import Contract, read_contract
from alpha.objective import expected
from alpha.params import SPLITS
from alpha.progress import track
from alpha.store import Block, write_frame


def run(*, model: Path, splits: Path, normalization: Path, out: Path) -> None:
    """Write train.h5, valid.h5 and test.h5 (at each row's time and in float64: alpha_outcome,
    prediction, past_volatility, and of classes a probability each) and inputs.json (feature
    values clipped and replaced, per split); of a model's rival the same in the folder rival.

    Raises InputError if the model was trained under another normalization contract.
    """
    contract = read_contract(normalization)
    rung, fitted = load_model(model, contract)
    predictors = {".": fitted}
    if (model / "rival").is_dir():
        predictors["rival"] = load_model(model / "rival", contract)[1]
    classes = read_json(model / "model.json")["classes"]
    inputs = {}
    with whole_folder(out) as part:
        for folder in predictors:
            (part / folder).mkdir(exist_ok=True)
        for name in track(SPLITS, "predict", total=len(SPLITS)):
            data = dataset.load(splits / name, contract, features=rung.FEATURES)
            for folder, predictor in predictors.items():
                write_predictions(
                    part / folder / f"{name}.h5", data, predictor.predict(data.known), classes
                )
            inputs[name] = {
                "rows": len(data.y),
                "clipped": data.clipped,
                "replaced": data.replaced,
            }
        write_json(part / "inputs.json", inputs)


def write_predictions(
    path: Path, data: Dataset, prediction: np.ndarray, classes: Sequence[float]
) -> None:
    """Write outcomes (rows,), or probabilities (rows, classes) and the expected class code."""
    names = ["alpha_outcome", "prediction", "past_volatility"]
    columns = [data.y, expected(prediction, classes), data.volatility]
    if classes:
        names += [f"probability_{at}" for at in range(len(classes))]
        columns += list(prediction.T)
    block = Block(tuple(names), np.column_stack(columns))
    write_frame(path, data.time_ns, [block], aware=data.aware)


def load_model(folder: Path, contract: Contract) -> tuple[ModuleType, Predictor]:
    """Load what `alpha train` wrote, and its rung. Raises InputError unless it belongs to
    `contract`: other features, another order of them, or other families."""
    about = read_json(folder / "model.json")
    if about.get("normalization") != contract.hash:
        raise InputError(
            f"{folder}: was trained under another normalization contract "
            f"({str(about.get('normalization'))[:12]}) than the one given "
            f"({contract.hash[:12]}); train again"
        )
    rung = models.rung(about["model"])
    fitted: Predictor = rung.load(folder)
    return rung, fitted
