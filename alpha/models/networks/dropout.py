"""Dropout of single units and of whole silos. Importing this imports TensorFlow.

Keras draws a float of 32 random bits for each unit, which takes longer than the products of a
small network; here 8 bits decide.
"""

from typing import Any

from alpha.models.networks.backend import tensorflow

tf = tensorflow()
keras = tf.keras
Layer: Any = keras.layers.Layer
_VALUES = 1 << 8


def kept(rows: Any, width: int, rate: float, seed: Any) -> Any:
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
        rows, width = tf.shape(inputs)[0], inputs.shape[1]
        return inputs * kept(rows, width, self.rate, self.seed_generator.next())

    def compute_output_shape(self, input_shape: tuple[int | None, int]) -> tuple[int | None, int]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}
