"""A plain stack of dense layers, of which rungs build their networks."""

from collections.abc import Sequence
from typing import Any

from alpha.models.networks.backend import tensorflow
from alpha.models.networks.params import Mlp


def stack(
    x: Any, widths: Sequence[int], *, outputs: int, dropout: float, weight_decay: float
) -> Any:
    """ReLU layers on a Keras tensor (rows, inputs), and a last one -> (rows, outputs)."""
    from alpha.models.networks.dropout import Dropout

    keras = tensorflow().keras
    for number, width in enumerate(widths):
        x = keras.layers.Dense(
            width,
            activation="relu",
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.L2(weight_decay),
            name=f"hidden_{number}",
        )(x)
        if dropout > 0:
            x = Dropout(dropout, name=f"dropout_{number}")(x)
    # Starting at zero starts at the best constant.
    return keras.layers.Dense(outputs, kernel_initializer="zeros", name="outcome")(x)


def perceptron(features: int, knobs: Mlp, outputs: int) -> Any:
    """A Keras model (rows, features) -> (rows, outputs) of nothing but a stack."""
    keras = tensorflow().keras
    inputs = keras.Input((features,), name="features")
    outcome = stack(
        inputs,
        knobs.hidden,
        outputs=outputs,
        dropout=knobs.dropout,
        weight_decay=knobs.weight_decay,
    )
    return keras.Model(inputs, outcome, name="mlp")
