"""The average outcome of train, whatever the features say; of classes, their shares."""

import numpy as np

from alpha.learn.dataset import Dataset
from alpha.learn.losses import Objective
from alpha.models.baselines.constant import ConstantModel, load
from alpha.models.baselines.params import NoParameters

__all__ = ["FEATURES", "fit", "load"]
FEATURES = False


def fit(train: Dataset, objective: Objective, knobs: NoParameters) -> ConstantModel:
    """The best constant under squared error, or cross-entropy."""
    return ConstantModel(objective.constant if objective.classes else np.array(objective.mean))
