"""A fitted model, and how the name of a model in params.yaml finds its code.

A model is a class or module with `FEATURES`, whether it looks at features at all, and
`load(folder)`. It is fitted in one of three ways: `fit(train, objective, parameters)` in closed
form; `fit_watching(train, valid, objective, parameters, seed=...)`, which stops early on valid; or
`build(families, parameters, outputs)` of a network, which alpha.models.networks.training trains.
A network's `matched_mlp(families, parameters, outputs)` is trained beside it.
"""

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

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


def find(name: str) -> Any:
    """The class or module of a model; the others, and what they need, are not imported."""
    package = import_module(f"alpha.models.{kind(name)}")
    module, _, attribute = package.MODELS[name].partition(".")
    found = import_module(f"{package.__name__}.{module}")
    return getattr(found, attribute) if attribute else found
