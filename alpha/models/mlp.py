"""A multilayer perceptron on all features at once."""

from typing import Any

from alpha.models.network import load, tensorflow
from alpha.params import Mlp

__all__ = ["build", "load"]


def build(features: int, knobs: Mlp) -> Any:
    """A Keras model (rows, features) -> (rows, 1) of ReLU layers `knobs.hidden` wide."""
    keras = tensorflow().keras
    inputs = keras.Input((features,), name="features")
    x = inputs
    for number, width in enumerate(knobs.hidden):
        x = keras.layers.Dense(
            width,
            activation="relu",
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.L2(knobs.weight_decay),
            name=f"hidden_{number}",
        )(x)
        if knobs.dropout > 0:
            x = keras.layers.Dropout(knobs.dropout, name=f"dropout_{number}")(x)
    # Starting at zero starts at the train mean: the first loss is that of the best constant.
    outputs = keras.layers.Dense(1, kernel_initializer="zeros", name="outcome")(x)
    return keras.Model(inputs, outputs, name="mlp")
