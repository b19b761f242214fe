"""Tomorrow is like today: the last completed window's outcome, known at t.

Of classes, how often each followed the last one on train.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpha.core.artifacts import read_json, write_json
from alpha.learn.dataset import Dataset, Known
from alpha.learn.losses import Objective
from alpha.models.baselines.params import NoParameters

FEATURES = False


@dataclass(frozen=True)
class PersistenceModel:
    """`unknown` is predicted where no window is completed: an outcome, a 0-dimensional array,
    or probabilities (classes,). `follows` (classes, classes) has a line for each last class of
    `classes`; it is empty for a regression target."""

    unknown: np.ndarray
    classes: tuple[float, ...]
    follows: np.ndarray

    def predict(self, known: Known) -> np.ndarray:
        last = known.past[:, 0]
        if not self.classes:
            return np.where(np.isnan(last), self.unknown, last)
        chosen = self.follows[np.searchsorted(self.classes, np.nan_to_num(last))]
        return np.where(np.isnan(last)[:, None], self.unknown, chosen)

    def save(self, folder: Path) -> None:
        content = {"unknown": self.unknown, "classes": np.array(self.classes)}
        content["follows"] = self.follows
        write_json(
            folder / "parameters.json", {name: value.tolist() for name, value in content.items()}
        )


def fit(train: Dataset, objective: Objective, knobs: NoParameters) -> PersistenceModel:
    classes = objective.classes
    if not classes:
        return PersistenceModel(np.array(objective.mean), (), np.empty((0, 0)))
    last = train.known.past[:, 0]
    seen = ~np.isnan(last)
    counts = np.zeros((len(classes), len(classes)))
    pairs = (objective.of_class(last[seen]), objective.of_class(train.y[seen]))
    np.add.at(counts, pairs, objective.row_weights(train.y[seen]))
    # One more of train's average line, so that what never followed is not called impossible.
    counts += objective.constant
    follows = counts / counts.sum(axis=1, keepdims=True)
    return PersistenceModel(objective.constant, classes, follows)


def load(folder: Path) -> PersistenceModel:
    content = read_json(folder / "parameters.json")
    return PersistenceModel(
        np.array(content["unknown"]), tuple(content["classes"]), np.array(content["follows"])
    )
