"""An MLP and a net of silos in plain Keras, trained by `fit`: as it comes, and tuned.

A worker process (benchmarks/worker.py) with TensorFlow's own settings: all cores.

    python -m benchmarks.peers.training FOLDER
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.worker import serve

LEARNING_RATE = 0.001
DROPOUT, SILO_DROPOUT = 0.2, 0.05
WEIGHT_DECAY = 0.001
# Batches that one call of the compiled training function takes, and buffers of the tuned way.
STEPS = 32


def dense(units: int) -> Any:
    return keras.layers.Dense(
        units,
        activation="relu",
        kernel_initializer="he_normal",
        kernel_regularizer=keras.regularizers.L2(WEIGHT_DECAY),
    )


def head(x: Any, widths: Sequence[int]) -> Any:
    for width in widths:
        x = keras.layers.Dropout(DROPOUT)(dense(width)(x))
    return keras.layers.Dense(1, kernel_initializer="zeros")(x)


def mlp(features: int, hidden: Sequence[int] = (64, 32)) -> Any:
    inputs = keras.Input((features,))
    return keras.Model(inputs, head(inputs, hidden))


def silos(
    owns: Sequence[Sequence[int]], units: int = 8, codes: int = 4, fusion: Sequence[int] = (32,)
) -> Any:
    """Two Dense layers for each family of features, whose columns `owns` has."""
    inputs = keras.Input((sum(len(own) for own in owns),))
    each = [dense(codes)(dense(units)(keras.ops.take(inputs, own, axis=1))) for own in owns]
    x = keras.ops.stack(each, axis=1)
    x = keras.layers.Dropout(SILO_DROPOUT, noise_shape=(None, len(owns), 1))(x)
    return keras.Model(inputs, head(keras.layers.Flatten()(x), fusion))


def fit(
    net: Any,
    train: tuple[np.ndarray, np.ndarray],
    valid: tuple[np.ndarray, np.ndarray],
    *,
    batch: int,
    epochs: int,
) -> None:
    """As it comes: arrays, and nothing set but what must be."""
    net.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss="mse")
    net.fit(*train, batch_size=batch, epochs=epochs, validation_data=valid, verbose=0)


def fit_tuned(
    net: Any,
    train: tuple[np.ndarray, np.ndarray],
    valid: tuple[np.ndarray, np.ndarray],
    *,
    batch: int,
    epochs: int,
) -> None:
    """Batches are cut once and their order is shuffled; one call takes many of them."""
    x, y = (part.reshape(-1, batch, part.shape[1]) for part in train)
    batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).prefetch(tf.data.AUTOTUNE)
    watched = tf.data.Dataset.from_tensor_slices(valid).batch(1 << 13).cache()
    net.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss="mse",
        steps_per_execution=min(STEPS, len(x)),
    )
    net.fit(batches, epochs=epochs, validation_data=watched, shuffle=False, verbose=0)


def main(folder: Path) -> None:
    """`x`, `y` are of train and `valid_x`, `valid_y` of valid: normalized, float32."""
    # It wonders that there are several nets.
    tf.get_logger().setLevel("ERROR")
    x, y, valid_x, valid_y = (
        np.load(folder / f"{name}.npy") for name in ("x", "y", "valid_x", "valid_y")
    )
    scaled = [((part - y.mean()) / y.std()).astype(np.float32)[:, None] for part in (y, valid_y)]
    train, valid = (x, scaled[0]), (valid_x, scaled[1])

    def answer(
        net: str, way: str, batch: int, epochs: int, seed: int, owns: list[list[int]]
    ) -> dict[str, float]:
        """Seconds of building and training, and then the mean squared error on valid."""
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        started = time.perf_counter()
        model = silos(owns) if net == "silos" else mlp(x.shape[1])
        trained = fit_tuned if way == "tuned" else fit
        trained(model, train, valid, batch=batch, epochs=epochs)
        seconds = time.perf_counter() - started
        out = model.predict(valid_x, batch_size=1 << 13, verbose=0)
        return {"seconds": seconds, "valid_loss": float(np.mean((out - valid[1]) ** 2))}

    serve(answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
