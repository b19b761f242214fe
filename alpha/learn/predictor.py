"""The ladder of models: one file a rung, listed by kind in params.yaml.

A rung says with FEATURES whether it looks at features at all, and is fitted in one of three
ways: `fit(train, objective, knobs)` in closed form; `fit_watching(train, valid, objective,
knobs, seed=...)`, which stops early on valid; or `build(families, knobs, outputs)` of a
network, which alpha/train/run.py trains. A network's `rival(families, knobs, outputs)` is trained
beside it. Each gives something that predicts and saves, and `load(folder)` reads it back.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np

from alpha.learn.dataset import Known
from alpha.learn.params import kind


class Predictor(Protocol):
    """A fitted model."""

    def predict(self, known: Known) -> np.ndarray:
        """Outcomes (rows,) float64, or of a classification target probabilities (rows, classes)
        that add up to 1. A row's prediction depends on that row alone."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything `load` needs into an existing folder, as deterministic bytes."""
        ...


def rung(name: str) -> ModuleType:
    """The module of a model; the others, and what they need, are not imported."""
    return import_module(f"alpha.models.{kind(name)}.{name}")
