"""What training may see, and what it measures there of a model as it stands."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from alpha.learn.dataset import Rows
from alpha.learn.history import Epoch
from alpha.learn.losses import Objective, near_mean_tolerance
from alpha.learn.predictor import Predictor

# The loss on so many rows of train is near enough that on all: nothing is decided by it.
_WATCHED_ROWS = 1 << 16


class Trained(NamedTuple):
    """A fitted model and its history; `inside` is its folder in that of its run; `importance` the
    skill that is lost with each family, of a network that has one."""

    fitted: Predictor
    history: list[Epoch]
    inside: str = ""
    importance: dict[str, float] | None = None


@dataclass(frozen=True)
class Splits:
    """Train and valid, and what is minimized. Test is not in sight."""

    train: Rows
    valid: Rows
    objective: Objective

    def mean_loss(self, data: Rows, prediction: np.ndarray) -> float:
        """In the objective's own units."""
        return float(np.mean(self.objective.losses(data.y, prediction)))

    @cached_property
    def constant_loss(self) -> float:
        """The best constant's loss on train; 1 where it is perfect, as when outcomes are equal."""
        return self.mean_loss(self.train, self.objective.constant) or 1.0

    def train_loss(self, model: Predictor) -> float:
        """Over the best constant's loss, both on every k-th row of train alone, k being the
        least by which these are no more than valid's rows or than _WATCHED_ROWS."""
        every = -(-len(self.train.y) // min(len(self.valid.y), _WATCHED_ROWS))
        y = self.train.y[::every]
        losses = self.objective.losses(y, _predicted(model, self.train, every=every))
        constant = float(np.mean(self.objective.losses(y, self.objective.constant))) or 1.0
        return float(np.mean(losses)) / constant

    def measure(self, model: Predictor, *, epoch: int) -> Epoch:
        """A line of the history for a model as it stands."""
        prediction = _predicted(model, self.valid)
        score = self.objective.score(prediction)
        tolerance = near_mean_tolerance(self.objective.sigma)
        return Epoch(
            epoch=epoch,
            train_loss=self.train_loss(model),
            valid_loss=self.mean_loss(self.valid, prediction) / self.constant_loss,
            prediction_mean=float(score.mean()),
            prediction_std=float(score.std()),
            prediction_max=float(score.max()),
            near_mean_share=float(np.mean(np.abs(score - self.objective.mean) <= tolerance)),
        )


def _predicted(model: Predictor, data: Rows, *, every: int = 1) -> np.ndarray:
    """What a model predicts of one row in `every`, from the first on."""
    # The first of a part that counts is the first whose number is a multiple.
    found = [model.predict(known[-row % every :: every]) for row, known in data.parts()]
    return np.concatenate(found)
