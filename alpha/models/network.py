"""What every TensorFlow rung shares: a reproducible TensorFlow, and a network on disk."""

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from alpha.artifacts import read_json, write_json

_BATCH_ROWS = 1 << 13


@cache
def tensorflow() -> Any:
    """Import TensorFlow, set to give the same bits whatever the machine's core count."""
    # oneDNN picks its summation order by the processor; the messages are about GPUs.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    # Seeds run side by side as processes of one thread each.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    return tf


@dataclass(frozen=True)
class Network:
    """A Keras model of standardized outcomes: it predicts mean + sigma · net(x)."""

    net: Any  # keras.Model, (rows, features) -> (rows, 1)
    mean: float
    sigma: float

    def predict(self, x: np.ndarray) -> np.ndarray:
        out = np.empty(len(x))
        for start in range(0, len(x), _BATCH_ROWS):
            batch = x[start : start + _BATCH_ROWS]
            out[start : start + len(batch)] = self.net(batch, training=False).numpy()[:, 0]
        return self.mean + self.sigma * out

    def save(self, folder: Path) -> None:
        """architecture.json, weights.npz and scale.json: formats without dates or addresses."""
        architecture = json.loads(self.net.to_json())
        write_json(folder / "architecture.json", architecture)
        np.savez(
            folder / "weights.npz",
            **{f"{number:03}": weight for number, weight in enumerate(self.net.get_weights())},
        )
        write_json(folder / "scale.json", {"mean": self.mean, "sigma": self.sigma})


def load(folder: Path) -> Network:
    tf = tensorflow()
    net = tf.keras.models.model_from_json(json.dumps(read_json(folder / "architecture.json")))
    with np.load(folder / "weights.npz", allow_pickle=False) as weights:
        net.set_weights([weights[name] for name in sorted(weights.files)])
    return Network(net, **read_json(folder / "scale.json"))
