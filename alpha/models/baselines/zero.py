"""The lowest rung: nothing will happen. Of classes, each is as likely as the others."""

import numpy as np

from alpha.learn.dataset import Dataset
from alpha.learn.losses import Objective
from alpha.models.baselines.constant import ConstantModel, load
from alpha.models.baselines.params import NoParameters

__all__ = ["FEATURES", "fit", "load"]
FEATURES = False


def fit(train: Dataset, objective: Objective, knobs: NoParameters) -> ConstantModel:
    classes = len(objective.classes)
    return ConstantModel(np.full(classes, 1 / classes) if classes else np.array(0.0))
