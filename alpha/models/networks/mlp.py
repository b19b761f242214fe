"""A multilayer perceptron on all features at once."""

from collections.abc import Sequence
from typing import Any

from alpha.models.networks.layers import keras, stack
from alpha.models.networks.network import load as load
from alpha.models.networks.params import Mlp

FEATURES = True


def build(families: Sequence[str], parameters: Mlp, outputs: int) -> Any:
    """A Keras model (rows, features) -> (rows, outputs); `families` has one name a feature."""
    inputs = keras.Input((len(families),), name="features")
    outcome = stack(inputs, parameters.hidden, outputs, parameters)
    return keras.Model(inputs, outcome, name="mlp")
