"""Layers of the networks: dense ones, of all features or of each family, and dropout of units and
of whole silos. Importing this imports TensorFlow."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from alpha.models.networks.backend import tensorflow
from alpha.models.networks.params import Mlp, Silos

tf = tensorflow()
keras = tf.keras
Layer: Any = keras.layers.Layer
# Keras draws a float of 32 random bits for each unit, which takes longer than the products of a
# small network; here 8 bits decide.
_VALUES = 1 << 8


def stack(x: Any, widths: Sequence[int], outputs: int, parameters: Mlp | Silos) -> Any:
    """ReLU layers on a Keras tensor (rows, inputs), and a last one -> (rows, outputs), with the
    dropout and weight decay of `parameters`."""
    for number, width in enumerate(widths):
        x = keras.layers.Dense(
            width,
            activation="relu",
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.L2(parameters.weight_decay),
            name=f"hidden_{number}",
        )(x)
        if parameters.dropout > 0:
            x = Dropout(parameters.dropout, name=f"dropout_{number}")(x)
    # Starting at zero starts at the best constant.
    return keras.layers.Dense(outputs, kernel_initializer="zeros", name="outcome")(x)


def keep_mask(rows: Any, width: int, rate: float, seed: Any) -> Any:
    """(rows, width) float32: 0 with chance `rate` and else what makes the mean 1, each by itself.

    `rows` may be a tensor; `seed` is a tensor (2,) of integers. Within one call the chance is a
    multiple of 1 / 256, of the two next to `rate` one that is drawn so that it is `rate` on
    average, and by which those that are kept are scaled; at most it is 255 / 256.
    """
    seed = tf.cast(seed, tf.int32)
    words = tf.random.stateless_uniform(
        (rows, (width + 3) // 4), seed, minval=None, maxval=None, dtype=tf.int32
    )
    drawn = tf.reshape(tf.bitcast(words, tf.int8), (rows, -1))[:, :width]
    part = tf.random.stateless_uniform((), tf.random.experimental.stateless_fold_in(seed, 1))
    dropped = tf.minimum(tf.floor(rate * _VALUES + part), _VALUES - 1)
    keep = drawn >= tf.cast(dropped - _VALUES // 2, tf.int8)
    return tf.cast(keep, tf.float32) * (_VALUES / (_VALUES - dropped))


@keras.utils.register_keras_serializable(package="alpha")
class Dropout(Layer):
    """In training, zero each value of (rows, units) with chance `rate` and scale the others by
    1 / (1 − rate) (Srivastava et al. 2014)."""

    def __init__(self, rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        return inputs * self.mask(tf.shape(inputs)[0], inputs.shape[1])

    def mask(self, rows: Any, width: int) -> Any:
        return keep_mask(rows, width, self.rate, self.seed_generator.next())


@keras.utils.register_keras_serializable(package="alpha")
class SiloDense(Layer):
    """A dense ReLU layer of each silo: (rows, inputs) -> (rows, silos · units), silo by silo.

    `silos` gives the number, from 0, of the silo that each input belongs to; `weight_decay`
    one number a silo. The kernel is (inputs, units): no weight joins an input to another
    silo's units. All silos are one matrix product, with zeros where a weight would cross: for
    small silos faster than a product for each, or than a batched one (benchmarks/silos.py).
    """

    def __init__(
        self, silos: Sequence[int], units: int, weight_decay: Sequence[float], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.silos, self.units, self.weight_decay = silos, units, weight_decay

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        silos = np.array(self.silos)
        fan_in = np.bincount(silos, minlength=len(self.weight_decay))[silos]
        decay = np.array(self.weight_decay, dtype=np.float32)[silos][:, None]

        def he_normal(shape: tuple[int, int], dtype: str) -> Any:
            """He et al. (2015), each silo by the number of its own inputs."""
            # As if of one input, whose number is then put right for each silo.
            unit = keras.initializers.HeNormal()((1, shape[0] * shape[1]), dtype)
            return keras.ops.reshape(unit, shape) / np.sqrt(fan_in, dtype=np.float32)[:, None]

        self.kernel = self.add_weight(
            name="kernel",
            shape=(len(silos), self.units),
            initializer=he_normal,
            regularizer=lambda kernel: keras.ops.sum(decay * keras.ops.square(kernel)),
        )
        self._width = len(self.weight_decay) * self.units
        self.bias = self.add_weight(name="bias", shape=(self._width,), initializer="zeros")
        own = np.eye(len(self.weight_decay), dtype=np.float32)
        self._mask = own[silos][:, :, None]  # (inputs, silos, 1)

    def call(self, inputs: Any) -> Any:
        kernel = self._mask * keras.ops.expand_dims(self.kernel, 1)  # (inputs, silos, units)
        kernel = keras.ops.reshape(kernel, (len(self.silos), self._width))
        # Named so, TensorFlow does all three in one go.
        return tf.nn.relu(tf.nn.bias_add(tf.matmul(inputs, kernel), self.bias))


@keras.utils.register_keras_serializable(package="alpha")
class SiloDropout(Dropout):
    """In training, zero the whole embedding of a silo with chance `rate`, row by row, and scale the
    others by 1 / (1 − rate). Embeddings are (rows, silos · embeddings), silo by silo."""

    def __init__(self, silos: int, rate: float, **kwargs: Any) -> None:
        super().__init__(rate, **kwargs)
        self.silos = silos

    def mask(self, rows: Any, width: int) -> Any:
        heard = super().mask(rows, self.silos)
        # A small product is faster than a broadcast over (rows, silos, embeddings).
        spread = np.repeat(np.eye(self.silos, dtype=np.float32), width // self.silos, axis=1)
        return keras.ops.matmul(heard, spread)
