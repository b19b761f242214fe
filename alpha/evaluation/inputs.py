"""The files that an evaluation reads: what `alpha train` and `alpha predict` wrote of each run."""

from collections.abc import Iterator, Sequence
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
_AT_ONCE = 1 << 17


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
    with open_frame(path, key=_KEY) as frame:
        time_ns = frame.time_ns()
        outcome, volatility = np.empty(frame.rows), np.empty(frame.rows)
        score, values = _empty(frame.rows, classes)
        for rows, part in _parts(frame, ["alpha_outcome", "past_volatility", *_names(classes)]):
            outcome[rows], volatility[rows] = part[:, 0], part[:, 1]
            score[rows], values[rows] = part[:, 2], _values(part[:, 2:])
    if not len(time_ns):
        raise InputError(f"{path}: must have rows, found none")
    late = time_ns[1:] <= time_ns[:-1]
    if late.any():
        row = int(np.argmax(late)) + 1
        raise InputError(f"{path}: row {row}: must be later than the row before it")
    _check_outcome(path, outcome, classes)
    return Predicted(path, time_ns, outcome, volatility, Prediction(score, values))


def predicted_of(
    run: Trained,
    split: SplitName,
    *,
    classes: tuple[float, ...],
    time_ns: np.ndarray,
    outcome: np.ndarray,
    path: Path,
) -> Prediction:
    """Read what another run predicts of the same rows: times and outcomes (rows,), of `path`.

    Raises InputError as `predicted` does, and if the file holds other rows.
    """
    found = run.predictions / f"{split}.h5"
    with open_frame(found, key=_KEY) as frame:
        same = np.array_equal(frame.time_ns(), time_ns)
        score, values = _empty(frame.rows, classes)
        for rows, part in _parts(frame, ["alpha_outcome", "past_volatility", *_names(classes)]):
            same = same and np.array_equal(part[:, 0], outcome[rows])
            score[rows], values[rows] = part[:, 2], _values(part[:, 2:])
    if not same:
        predicted(run, split, classes=classes)
        raise InputError(f"{found}: must hold the same times and outcomes as {path}, found others")
    return Prediction(score, values)


def _names(classes: tuple[float, ...]) -> list[str]:
    return ["prediction", *(f"probability_{at}" for at in range(len(classes)))]


def _empty(rows: int, classes: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Room for scores (rows,) and what the loss takes: the same, or (rows, classes)."""
    score = np.empty(rows)
    return score, np.empty((rows, len(classes))) if classes else score


def _values(columns: np.ndarray) -> np.ndarray:
    """What the loss takes, of a prediction's columns."""
    return columns[:, 1:] if columns.shape[1] > 1 else columns[:, 0]


def _parts(frame: FrameReader, names: list[str]) -> Iterator[tuple[slice, np.ndarray]]:
    """Slices of rows and their columns `names`, (rows, names): the file is read once.

    Raises InputError if a column does not exist.
    """
    for name in names:
        if name not in frame.columns:
            raise InputError(f"{frame.path}: no column {name!r}, found {', '.join(frame.columns)}")
    for first in range(0, frame.rows, _AT_ONCE):
        rows = slice(first, min(first + _AT_ONCE, frame.rows))
        yield rows, frame.matrix(names, start=rows.start, stop=rows.stop)


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
