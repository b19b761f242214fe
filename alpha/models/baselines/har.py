"""The heterogeneous autoregression: a line over what the last windows brought.

Corsi (2009) forecasts volatility from its averages over a day, a week and a month. Here they
are over 1, 5 and 30 horizons, and known at t (alpha.label.past).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpha.core.artifacts import read_json, write_json
from alpha.learn.dataset import Dataset, Known
from alpha.learn.losses import Objective
from alpha.models.baselines.linear import Line, fit_line
from alpha.models.baselines.params import NoParameters

FEATURES = False


@dataclass(frozen=True)
class HarModel:
    """A line over past outcomes; `unknown` stands for those of windows not completed."""

    line: Line
    unknown: float

    def predict(self, known: Known) -> np.ndarray:
        return self.line.predict(_inputs(known, self.unknown))

    def save(self, folder: Path) -> None:
        content = {"line": self.line.content(), "unknown": self.unknown}
        write_json(folder / "parameters.json", content)


def fit(train: Dataset, objective: Objective, knobs: NoParameters) -> HarModel:
    x = _inputs(train.known, objective.mean)
    return HarModel(fit_line(lambda: [x], train.y, objective, penalty=0.0), objective.mean)


def load(folder: Path) -> HarModel:
    content = read_json(folder / "parameters.json")
    return HarModel(Line.of(content["line"]), content["unknown"])


def _inputs(known: Known, unknown: float) -> np.ndarray:
    """(rows, 6): outcomes, and how large they were, as signs may cancel while size lasts."""
    past = np.where(np.isnan(known.past), unknown, known.past)
    return np.column_stack((past, np.abs(past)))
