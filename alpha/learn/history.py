"""What training may see, what it measures there of a model, and its history: a row an epoch."""

import csv
import math
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alpha.core.artifacts import read_csv
from alpha.core.errors import InputError
from alpha.learn.dataset import Rows
from alpha.learn.known import Predictor, expected
from alpha.learn.losses import Objective, near_mean_tolerance

# The loss on so many rows of train is near enough that on all: nothing is decided by it.
_WATCHED_ROWS = 1 << 16


@dataclass(frozen=True)
class Epoch:
    """A line of history.csv, after an epoch, or a tree. Losses are over the best constant's loss
    on train; prediction_* are of valid, in units of the outcome or the class code, near_mean_share
    the share of these that hardly leave the train mean. None where it was not measured."""

    epoch: int
    train_loss: float
    valid_loss: float
    prediction_mean: float | None = None
    prediction_std: float | None = None
    prediction_max: float | None = None
    near_mean_share: float | None = None


class Trained(NamedTuple):
    fitted: Predictor
    history: list[Epoch]
    inside: str = ""  # its folder in that of its run


@dataclass(frozen=True)
class Splits:
    """Train and valid, and what is minimized. Test is not in sight."""

    train: Rows
    valid: Rows
    objective: Objective

    def mean_loss(self, y: np.ndarray, prediction: np.ndarray) -> float:
        return float(np.mean(self.objective.losses(y, prediction)))

    @cached_property
    def constant_loss(self) -> float:
        """The best constant's loss on train; 1 where it is perfect, as when outcomes are equal."""
        return self.mean_loss(self.train.y, self.objective.constant) or 1.0

    def measure(self, model: Predictor, *, epoch: int) -> Epoch:
        """A line of the history for a model as it stands. train_loss is on every k-th row of train
        alone, with the least k by which these are no more than valid's rows or _WATCHED_ROWS."""
        every = -(-len(self.train.y) // min(len(self.valid.y), _WATCHED_ROWS))
        y, objective = self.train.y[::every], self.objective
        train_loss = self.mean_loss(y, _predicted(model, self.train, every=every))
        prediction = _predicted(model, self.valid)
        score = expected(prediction, objective.classes)
        near = np.abs(score - objective.mean) <= near_mean_tolerance(objective.sigma)
        return Epoch(
            epoch=epoch,
            train_loss=train_loss / (self.mean_loss(y, objective.constant) or 1.0),
            valid_loss=self.mean_loss(self.valid.y, prediction) / self.constant_loss,
            prediction_mean=float(score.mean()),
            prediction_std=float(score.std()),
            prediction_max=float(score.max()),
            near_mean_share=float(np.mean(near)),
        )


def _predicted(model: Predictor, data: Rows, *, every: int = 1) -> np.ndarray:
    """What a model predicts of one row in `every`, from the first on."""
    found, row = [], 0
    for known in data.parts():
        # The first of a part that counts is the first whose number is a multiple.
        found.append(model.predict(known[-row % every :: every]))
        row += len(known)
    return np.concatenate(found)


def write(path: Path, history: list[Epoch]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(Epoch))
        for epoch in history:
            # As `read` knows what is not a number, which a training that diverged has.
            writer.writerow("" if value != value else value for value in asdict(epoch).values())


def read(path: Path) -> dict[str, list[float]]:
    """Columns of history.csv, NaN where a cell is empty. Raises InputError, naming the file, if it
    lacks an epoch or a loss, or holds what is not a number."""
    columns = read_csv(path, float, ("epoch", "train_loss", "valid_loss")).to_dict("list")
    if not columns["epoch"]:
        raise InputError(f"{path}: must have a row for each epoch, found none")
    return dict(columns)


def epochs(history: dict[str, list[float]]) -> int:
    """How many epochs were trained: 0 for a closed form."""
    return int(history["epoch"][-1])


def best_epoch(history: dict[str, list[float]]) -> int | None:
    """The epoch with the smallest valid loss, the first of equals; None if none is finite."""
    pairs = zip(history["valid_loss"], history["epoch"], strict=True)
    finite = [(loss, int(epoch)) for loss, epoch in pairs if math.isfinite(loss)]
    return min(finite)[1] if finite else None


def diverged(history: dict[str, list[float]]) -> int:
    """How many epochs have a loss on train or valid that is not finite."""
    pairs = zip(history["train_loss"], history["valid_loss"], strict=True)
    return sum(not math.isfinite(train + valid) for train, valid in pairs)
