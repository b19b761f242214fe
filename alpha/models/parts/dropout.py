"""Dropout of single units and of whole silos. Importing this imports TensorFlow.

Keras draws a float of 32 random bits for each unit, which takes longer than the products of a
small network; here 16 bits decide, so that a rate is met to 1 / 65536.
"""

from typing import Any

from alpha.models.parts.network import tensorflow

tf = tensorflow()
keras = tf.keras
Layer: Any = keras.layers.Layer
_VALUES = 1 << 16


def kept(rows: Any, width: int, rate: float, seed: Any) -> Any:
    """(rows, width) float32: 0 with chance `rate` and else 1 / (1 − rate), each by itself.

    `rows` may be a tensor; `seed` is a tensor (2,) of integers. The mean is exactly 1 where
    `rate` is a multiple of 1 / 65536, to which it is rounded.
    """
    dropped = min(round(rate * _VALUES), _VALUES - 1)
    words = tf.random.stateless_uniform(
        (rows, (width + 1) // 2), tf.cast(seed, tf.int32), minval=None, maxval=None, dtype=tf.int32
    )
    halves = tf.reshape(tf.bitcast(words, tf.int16), (rows, -1))[:, :width]
    keep = halves >= tf.constant(dropped - _VALUES // 2, tf.int16)
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
        rows, width = tf.shape(inputs)[0], inputs.shape[1]
        return inputs * kept(rows, width, self.rate, self.seed_generator.next())

    def compute_output_shape(self, input_shape: tuple[int | None, int]) -> tuple[int | None, int]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}
