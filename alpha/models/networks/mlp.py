"""A multilayer perceptron on all features at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alpha.models.networks import network
from alpha.models.networks.dense import perceptron
from alpha.models.networks.network import Network
from alpha.models.networks.params import Mlp

__all__ = ["FEATURES", "build", "load"]
FEATURES = True


def build(families: Sequence[str], knobs: Mlp, outputs: int) -> Any:
    """A Keras model (rows, features) -> (rows, outputs); `families` has one name a feature."""
    return perceptron(len(families), knobs, outputs)


def load(folder: Path) -> Network:
    import alpha.models.networks.dropout  # noqa: F401  Keras finds the layer by its name.

    return network.load(folder)
