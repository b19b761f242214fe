"""A multilayer perceptron on all features at once."""

from collections.abc import Sequence
from typing import Any

from alpha.models.networks.layers import perceptron
from alpha.models.networks.network import load
from alpha.models.networks.params import Mlp

__all__ = ["FEATURES", "build", "load"]
FEATURES = True


def build(families: Sequence[str], parameters: Mlp, outputs: int) -> Any:
    """A Keras model (rows, features) -> (rows, outputs); `families` has one name a feature."""
    return perceptron(len(families), parameters, outputs)
