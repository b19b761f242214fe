"""The lowest rung: nothing will happen. Of classes, each is as likely as the others."""

import numpy as np

from alpha.dataset import Dataset
from alpha.models.parts.constant import ConstantModel, load
from alpha.objective import Objective
from alpha.params import NoKnobs

__all__ = ["FEATURES", "fit", "load"]
FEATURES = False


def fit(train: Dataset, objective: Objective, knobs: NoKnobs) -> ConstantModel:
    classes = len(objective.classes)
    return ConstantModel(np.full(classes, 1 / classes) if classes else np.array(0.0))
