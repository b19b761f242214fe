"""A multilayer perceptron on all features at once."""

from collections.abc import Sequence
from typing import Any

from alpha.models.parts.dense import perceptron
from alpha.models.parts.network import load
from alpha.params import Mlp

__all__ = ["FEATURES", "build", "load"]
FEATURES = True


def build(families: Sequence[str], knobs: Mlp, outputs: int) -> Any:
    """A Keras model (rows, features) -> (rows, outputs); `families` has one name a feature."""
    return perceptron(len(families), knobs, outputs)
