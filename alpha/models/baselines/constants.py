"""Models that predict the same for every row: the lowest of the ladder."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from alpha.core.artifacts import read_json, write_json
from alpha.learn.dataset import Dataset, Known
from alpha.learn.losses import Objective
from alpha.models.baselines.params import NoParameters


@dataclass(frozen=True)
class ConstantModel:
    """`value` is one outcome, a 0-dimensional array, or a probability of each class."""

    FEATURES: ClassVar = False
    value: np.ndarray

    def predict(self, known: Known) -> np.ndarray:
        return np.full((len(known), *self.value.shape), self.value)

    def save(self, folder: Path) -> None:
        write_json(folder / "parameters.json", {"value": self.value.tolist()})

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(np.array(read_json(folder / "parameters.json")["value"]))


class Zero(ConstantModel):
    """Nothing will happen. Each class is as likely as the others."""

    @classmethod
    def fit(cls, train: Dataset, objective: Objective, parameters: NoParameters) -> Self:
        classes = len(objective.classes)
        return cls(np.full(classes, 1 / classes) if classes else np.array(0.0))


class Mean(ConstantModel):
    """The best constant under squared error, or cross-entropy: train's mean, or class shares."""

    @classmethod
    def fit(cls, train: Dataset, objective: Objective, parameters: NoParameters) -> Self:
        return cls(objective.constant if objective.classes else np.array(objective.mean))


class Median(ConstantModel):
    """The best constant under absolute error: train's median; of classes, the most frequent one
    with its share, and the others share what it leaves."""

    @classmethod
    def fit(cls, train: Dataset, objective: Objective, parameters: NoParameters) -> Self:
        if not objective.classes:
            return cls(np.array(np.median(train.y)))
        share = np.array([np.mean(train.y == code) for code in objective.classes])
        rest = (1 - share.max()) / (len(share) - 1)
        return cls(np.where(np.arange(len(share)) == share.argmax(), share.max(), rest))
