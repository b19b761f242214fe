"""A model that predicts the same for every row: what the lowest rungs have in common."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpha.core.artifacts import read_json, write_json
from alpha.learn.dataset import Known


@dataclass(frozen=True)
class ConstantModel:
    """`value` is one outcome, a 0-dimensional array, or a probability of each class."""

    value: np.ndarray

    def predict(self, known: Known) -> np.ndarray:
        return np.full((len(known), *self.value.shape), self.value)

    def save(self, folder: Path) -> None:
        write_json(folder / "parameters.json", {"value": self.value.tolist()})


def load(folder: Path) -> ConstantModel:
    return ConstantModel(np.array(read_json(folder / "parameters.json")["value"]))
