"""Prediction: a trained model on every row of every split, beside the outcome that came."""

from pathlib import Path

import numpy as np

from alpha import dataset, models
from alpha.artifacts import read_json, whole_folder, write_json
from alpha.errors import InputError
from alpha.models import Predictor
from alpha.normalization import Contract, read_contract
from alpha.params import SPLITS
from alpha.progress import track
from alpha.store import Block, write_frame


def run(*, model: Path, splits: Path, normalization: Path, out: Path) -> None:
    """Write train.h5, valid.h5 and test.h5 (alpha_outcome and prediction, float64, at each
    row's time) and inputs.json (feature values clipped and replaced, per split).

    Raises InputError if the model was trained under another normalization contract.
    """
    contract = read_contract(normalization)
    fitted = load_model(model, contract)
    inputs = {}
    with whole_folder(out) as part:
        for name in track(SPLITS, "predict", total=len(SPLITS)):
            data = dataset.load(splits / name, contract)
            values = np.column_stack((data.y, fitted.predict(data.x)))
            block = Block(("alpha_outcome", "prediction"), values)
            write_frame(part / f"{name}.h5", data.time_ns, [block], aware=data.aware)
            inputs[name] = {
                "rows": len(data.y),
                "clipped": data.clipped,
                "replaced": data.replaced,
            }
        write_json(part / "inputs.json", inputs)


def load_model(folder: Path, contract: Contract) -> Predictor:
    """Load what `alpha train` wrote. Raises InputError unless it belongs to `contract`."""
    about = read_json(folder / "model.json")
    if about.get("normalization") != contract.hash:
        raise InputError(
            f"{folder}: was trained under another normalization contract "
            f"({str(about.get('normalization'))[:12]}) than the one given "
            f"({contract.hash[:12]}); train again"
        )
    fitted: Predictor = models.rung(about["model"]).load(folder)
    return fitted
