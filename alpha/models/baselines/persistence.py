"""Tomorrow is like today: the last completed window's outcome, known at t."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from alpha.core.artifacts import read_json, write_json
from alpha.learn.dataset import Dataset, Known
from alpha.learn.losses import Objective
from alpha.models.baselines.params import NoParameters


@dataclass(frozen=True)
class Persistence:
    """`unknown` is predicted where no window is completed: an outcome, a 0-dimensional array,
    or probabilities (classes,). `follows` (classes, classes) says how often each class followed
    the last one on train, a line for each last one; it is empty for a regression target."""

    FEATURES: ClassVar = False
    unknown: np.ndarray
    classes: tuple[float, ...]
    follows: np.ndarray

    @classmethod
    def fit(cls, train: Dataset, objective: Objective, parameters: NoParameters) -> Self:
        classes = objective.classes
        if not classes:
            return cls(np.array(objective.mean), (), np.empty((0, 0)))
        last = train.known.past[:, 0]
        seen = ~np.isnan(last)
        counts = np.zeros((len(classes), len(classes)))
        pairs = (objective.of_class(last[seen]), objective.of_class(train.y[seen]))
        np.add.at(counts, pairs, objective.row_weights(train.y[seen]))
        # One more of train's average line, so that what never followed is not called impossible.
        counts += objective.constant
        return cls(objective.constant, classes, counts / counts.sum(axis=1, keepdims=True))

    def predict(self, known: Known) -> np.ndarray:
        last = known.past[:, 0]
        if not self.classes:
            return np.where(np.isnan(last), self.unknown, last)
        chosen = self.follows[np.searchsorted(self.classes, np.nan_to_num(last))]
        return np.where(np.isnan(last)[:, None], self.unknown, chosen)

    def save(self, folder: Path) -> None:
        content = {"unknown": self.unknown, "classes": np.array(self.classes)}
        content["follows"] = self.follows
        lists = {name: value.tolist() for name, value in content.items()}
        write_json(folder / "parameters.json", lists)

    @classmethod
    def load(cls, folder: Path) -> Self:
        content = read_json(folder / "parameters.json")
        return cls(
            np.array(content["unknown"]), tuple(content["classes"]), np.array(content["follows"])
        )
