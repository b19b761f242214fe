"""The files that an evaluation reads: what `alpha train` and `alpha predict` wrote of each run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from alpha.core.artifacts import digest, parse, read_bytes, read_manifest
from alpha.core.errors import InputError
from alpha.core.frames import open_frame
from alpha.data.columns import SPLITS, SplitName
from alpha.data.params import Label
from alpha.data.splits import split_digest
from alpha.learn import history, saved
from alpha.learn.kinds import MATCHED_MLP
from alpha.learn.params import run_folder

# Read at once.
_PART_ROWS = 1 << 18


class Importance(BaseModel):
    """importance.json: the loss of skill on valid when a family, or a feature, is permuted."""

    families: dict[str, float]
    features: dict[str, float]


class OfSplit(BaseModel):
    clipped: int
    replaced: int


class _Inputs(BaseModel):
    """inputs.json: what `alpha predict` had to fix in each split's features, and the digests of
    the splits, and of each model.json."""

    train: OfSplit
    valid: OfSplit
    test: OfSplit
    splits: dict[str, str]
    models: dict[str, str]


class _About(BaseModel):
    """model.json, as far as it matters here."""

    configuration: str
    history: str = ""  # the SHA-256 of history.csv


@dataclass(frozen=True)
class Trained:
    """One run: a model with a seed, or the MLP of the same size that was trained beside it."""

    name: str
    model: str
    seed: int
    history: dict[str, list[float]]  # of the last fold
    configurations: list[str]  # of each fold
    importance: list[Importance]  # of each fold that has it
    counts: pd.DataFrame  # of all folds together, a column a split
    predictions: Path
    inside: Path

    def file(self, fold: int, split: SplitName) -> Path:
        return self.predictions / str(fold) / self.inside / f"{split}.h5"


def check_predictions(
    predictions: Path,
    runs: Iterable[tuple[int, str]],
    splits: Path,
    label: Label,
    models: Path | None = None,
) -> dict[str, str]:
    """A digest of all that each run predicted in a fold, by its folder, such as 0/mlp/0. Raises
    InputError, naming the file, unless `alpha predict` wrote it so, of the rows in `splits`, of the
    same `label`, and by `models`, if they are given."""
    found = {}
    for fold, run in runs:
        inside, of = Path(str(fold)) / run_folder(run), splits / str(fold)
        about = parse(_Inputs, path := predictions / inside / "inputs.json")
        if about.splits != {name: split_digest(of / name, label) for name in SPLITS}:
            must = f"must be predictions of the rows in {of}, found those of others"
            raise InputError(f"{path.parent}: {must}; predict again")
        if models and about.models != saved.digests(models / inside):
            must = f"must be predictions of the model in {models / inside}, found another's"
            raise InputError(f"{path.parent}: {must}; predict again")
        found[inside.as_posix()] = digest(read_manifest(path))
    return found


def trained(
    runs: Sequence[str], folds: Sequence[int], *, models: Path, predictions: Path
) -> list[Trained]:
    """The `runs`, named model-seed, in their order, each matched MLP right before its run; each of
    all `folds`. Raises InputError, naming the file, where one is missing or not of its format."""
    found = []
    for name in runs:
        model, _, seed = name.rpartition("-")
        alone, matched = run_folder(name), run_folder(name) / MATCHED_MLP
        files = [predictions / str(fold) / alone / "inputs.json" for fold in folds]
        inputs = [parse(_Inputs, path).model_dump() for path in files]
        counts: Any = sum(pd.DataFrame({of: given[of] for of in SPLITS}) for given in inputs)
        first = _folders(models / str(folds[0]), matched)[0]
        both = [(MATCHED_MLP, matched)] if first.is_dir() else []
        for model_name, inside in (*both, (model, alone)):
            folders = [of for fold in folds for of in _folders(models / str(fold), inside)]
            abouts = [parse(_About, folder / "model.json") for folder in folders]
            told = folders[-1] / "history.csv"
            if abouts[-1].history not in ("", sha256(read_bytes(told)).hexdigest()):
                why = "its digest does not match model.json"
                raise InputError(f"{told}: was changed after it was written ({why}); train again")
            lost = [path for of in folders if (path := of / "importance.json").exists()]
            found.append(
                Trained(
                    name=f"{model_name}-{seed}",
                    model=model_name,
                    seed=int(seed),
                    history=history.read(told),
                    configurations=[about.configuration for about in abouts],
                    importance=[parse(Importance, path) for path in lost],
                    counts=counts,
                    predictions=predictions,
                    inside=inside,
                )
            )
    return found


def _folders(models: Path, run: Path) -> list[Path]:
    """The folder of a run's model, or of those of each symbol."""
    alone = models / run
    if (alone / "model.json").exists():
        return [alone]
    matched = run.name == MATCHED_MLP
    found = sorted((alone.parent if matched else alone).glob("*/model.json"))
    return [of.parent / MATCHED_MLP if matched else of.parent for of in found] or [alone]


@dataclass(frozen=True)
class Columns:
    """What a file of predictions holds of one split, in time order: arrays (rows,).

    Past `volatility` is NaN where unknown. `score` is compared with the outcome, `values` is what
    the loss takes: the score, or probabilities (rows, classes); both are NaN if not finite. Of
    several symbols, `symbol` is each row's number, else it is empty; each is a nanosecond later
    than the one before it, so that every row has a time of its own.
    """

    time_ns: np.ndarray
    outcome: np.ndarray
    volatility: np.ndarray
    score: np.ndarray
    values: np.ndarray
    symbol: np.ndarray = field(default_factory=lambda: np.empty(0, np.int8))

    def of(self, rows: slice | np.ndarray) -> "Columns":
        every = vars(self).values()
        return Columns(*(column[rows] if len(column) else column for column in every))


def symbols(path: Path) -> dict[str, Path]:
    """The files of predictions at a path: itself, or those of several symbols in the folder of its
    name, by symbol."""
    found = sorted(path.with_suffix("").glob("*.h5"))
    return {"": path} if path.is_file() or not found else {of.stem: of for of in found}


def read_times(path: Path) -> np.ndarray:
    """The times in `path` as `read_predictions` has them, (rows,) int64."""
    found = []
    for number, of in enumerate(symbols(path).values()):
        with open_frame(of, key="df") as frame:
            found.append(frame.time_ns() + number)
    return np.sort(np.concatenate(found)) if found[1:] else found[0]


def read_predictions(
    path: Path,
    classes: tuple[float, ...],
    *,
    only: range | None = None,
    same_as: tuple[Path, np.ndarray, np.ndarray] | None = None,
) -> Columns:
    """A file of predictions, or rows of it `only`, where outcomes are one of `classes` or, without
    these, numbers; or the files of several symbols as one. Without times, outcomes and volatility
    if they must be the `same_as` another's: its path, and the times and outcomes in it. Raises
    InputError, naming the file, if it has no rows, is not in time order, or has an outcome that
    must not be."""
    if "" not in symbols(path):
        return _read_symbols(path, classes, only, same_as)
    names = ["alpha_outcome", "past_volatility", "prediction"]
    names += [f"probability_{at}" for at in range(len(classes))]
    with open_frame(path, key="df", rows=only) as frame:
        rows = frame.rows
        kept = rows if same_as is None else 0
        time_ns, outcome, volatility = np.empty(kept, np.int64), np.empty(kept), np.empty(kept)
        score = np.empty(rows)
        values = np.empty((len(classes), rows)).T if classes else score
        same, last = same_as is None or len(same_as[1]) == rows, np.iinfo(np.int64).min
        for first in range(0, rows, _PART_ROWS):
            part = slice(first, min(first + _PART_ROWS, rows))
            times = frame.time_ns(start=part.start, stop=part.stop)
            columns = frame.matrix(names, start=part.start, stop=part.stop)
            _check_rows(path, first, np.append(last, times), columns[:, 0], classes)
            last = times[-1]
            if same_as is None:
                time_ns[part] = times
                outcome[part], volatility[part] = columns[:, :2].T
            else:
                pairs = zip(same_as[1:], (times, columns[:, 0]), strict=True)
                same &= all(np.array_equal(theirs[part], ours) for theirs, ours in pairs)
            columns[~np.isfinite(columns[:, 2:]).all(axis=1), 2:] = np.nan
            score[part] = columns[:, 2]
            if classes:
                values[part] = columns[:, 3:]
    if same_as is not None and not same:
        what = f"the same times and outcomes as {same_as[0]}"
        raise InputError(f"{path}: must hold {what}, found others")
    return Columns(time_ns, outcome, volatility, score, values)


def _read_symbols(
    path: Path, classes: tuple[float, ...], only: range | None, same_as: Any
) -> Columns:
    """As `read_predictions`."""
    found = [read_predictions(of, classes) for of in symbols(path).values()]
    each = [
        (of.time_ns + at, *list(vars(of).values())[1:-1], np.full(len(of.time_ns), at, np.int8))
        for at, of in enumerate(found)
    ]
    time_ns, *others = map(np.concatenate, zip(*each, strict=True))
    kept = slice(only.start, only.stop) if only else slice(None)
    order = np.argsort(time_ns, kind="stable")[kept]
    time_ns = time_ns[order]
    if (time_ns[1:] == time_ns[:-1]).any():
        raise InputError(f"{path}: rows of two symbols must not be within {len(found)} ns")
    columns = Columns(time_ns, *(column[order] for column in others))
    if same_as is None:
        return columns
    if not all(map(np.array_equal, same_as[1:], (time_ns, columns.outcome))):
        what = f"the same times and outcomes as {same_as[0]}"
        raise InputError(f"{path}: must hold {what}, found others")
    nothing = np.empty(0)
    return Columns(nothing, nothing, nothing, columns.score, columns.values)


def _check_rows(
    path: Path, first: int, times: np.ndarray, outcome: np.ndarray, classes: tuple[float, ...]
) -> None:
    """Raises InputError for rows from the `first` on; their times follow that of the row before."""
    late = times[1:] <= times[:-1]
    if late.any():
        row = first + int(np.argmax(late))
        raise InputError(f"{path}: row {row}: must be later than the row before it")
    bad, must = ~np.isfinite(outcome), "finite"
    if classes:
        bad = ~np.isin(outcome, classes)
        must = f"one of the classes {', '.join(f'{code:g}' for code in classes)}"
    if bad.any():
        where = f"{path}: row {first + np.argmax(bad)}, column 'alpha_outcome'"
        raise InputError(f"{where}: must be {must}, found {outcome[bad][0]:g}")
