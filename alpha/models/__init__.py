"""The ladder of models: one file a rung, lowest first in params' `models`.

A closed-form rung has `fit(train, knobs)`; a network rung has `build(features, knobs)`, and
alpha/train.py trains it. Either gives something that predicts and saves, and `load` reads it.
"""

from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np

from alpha.errors import InputError
from alpha.params import Model


class Predictor(Protocol):
    """A fitted model."""

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Outcomes (rows,) float64 for normalized features (rows, features) float32."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything `load` needs into an existing folder, as deterministic bytes."""
        ...


def rung(name: Model) -> ModuleType:
    """The module of a rung; the others, and TensorFlow, are not imported."""
    if name == "mean":
        from alpha.models import mean

        return mean
    if name == "ridge":
        from alpha.models import ridge

        return ridge
    if name == "mlp":
        from alpha.models import mlp

        return mlp
    raise InputError(f"models: no such rung {name!r}")
