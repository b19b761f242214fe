"""The median outcome of train; of classes, the most frequent one, called as sure as it was."""

import numpy as np

from alpha.dataset import Dataset
from alpha.models.parts.constant import ConstantModel, load
from alpha.objective import Objective
from alpha.params import NoKnobs

__all__ = ["FEATURES", "fit", "load"]
FEATURES = False


def fit(train: Dataset, objective: Objective, knobs: NoKnobs) -> ConstantModel:
    """The best constant under absolute error. Classes beside the mode share what it leaves."""
    if not objective.classes:
        return ConstantModel(np.array(np.median(train.y)))
    share = np.array([np.mean(train.y == code) for code in objective.classes])
    rest = (1 - share.max()) / (len(share) - 1)
    return ConstantModel(np.where(np.arange(len(share)) == share.argmax(), share.max(), rest))
