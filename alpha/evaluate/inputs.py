"""The files that an evaluation reads: what `alpha train` and `alpha predict` wrote of each run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, RootModel

from alpha.core.artifacts import parse
from alpha.core.errors import InputError
from alpha.core.frames import open_frame
from alpha.data.columns import SplitName
from alpha.learn import history
from alpha.learn.params import MATCHED_MLP, run_folder

_KEY = "df"
# Read at once.
_PART_ROWS = 1 << 18


class OfSplit(BaseModel):
    clipped: int
    replaced: int


class InputCounts(BaseModel):
    """inputs.json: what `alpha predict` had to fix in each split's features."""

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
    """One run: a model with a seed, or the MLP of the same size that was trained beside it."""

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
    """The `runs`, named model-seed, in their order, each matched MLP right before its run.

    Raises InputError, naming the file, where one is missing or not of its format.
    """
    found = []
    for name in runs:
        model, _, seed = name.rpartition("-")
        folders = models / run_folder(name), predictions / run_folder(name)
        counts = parse(InputCounts, folders[1] / "inputs.json")
        matched = [folder / MATCHED_MLP for folder in folders]
        if matched[0].is_dir():
            found.append(_trained(MATCHED_MLP, int(seed), matched[0], matched[1], counts))
        found.append(_trained(model, int(seed), folders[0], folders[1], counts))
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


def check_columns(path: Path, names: Sequence[str], found: Collection[str]) -> None:
    """Raises InputError unless a file has all columns."""
    for name in names:
        if name not in found:
            raise InputError(f"{path}: no column {name!r}, found {', '.join(found)}")


@dataclass(frozen=True)
class Columns:
    """What a file of predictions holds of one split, in time order: arrays (rows,).

    `time_ns` int64, `outcome` finite, past `volatility` NaN where unknown. `score` is the number
    that is compared with the outcome, NaN where there is no finite prediction; `values` is what
    the loss takes: the score, or a probability of each class (rows, classes).
    """

    time_ns: np.ndarray
    outcome: np.ndarray
    volatility: np.ndarray
    score: np.ndarray
    values: np.ndarray


class PredictionFile:
    """What a run predicts of one split, in its file, where outcomes are one of `classes` or, if
    there are none, numbers."""

    def __init__(self, run: Trained, split: SplitName, *, classes: tuple[float, ...]) -> None:
        self.path = run.predictions / f"{split}.h5"
        self._classes = classes

    def read(self, *, same_as: tuple[Path, np.ndarray, np.ndarray] | None = None) -> Columns:
        """All of it, but without times, outcomes and volatility if they must be the `same_as`
        another file's: its path, and the times and outcomes in it.

        Raises InputError, naming the file, if it has no rows, is not in time order, holds an
        outcome that is not finite or not one of the classes, or other rows than the other file.
        """
        names = ["alpha_outcome", "past_volatility", "prediction"]
        names += [f"probability_{at}" for at in range(len(self._classes))]
        with open_frame(self.path, key=_KEY) as frame:
            rows = frame.rows
            check_columns(self.path, names, frame.columns)
            if not rows:
                raise InputError(f"{self.path}: must have rows, found none")
            kept = rows if same_as is None else 0
            time_ns, (outcome, volatility) = np.empty(kept, np.int64), np.empty((2, kept))
            score = np.empty(rows)
            values = np.empty((len(self._classes), rows)).T if self._classes else score
            same = same_as is None or len(same_as[1]) == rows
            last = None
            for first in range(0, rows, _PART_ROWS):
                part = slice(first, min(first + _PART_ROWS, rows))
                times = frame.time_ns(start=part.start, stop=part.stop)
                columns = frame.matrix(names, start=part.start, stop=part.stop)
                self._check_times(times, last, first)
                self._check_outcome(columns[:, 0], first)
                last = times[-1]
                finite = np.isfinite(columns[:, 2:]).all(axis=1)
                score[part] = np.where(finite, columns[:, 2], np.nan)
                if self._classes:
                    values[part] = columns[:, 3:]
                if same_as is None:
                    time_ns[part], outcome[part] = times, columns[:, 0]
                    volatility[part] = columns[:, 1]
                # What else is wrong with the file is looked for to its end.
                elif same:
                    same = np.array_equal(times, same_as[1][part])
                    same = same and np.array_equal(columns[:, 0], same_as[2][part])
        if same_as is not None and not same:
            raise InputError(
                f"{self.path}: must hold the same times and outcomes as {same_as[0]}, found others"
            )
        return Columns(time_ns, outcome, volatility, score, values)

    def _check_times(self, time_ns: np.ndarray, last: int | None, first: int) -> None:
        before = time_ns[:1] - 1 if last is None else [last]
        late = time_ns <= np.concatenate((before, time_ns[:-1]))
        if late.any():
            row = first + int(np.argmax(late))
            raise InputError(f"{self.path}: row {row}: must be later than the row before it")

    def _check_outcome(self, outcome: np.ndarray, first: int) -> None:
        bad, must = ~np.isfinite(outcome), "finite"
        if self._classes:
            bad = ~np.isin(outcome, self._classes)
            must = f"one of the classes {', '.join(f'{code:g}' for code in self._classes)}"
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(
                f"{self.path}: row {first + row}, column 'alpha_outcome': must be {must}, "
                f"found {outcome[row]:g}"
            )
