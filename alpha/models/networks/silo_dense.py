"""The layers of a silos network that keep families apart. Importing this imports TensorFlow."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from alpha.models.networks.backend import tensorflow
from alpha.models.networks.dropout import kept

tf = tensorflow()
keras = tf.keras
Layer: Any = keras.layers.Layer
Regularizer: Any = keras.regularizers.Regularizer


class _FamilyL2(Regularizer):
    """Sum of weight_decay · kernel² with a weight decay for each row of the kernel, (inputs,)."""

    def __init__(self, weight_decay: np.ndarray) -> None:
        self.weight_decay = weight_decay.astype(np.float32)[:, None]

    def __call__(self, kernel: Any) -> Any:
        return keras.ops.sum(self.weight_decay * keras.ops.square(kernel))


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
        self.silos, self.units = [int(silo) for silo in silos], units
        self.weight_decay = [float(decay) for decay in weight_decay]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        silos = np.array(self.silos)
        fan_in = np.bincount(silos, minlength=len(self.weight_decay))[silos]

        def he_normal(shape: tuple[int, int], dtype: str) -> Any:
            """He et al. (2015), each silo by the number of its own inputs."""
            # As if of one input, whose number is then put right for each silo.
            unit = keras.initializers.HeNormal()((1, shape[0] * shape[1]), dtype)
            return keras.ops.reshape(unit, shape) / np.sqrt(fan_in, dtype=np.float32)[:, None]

        self.kernel = self.add_weight(
            name="kernel",
            shape=(len(silos), self.units),
            initializer=he_normal,
            regularizer=_FamilyL2(np.array(self.weight_decay)[silos]),
        )
        self.bias = self.add_weight(name="bias", shape=(self._width,), initializer="zeros")
        own = np.eye(len(self.weight_decay), dtype=np.float32)
        self._mask = own[silos][:, :, None]  # (inputs, silos, 1)

    @property
    def _width(self) -> int:
        return len(self.weight_decay) * self.units

    def call(self, inputs: Any) -> Any:
        kernel = self._mask * keras.ops.expand_dims(self.kernel, 1)  # (inputs, silos, units)
        kernel = keras.ops.reshape(kernel, (len(self.silos), self._width))
        # Named so, TensorFlow does all three in one go.
        return tf.nn.relu(tf.nn.bias_add(tf.matmul(inputs, kernel), self.bias))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        return input_shape[0], self._width

    def get_config(self) -> dict[str, Any]:
        mine = {"silos": self.silos, "units": self.units, "weight_decay": self.weight_decay}
        return {**super().get_config(), **mine}


@keras.utils.register_keras_serializable(package="alpha")
class SiloDropout(Layer):
    """In training, zero the whole embedding of a silo with chance `rate`, row by row, and scale the
    others by 1 / (1 − rate). Embeddings are (rows, silos · embeddings), silo by silo."""

    def __init__(self, silos: int, rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.silos, self.rate = silos, rate
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, input_shape: tuple[int | None, int]) -> None:
        embeddings = input_shape[1] // self.silos
        self._spread = np.repeat(np.eye(self.silos, dtype=np.float32), embeddings, axis=1)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        rows = keras.ops.shape(inputs)[0]
        heard = kept(rows, self.silos, self.rate, self.seed_generator.next())
        # A small product is faster than a broadcast over (rows, silos, embeddings).
        return inputs * keras.ops.matmul(heard, self._spread)

    def compute_output_shape(self, input_shape: tuple[int | None, int]) -> tuple[int | None, int]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "silos": self.silos, "rate": self.rate}
