"""Evaluation: what every run's predictions are worth on every split.

One run and one split are in memory at a time. `metrics.json` is the headline for
`dvc metrics`, `details.json` has every figure, and the CSV files are for `dvc plots`.
"""

import hashlib
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from alpha.artifacts import whole_folder
from alpha.errors import InputError
from alpha.evaluation import history, tables
from alpha.evaluation.assess import TrainLabel, model_figures, split_figures
from alpha.evaluation.details import Details, Run, SplitFigures, parse
from alpha.evaluation.quantiles import LEVELS
from alpha.evaluation.thresholds import is_classification, meaning
from alpha.params import SPLITS, Evaluate, Label, SplitName
from alpha.progress import track
from alpha.store import open_frame

_KEY = "df"


def run(
    label: Label,
    evaluate: Evaluate,
    *,
    runs: list[str],
    models: Path,
    predictions: Path,
    out: Path,
) -> None:
    """Evaluate `runs`, named model-seed, and write the folder `out`.

    Reads models/{run}/history.csv, predictions/{run}/{split}.h5 and predictions/{run}/
    inputs.json. Raises InputError, naming the file, where one is missing, is not of its
    format, holds an outcome that is not finite, or other outcomes than the runs before it.
    """
    round_trip_bps = 2 * evaluate.fees.taker_bps
    thresholds_bps = () if is_classification(label) else evaluate.thresholds_bps
    histories = {name: history.read(models / name / "history.csv") for name in runs}
    by_run: dict[str, Run] = {}
    outcomes = _SameOutcomes()
    for name in track(runs, "evaluate", total=len(runs)):
        folder = predictions / name
        inputs = parse(_InputCounts, folder / "inputs.json")
        splits: dict[SplitName, SplitFigures] = {}
        for split in SPLITS:
            outcome, prediction = _read(folder / f"{split}.h5")
            outcomes.check(split, outcome, folder / f"{split}.h5")
            if split == "train":
                train = TrainLabel.fit(outcome)
            splits[split] = split_figures(
                outcome,
                prediction,
                train=train,
                thresholds_bps=thresholds_bps,
                round_trip_bps=round_trip_bps,
                clipped=getattr(inputs, split).clipped,
                replaced=getattr(inputs, split).replaced,
            )
        model, _, seed = name.rpartition("-")
        by_run[name] = Run(
            model=model,
            seed=int(seed),
            epochs=history.epochs(histories[name]),
            best_epoch=history.best_epoch(histories[name]),
            splits=splits,
        )
    ladder = list(dict.fromkeys(one.model for one in by_run.values()))
    details = Details(
        models=ladder,
        runs=runs,
        train_rows=train.rows,
        train_mean=train.mean,
        train_std=train.std,
        hair=train.hair,
        quantile_levels=list(LEVELS),
        round_trip_bps=round_trip_bps,
        threshold_meaning=meaning(label),
        by_run=by_run,
        by_model={
            model: model_figures(
                [one for one in by_run.values() if one.model == model],
                round_trip_bps=round_trip_bps,
            )
            for model in ladder
        },
    )
    with whole_folder(out) as part:
        tables.write(part, details, histories)


class _OfSplit(BaseModel):
    clipped: int
    replaced: int


class _InputCounts(BaseModel):
    """inputs.json: what `alpha predict` had to mend in each split's features."""

    train: _OfSplit
    valid: _OfSplit
    test: _OfSplit


class _SameOutcomes:
    """Runs are compared with each other, so their predictions must be of the same rows."""

    def __init__(self) -> None:
        self._first: dict[SplitName, tuple[bytes, Path]] = {}

    def check(self, split: SplitName, outcome: np.ndarray, path: Path) -> None:
        digest = hashlib.sha256(outcome.tobytes()).digest()
        expected, earlier = self._first.setdefault(split, (digest, path))
        if digest != expected:
            raise InputError(f"{path}: must hold the same outcomes as {earlier}, found others")


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with open_frame(path, key=_KEY) as frame:
        outcome, prediction = frame.column("alpha_outcome"), frame.column("prediction")
    bad = ~np.isfinite(outcome)
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(
            f"{path}: row {row}, column 'alpha_outcome': must be finite, found {outcome[row]}"
        )
    return outcome, prediction
