"""The lowest rung: the average outcome of train, whatever the features say."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpha.artifacts import read_json, write_json
from alpha.dataset import Dataset
from alpha.params import Mean


@dataclass(frozen=True)
class ConstantModel:
    """Predicts one value for every row."""

    value: float

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.full(len(x), self.value)

    def save(self, folder: Path) -> None:
        write_json(folder / "parameters.json", {"value": self.value})


def fit(train: Dataset, knobs: Mean) -> ConstantModel:
    """The best constant under squared error."""
    return ConstantModel(float(train.y.mean()))


def load(folder: Path) -> ConstantModel:
    return ConstantModel(**read_json(folder / "parameters.json"))
