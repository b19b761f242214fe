"""Linear models: HAR on what the last windows brought, and ridge on all features."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from alpha.learn.known import PART_ROWS, Known
from alpha.models.baselines.linear import LinearModel, least_loss
from alpha.models.baselines.naive import Naive

if TYPE_CHECKING:
    from alpha.core.params import Section
    from alpha.learn.dataset import Dataset, Rows
    from alpha.learn.losses import Objective
    from alpha.models.baselines import params


@dataclass(frozen=True)
class Har(LinearModel, Naive):
    """A line over past outcomes; `unknown` stands for those of windows not completed.

    The heterogeneous autoregression of Corsi (2009) forecasts volatility from its averages over a
    day, a week and a month; here they are over 1, 5 and 30 horizons.
    """

    PAST: ClassVar = True
    unknown: np.ndarray

    @classmethod
    def fit(cls, train: "Dataset", objective: "Objective", parameters: "Section") -> Self:
        def inputs() -> Iterator[np.ndarray]:
            for start in range(0, len(train.y), PART_ROWS):
                yield _past_inputs(train.known[start : start + PART_ROWS], objective.mean)

        line = least_loss(inputs, train.y, objective, penalty=0.0)
        return cls(**vars(line), unknown=np.array(objective.mean))

    def predict(self, known: Known) -> np.ndarray:
        return self.outcomes(_past_inputs(known, self.unknown))


def _past_inputs(known: Known, unknown: np.ndarray | float) -> np.ndarray:
    """(rows, 6): outcomes, and how large they were, as signs may cancel while size lasts."""
    past = np.where(np.isnan(known.past), unknown, known.past)
    return np.column_stack((past, np.abs(past)))


@dataclass(frozen=True)
class Ridge(LinearModel, Naive):
    """A line over normalized features, from one pass over train's, which may stay in files."""

    FEATURES: ClassVar = True

    @classmethod
    def fit(cls, train: "Rows", objective: "Objective", parameters: "params.Ridge") -> Self:
        def features() -> Iterator[np.ndarray]:
            return (known.x for known in train.parts())

        return cls(**vars(least_loss(features, train.y, objective, penalty=parameters.penalty)))

    def predict(self, known: Known) -> np.ndarray:
        return self.outcomes(known.x)
