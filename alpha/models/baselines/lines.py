"""Linear models: HAR on what the last windows brought, and ridge on all features."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from alpha.core.artifacts import read_json, write_json
from alpha.core.params import Section
from alpha.learn.dataset import PART_ROWS, Dataset, Known, Rows
from alpha.learn.losses import Objective
from alpha.models.baselines import params
from alpha.models.baselines.linear import LinearModel, least_loss


@dataclass(frozen=True)
class Har:
    """A line over past outcomes; `unknown` stands for those of windows not completed.

    The heterogeneous autoregression of Corsi (2009) forecasts volatility from its averages over a
    day, a week and a month; here they are over 1, 5 and 30 horizons.
    """

    FEATURES: ClassVar = False
    line: LinearModel
    unknown: float

    @classmethod
    def fit(cls, train: Dataset, objective: Objective, parameters: Section) -> Self:
        def inputs() -> Iterator[np.ndarray]:
            for start in range(0, len(train.y), PART_ROWS):
                yield _past_inputs(train.known[start : start + PART_ROWS], objective.mean)

        return cls(least_loss(inputs, train.y, objective, penalty=0.0), objective.mean)

    def predict(self, known: Known) -> np.ndarray:
        return self.line.predict(_past_inputs(known, self.unknown))

    def save(self, folder: Path) -> None:
        content = {"line": self.line.content(), "unknown": self.unknown}
        write_json(folder / "parameters.json", content)

    @classmethod
    def load(cls, folder: Path) -> Self:
        content = read_json(folder / "parameters.json")
        return cls(LinearModel.of(content["line"]), content["unknown"])


def _past_inputs(known: Known, unknown: float) -> np.ndarray:
    """(rows, 6): outcomes, and how large they were, as signs may cancel while size lasts."""
    past = np.where(np.isnan(known.past), unknown, known.past)
    return np.column_stack((past, np.abs(past)))


@dataclass(frozen=True)
class Ridge:
    """A line over normalized features, from one pass over train's, which may stay in files."""

    FEATURES: ClassVar = True
    line: LinearModel

    @classmethod
    def fit(cls, train: Rows, objective: Objective, parameters: params.Ridge) -> Self:
        def features() -> Iterator[np.ndarray]:
            return (known.x for known in train.parts())

        return cls(least_loss(features, train.y, objective, penalty=parameters.penalty))

    def predict(self, known: Known) -> np.ndarray:
        return self.line.predict(known.x)

    def save(self, folder: Path) -> None:
        write_json(folder / "parameters.json", self.line.content())

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(LinearModel.of(read_json(folder / "parameters.json")))
