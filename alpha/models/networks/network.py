"""What all networks share: their weights in one vector, losses, a network on disk."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, ZipInfo

import numpy as np

from alpha.core.artifacts import read_json, write_json
from alpha.core.text import warn
from alpha.learn.known import Known
from alpha.learn.softmax import softmax
from alpha.models.networks.backend import tensorflow
from alpha.models.networks.forward import Forward, Layer, dense_layers

if TYPE_CHECKING:
    from alpha.learn.losses import Objective

FEATURES, PAST = True, False
_BATCH_ROWS = 1 << 12
# Layers that hold a program, which a stranger's file must not bring.
_NOT_LOADED = ("Lambda", "TFSMLayer")
_SLOWER = "a network has layers that are not compiled: TensorFlow runs it, and rows agree to 1e-6"
_ARCHITECTURE, _WEIGHTS, _SCALE = "architecture.json", "weights.npz", "scale.json"


class Flat:
    """All weights of a network in one vector, so that an optimizer updates them in one go.

    `variable` is what is trained; `net` has the weights it had until `put_back`.
    """

    def __init__(self, net: Any) -> None:
        self.net = net
        self._shapes = [tuple(weight.shape) for weight in net.trainable_variables]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        weights = [weight.numpy().ravel() for weight in net.trainable_variables]
        self.variable = tensorflow().keras.Variable(np.concatenate(weights), name="weights")

    def training_outputs(self, x: Any) -> tuple[Any, Any]:
        """What the network says of `x` (rows, features) in training, (rows, outputs), and its
        weight decay; seeds go on to the next."""
        state = self.net.non_trainable_variables
        out, after, decays = self.net.stateless_call(
            self._split(), [each.value for each in state], x, training=True, return_losses=True
        )
        for each, value in zip(state, after, strict=True):
            each.assign(value)
        return out, sum(decays)

    def put_back(self) -> None:
        """Give the network the weights as they are now."""
        for weight, value in zip(self.net.trainable_variables, self._split(), strict=True):
            weight.assign(value)

    def _split(self) -> list[Any]:
        tf = tensorflow()
        parts = tf.split(self.variable.value, self._sizes)
        return [tf.reshape(part, shape) for part, shape in zip(parts, self._shapes, strict=True)]


@dataclass(frozen=True)
class Network:
    """A Keras model about the best constant: it predicts center + sigma · net(x), or of classes
    softmax(center + net(x)), with center (outputs,)."""

    net: Any  # keras.Model, (rows, features) -> (rows, outputs)
    center: np.ndarray
    sigma: float

    @classmethod
    def about(cls, net: Any, objective: "Objective") -> "Network":
        if objective.classes:
            # A class that train never showed still has a logarithm.
            return cls(net, np.log(np.maximum(objective.constant, 1e-6)), 1.0)
        return cls(net, objective.constant.reshape(1), objective.sigma)

    def predict(self, known: Known) -> np.ndarray:
        if self._layers is not None:
            return self.compiled().predict(known)
        out = self.center + self.sigma * self.outputs(known.x).astype(np.float64)
        return out[:, 0] if len(self.center) == 1 else softmax(out)

    def compiled(self) -> Forward:
        """As what was trained will be scored; of layers that Forward knows."""
        assert self._layers is not None
        return Forward.of(self._layers, self.net.get_weights(), self.center, self.sigma)

    @cached_property
    def _layers(self) -> Sequence[Layer] | None:
        return dense_layers(json.loads(self.net.to_json()))

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """What the net itself gives for `x` (rows, features): (rows, outputs) float32."""
        # Always as many rows, so that a row's bits hardly depend on their number.
        room = np.zeros((-(-len(x) // _BATCH_ROWS) or 1, _BATCH_ROWS, x.shape[1]), np.float32)
        room.reshape(-1, x.shape[1])[: len(x)] = x
        return np.concatenate([self._compiled(batch).numpy() for batch in room])[: len(x)]

    @cached_property
    def _compiled(self) -> Any:
        return tensorflow().function(lambda x: self.net(x, training=False), autograph=False)

    def save(self, folder: Path) -> None:
        """architecture.json, weights.npz and scale.json: formats without dates or addresses."""
        write_json(folder / _ARCHITECTURE, json.loads(self.net.to_json()))
        # As np.savez does, whose bytes depend on the version of Python.
        with ZipFile(folder / _WEIGHTS, "w") as file:
            for number, weight in enumerate(self.net.get_weights()):
                content = BytesIO()
                np.lib.format.write_array(content, weight, allow_pickle=False)
                file.writestr(ZipInfo(f"{number:03}.npy"), content.getvalue())
        write_json(folder / _SCALE, {"center": self.center.tolist(), "sigma": self.sigma})


def load(folder: Path) -> Any:
    """A network as it was trained, a Predictor: compiled, or in TensorFlow if it has layers that
    Forward does not know, and that is said. Raises ValueError and the like for other files."""
    architecture, scale = (read_json(folder / name) for name in (_ARCHITECTURE, _SCALE))
    with ZipFile(folder / _WEIGHTS) as file:
        if sum(one.file_size for one in file.infolist()) > (folder / _WEIGHTS).stat().st_size:
            raise ValueError("weights must not be compressed")
    with np.load(folder / _WEIGHTS, allow_pickle=False) as weights:
        arrays = [weights[name] for name in sorted(weights.files)]
    center, sigma = np.array(scale["center"], dtype=np.float64), float(scale["sigma"])
    layers = dense_layers(architecture)
    if layers is not None:
        return Forward.of(layers, arrays, center, sigma)
    # Keras finds our layers by their names, once they are imported.
    from alpha.models.networks.layers import keras

    text = json.dumps(architecture)
    if found := [name for name in _NOT_LOADED if f'"{name}"' in text]:
        raise ValueError(f"a network must have no layer of {found[0]}, which may run anything")
    warn(_SLOWER)
    net = keras.models.model_from_json(text)
    net.set_weights(arrays)
    return Network(net, center, sigma)


def targets(outcome: np.ndarray, model: Network, objective: "Objective") -> np.ndarray:
    """What the net is trained on, (rows, outputs) float32: outcomes in sigmas about the center,
    or an indicator of each class."""
    if objective.classes:
        return np.eye(len(objective.classes), dtype=np.float32)[objective.of_class(outcome)]
    return ((outcome - model.center[0]) / model.sigma).astype(np.float32)[:, None]


def row_losses(model: Network, objective: "Objective", out: Any, target: Any, weight: Any) -> Any:
    """Objective.losses for the net, in units of sigma: a tensor (rows,).

    `out` and `target` are tensors (rows, outputs), `weight` (rows,) is how much rows count.
    """
    tf, loss = tensorflow(), objective.loss
    if objective.classes:
        center = tf.constant(model.center, dtype=tf.float32)
        return -weight * tf.reduce_sum(target * tf.nn.log_softmax(center + out), axis=1)
    error = (target - out)[:, 0]
    if loss.name == "mae":
        return tf.abs(error)
    if loss.name == "huber":
        size, delta = tf.abs(error), loss.huber_delta
        return tf.where(size <= delta, 0.5 * error**2, delta * (size - 0.5 * delta))
    if loss.name == "quantile":
        return tf.maximum(loss.quantile * error, (loss.quantile - 1) * error)
    return weight * tf.square(error)
