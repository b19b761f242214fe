"""Ridge regression on all features."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpha.core.artifacts import read_json, write_json
from alpha.learn.dataset import Known, Rows
from alpha.learn.losses import Objective
from alpha.models.baselines.linear import Line, fit_line
from alpha.models.baselines.params import Ridge

FEATURES = True


@dataclass(frozen=True)
class RidgeModel:
    """A line over normalized features."""

    line: Line

    def predict(self, known: Known) -> np.ndarray:
        return self.line.predict(known.x)

    def save(self, folder: Path) -> None:
        write_json(folder / "parameters.json", self.line.content())


def fit(train: Rows, objective: Objective, knobs: Ridge) -> RidgeModel:
    """From one pass over train's features, which may stay in their files."""

    def features() -> Iterator[np.ndarray]:
        return (known.x for _, known in train.parts())

    return RidgeModel(fit_line(features, train.y, objective, penalty=knobs.penalty))


def load(folder: Path) -> RidgeModel:
    return RidgeModel(Line.of(read_json(folder / "parameters.json")))
