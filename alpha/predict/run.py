"""Prediction: a trained model on every row of every split, beside the outcome that came."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from alpha.core import parallel
from alpha.core.artifacts import parse, whole_folder, write_json
from alpha.core.errors import InputError
from alpha.core.frames import FrameWriter, open_writer
from alpha.core.progress import track
from alpha.data.columns import SPLITS
from alpha.data.contract import Contract, read_contract
from alpha.data.params import CLASSES
from alpha.data.splits import split_sizes
from alpha.learn import dataset
from alpha.learn import predictor as models
from alpha.learn.dataset import Dataset
from alpha.learn.losses import expected
from alpha.learn.predictor import Predictor


class _About(BaseModel):
    """model.json, as far as prediction needs it."""

    model_config = ConfigDict(strict=True)

    model: str
    normalization: str
    classes: list[float]
    # Names without a folder, so that nothing outside of the model's is looked at.
    files: dict[
        Annotated[str, Field(pattern=r"^\w+\.\w+$")],
        Annotated[str, Field(pattern="^[0-9a-f]{64}$")],
    ] = Field(min_length=1)

    @field_validator("classes")
    @classmethod
    def _known(cls, classes: list[float]) -> list[float]:
        if classes and tuple(classes) not in CLASSES.values():
            raise ValueError("must be the classes of a target, or none")
        return classes


def run(*, model: Path, splits: Path, normalization: Path, out: Path) -> None:
    """Write train.h5, valid.h5 and test.h5 (at each row's time and in float64: alpha_outcome,
    prediction, past_volatility, and of classes a probability each) and inputs.json (feature
    values clipped and replaced, per split); of a model's rival
    the same HDF5 files in the folder rival.

    Raises InputError if the model was trained under another normalization contract, or its
    files are not those that training wrote.
    """
    contract = read_contract(normalization)
    rung, fitted = load_model(model, contract)
    predictors = {".": fitted}
    if (model / "rival").is_dir():
        predictors["rival"] = load_model(model / "rival", contract)[1]
    classes = parse(_About, model / "model.json").classes
    inputs = {}
    with whole_folder(out) as part:
        for folder in predictors:
            (part / folder).mkdir(exist_ok=True)
        for name in track(SPLITS, "predict", total=len(SPLITS)):
            parts = parallel.ahead(dataset.parts(splits / name, contract, features=rung.FEATURES))
            outs = {part / folder / f"{name}.h5": at for folder, at in predictors.items()}
            inputs[name] = write_predictions(
                outs, parts, classes, rows=sum(rows for _, rows in split_sizes(splits / name))
            )
        write_json(part / "inputs.json", inputs)


def write_predictions(
    predictors: Mapping[Path, Predictor],
    parts: Iterable[Dataset],
    classes: Sequence[float],
    *,
    rows: int,
) -> dict[str, int]:
    """Write each predictor's file, part after part of a split with so many rows: outcomes, and
    what is predicted of them, of classes the expected code and the probabilities.

    Returns how many rows there were, and how many feature values were clipped and replaced. One
    part is in memory at a time.
    """
    probabilities = (f"probability_{at}" for at in range(len(classes)))
    names = ("alpha_outcome", "prediction", "past_volatility", *probabilities)
    inputs = {"rows": 0, "clipped": 0, "replaced": 0}
    writers: dict[Path, FrameWriter] = {}
    with ExitStack() as stack:
        for data in parts:
            for path, predictor in predictors.items():
                if path not in writers:
                    columns = [(names, np.dtype(np.float64))]
                    writer = open_writer(path, columns, rows=rows, tz_aware=data.aware)
                    writers[path] = stack.enter_context(writer)
                prediction = predictor.predict(data.known)
                values = [data.y, expected(prediction, classes), data.volatility]
                values += list(prediction.T) if classes else []
                writers[path].append(data.time_ns, [np.column_stack(values)])
            inputs["rows"] += len(data.y)
            inputs["clipped"] += data.clipped
            inputs["replaced"] += data.replaced
            # Or this part would be in memory while the next is read.
            del data
    return inputs


def load_model(folder: Path, contract: Contract) -> tuple[ModuleType, Predictor]:
    """Load what `alpha train` wrote, and its rung.

    Raises InputError unless it belongs to `contract` (other features, another order of them, or
    other families do not), and unless each of its files is as training wrote it.
    """
    about = parse(_About, folder / "model.json")
    if about.normalization != contract.hash:
        raise InputError(
            f"{folder}: was trained under another normalization contract "
            f"({about.normalization[:12]}) than the one given ({contract.hash[:12]}); train again"
        )
    rung = models.rung(about.model)
    for name, digest in about.files.items():
        _check_file(folder / name, digest)
    fitted: Predictor = rung.load(folder)
    return rung, fitted


def _check_file(path: Path, digest: str) -> None:
    # A library's own parser may not survive a damaged file, so it must not see one.
    try:
        found = sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path}: is missing") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if found != digest:
        raise InputError(
            f"{path}: was changed after training (its digest does not match model.json); "
            f"train again"
        )
