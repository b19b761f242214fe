"""The lowest of the ladder: the same for every row, or what happened last."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from alpha.core.artifacts import read_json, write_json
from alpha.learn.known import Known

if TYPE_CHECKING:
    from alpha.core.params import Section
    from alpha.learn.dataset import Dataset
    from alpha.learn.losses import Objective


class Naive:
    """A dataclass of arrays, kept as lists."""

    FEATURES: ClassVar = False
    PAST: ClassVar = False

    def save(self, folder: Path) -> None:
        fields = asdict(self)  # type: ignore[call-overload]
        lists = {name: value.tolist() for name, value in fields.items()}
        write_json(folder / "parameters.json", lists)

    @classmethod
    def load(cls, folder: Path) -> Self:
        content = read_json(folder / "parameters.json")
        return cls(**{name: np.array(value, dtype=float) for name, value in content.items()})


@dataclass(frozen=True)
class Constant(Naive):
    """`value` is one outcome, a 0-dimensional array, or a probability of each class."""

    value: np.ndarray

    def predict(self, known: Known) -> np.ndarray:
        return np.full((len(known), *self.value.shape), self.value)


class Zero(Constant):
    """Nothing will happen. Each class is as likely as the others."""

    @classmethod
    def fit(cls, train: "Dataset", objective: "Objective", parameters: "Section") -> Self:
        classes = len(objective.classes)
        return cls(np.full(classes, 1 / classes) if classes else np.array(0.0))


class Mean(Constant):
    """The best constant under squared error, or cross-entropy: train's mean, or class shares."""

    @classmethod
    def fit(cls, train: "Dataset", objective: "Objective", parameters: "Section") -> Self:
        return cls(objective.constant if objective.classes else np.array(objective.mean))


class Median(Constant):
    """The best constant under absolute error: train's median; of classes, the most frequent one
    with its share, and the others share what it leaves."""

    @classmethod
    def fit(cls, train: "Dataset", objective: "Objective", parameters: "Section") -> Self:
        if not objective.classes:
            return cls(np.array(np.median(train.y)))
        share = np.array([np.mean(train.y == code) for code in objective.classes])
        rest = (1 - share.max()) / (len(share) - 1)
        return cls(np.where(np.arange(len(share)) == share.argmax(), share.max(), rest))


@dataclass(frozen=True)
class Persistence(Naive):
    """Tomorrow is like today: the last completed window's outcome, known at t.

    `unknown` is predicted where no window is completed: an outcome, a 0-dimensional array, or
    probabilities (classes,). `follows` (classes, classes) says how often each class followed the
    last one on train, a line for each last one; both are empty for a regression target.
    """

    PAST: ClassVar = True
    unknown: np.ndarray
    classes: np.ndarray
    follows: np.ndarray

    @classmethod
    def fit(cls, train: "Dataset", objective: "Objective", parameters: "Section") -> Self:
        classes = np.array(objective.classes)
        if not len(classes):
            return cls(np.array(objective.mean), classes, np.empty((0, 0)))
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
        if not len(self.classes):
            return np.where(np.isnan(last), self.unknown, last)
        chosen = self.follows[np.searchsorted(self.classes, np.nan_to_num(last))]
        return np.where(np.isnan(last)[:, None], self.unknown, chosen)
