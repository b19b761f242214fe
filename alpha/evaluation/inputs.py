"""The files that an evaluation reads: what `alpha train` and `alpha predict` wrote of each run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, RootModel

from alpha.artifacts import parse
from alpha.errors import InputError
from alpha.evaluation import history
from alpha.evaluation.assess import Prediction
from alpha.params import SplitName
from alpha.store import FrameReader, open_frame

_KEY = "df"
_RIVAL = "rival"
# Rows that are read at once.
_AT_ONCE = 1 << 18


class OfSplit(BaseModel):
    clipped: int
    replaced: int


class InputCounts(BaseModel):
    """inputs.json: what `alpha predict` had to mend in each split's features."""

    train: OfSplit
    valid: OfSplit
    test: OfSplit


class _About(BaseModel):
    """model.json, as far as it matters here."""

    model_config = ConfigDict(extra="ignore")

    configuration: str


class _Importance(RootModel[dict[str, float]]):
    """importance.json: family -> loss of skill on valid when it is permuted."""


@dataclass(frozen=True)
class Trained:
    """One run: a model with a seed, or the rival that was trained beside it."""

    model: str
    seed: int
    history: dict[str, list[float]]
    configuration: str
    importance: dict[str, float]
    counts: InputCounts
    predictions: Path

    @property
    def name(self) -> str:
        return f"{self.model}-{self.seed}"


def trained(runs: Sequence[str], *, models: Path, predictions: Path) -> list[Trained]:
    """The `runs`, named model-seed, in their order, each rival right before its run.

    Raises InputError, naming the file, where one is missing or not of its format.
    """
    found = []
    for name in runs:
        model, _, seed = name.rpartition("-")
        counts = parse(InputCounts, predictions / name / "inputs.json")
        if (models / name / _RIVAL).is_dir():
            folders = models / name / _RIVAL, predictions / name / _RIVAL
            found.append(_trained(f"{model}_{_RIVAL}", int(seed), *folders, counts))
        found.append(_trained(model, int(seed), models / name, predictions / name, counts))
    return found


def _trained(
    model: str, seed: int, folder: Path, predictions: Path, counts: InputCounts
) -> Trained:
    importance = folder / "importance.json"
    return Trained(
        model=model,
        seed=seed,
        history=history.read(folder / "history.csv"),
        configuration=parse(_About, folder / "model.json").configuration,
        importance=parse(_Importance, importance).root if importance.exists() else {},
        counts=counts,
        predictions=predictions,
    )


@dataclass(frozen=True)
class Predicted:
    """One split of one run: arrays (rows,) in time order."""

    path: Path
    time_ns: np.ndarray
    outcome: np.ndarray
    volatility: np.ndarray
    prediction: Prediction


def predicted(run: Trained, split: SplitName, *, classes: tuple[float, ...]) -> Predicted:
    """Read a split's predictions.

    Raises InputError, naming the file, if it has no rows, is not in time order, or holds an
    outcome that is not finite or not one of `classes`, of which an empty one says numbers.
    """
    path = run.predictions / f"{split}.h5"
    names = ["alpha_outcome", "past_volatility", "prediction"]
    names += [f"probability_{at}" for at in range(len(classes))]
    with open_frame(path, key=_KEY) as frame:
        time_ns = frame.time_ns()
        outcome, volatility, score, *probabilities = _columns(frame, names)
    values = np.stack(probabilities, axis=1) if classes else score
    if not len(time_ns):
        raise InputError(f"{path}: must have rows, found none")
    if np.any(np.diff(time_ns) <= 0):
        row = int(np.argmax(np.diff(time_ns) <= 0)) + 1
        raise InputError(f"{path}: row {row}: must be later than the row before it")
    _check_outcome(path, outcome, classes)
    return Predicted(path, time_ns, outcome, volatility, Prediction(score, values))


def _columns(frame: FrameReader, names: Sequence[str]) -> list[np.ndarray]:
    """Columns as float64, (rows,) each, from one reading of the file.

    Raises InputError if one does not exist.
    """
    for name in names:
        if name not in frame.columns:
            raise InputError(f"{frame.path}: no column {name!r}, found {', '.join(frame.columns)}")
    columns = [np.empty(frame.rows) for _ in names]
    for first in range(0, frame.rows, _AT_ONCE):
        matrix = frame.matrix(names, start=first, stop=first + _AT_ONCE)
        for column, values in zip(columns, matrix.T, strict=True):
            column[first : first + len(values)] = values
    return columns


def _check_outcome(path: Path, outcome: np.ndarray, classes: tuple[float, ...]) -> None:
    bad, must = ~np.isfinite(outcome), "finite"
    if classes:
        bad = ~np.isin(outcome, classes)
        must = f"one of the classes {', '.join(f'{code:g}' for code in classes)}"
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"{path}: row {row}, column 'alpha_outcome': must be {must}, found {outcome[row]:g}"
        )
