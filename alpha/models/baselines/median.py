"""The median outcome of train; of classes, the most frequent one, called as sure as it was."""

import numpy as np

from alpha.learn.dataset import Dataset
from alpha.learn.losses import Objective
from alpha.models.baselines.constant import ConstantModel, load
from alpha.models.baselines.params import NoParameters

__all__ = ["FEATURES", "fit", "load"]
FEATURES = False


def fit(train: Dataset, objective: Objective, knobs: NoParameters) -> ConstantModel:
    """The best constant under absolute error. Classes beside the mode share what it leaves."""
    if not objective.classes:
        return ConstantModel(np.array(np.median(train.y)))
    share = np.array([np.mean(train.y == code) for code in objective.classes])
    rest = (1 - share.max()) / (len(share) - 1)
    return ConstantModel(np.where(np.arange(len(share)) == share.argmax(), share.max(), rest))
