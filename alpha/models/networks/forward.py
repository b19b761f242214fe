"""A trained network's forward pass, compiled: what a row brings does not depend on the rows beside
it, on threads or on the make of the processor, and needs no TensorFlow.

It knows dense layers one after the other, of all units before them or silo by silo.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numba import njit

from alpha.core import parallel
from alpha.learn.known import Known
from alpha.learn.softmax import softmax

_OWN = "alpha.models.networks.layers"
_IDENTITIES = {
    *("keras.layers.InputLayer", "keras.layers.Dropout"),
    *(f"{_OWN}.{name}" for name in ("Dropout", "SiloDropout")),
}
# Rows side by side in the innermost loop, and rows that one thread takes at a time.
_TILE_ROWS, _PIECE_ROWS = 64, 1 << 12
_compiled = njit(cache=True, nogil=True)


class Layer(NamedTuple):
    """A dense layer: the silo, from 0, of each input; how many silos there are, each with so many
    units; and whether these are ReLU units, or linear ones."""

    inputs: Sequence[int]
    silos: int
    units: int
    relu: bool


def dense_layers(architecture: Any) -> list[Layer] | None:
    """The layers of a Keras model, from its JSON; None if they are others, or do not stand one
    after the other. Raises KeyError, TypeError and the like if it is no Keras model."""
    if architecture["class_name"] != "Functional":
        return None
    found: list[Layer] = []
    sources: list[str] = []
    width = 0
    for layer in architecture["config"]["layers"]:
        config, kind = layer["config"], f"{layer['module']}.{layer['class_name']}"
        called_on = re.findall(r'"keras_history": (\[.*?\])', json.dumps(layer["inbound_nodes"]))
        if called_on != sources or '"float32"' not in json.dumps(config["dtype"]):
            return None
        sources = [json.dumps([config["name"], 0, 0])]
        width = config["batch_shape"][-1] if kind == "keras.layers.InputLayer" else width
        if kind == f"{_OWN}.SiloDense":
            found.append(Layer(config["silos"], len(config["weight_decay"]), config["units"], True))
        elif kind == "keras.layers.Dense" and config["use_bias"]:
            if config["activation"] not in ("relu", "linear"):
                return None
            relu = config["activation"] == "relu"
            found.append(Layer([0] * width, 1, config["units"], relu))
        elif kind not in _IDENTITIES:
            return None
        width = found[-1].silos * found[-1].units if found else width
    outputs = json.dumps(architecture["config"]["output_layers"])
    return found if [outputs] == sources else None


@dataclass(frozen=True)
class Forward:
    """center + sigma · net(x), or of classes softmax(center + net(x)), with center (outputs,).

    `net` are, of each silo of each layer, a line of `groups` (n, 7) int64: its layer, whether it is
    of ReLU units, where its inputs start in `columns` and how many they are, its first unit and how
    many there are, and where its weights (inputs, units) start; `columns` int64, numbers of units
    of the layer before; weights and biases, float32.
    """

    net: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    widths: tuple[int, ...]  # of the inputs, and of each layer
    center: np.ndarray
    sigma: float

    @classmethod
    def of(
        cls, layers: Sequence[Layer], arrays: Sequence[np.ndarray], center: np.ndarray, sigma: float
    ) -> Self:
        """From a kernel and a bias for each layer. Raises ValueError if their shapes are others."""
        widths, groups, columns, weights = [len(layers[0].inputs)], [], [], []
        inputs_at = weights_at = 0
        kernels, biases = arrays[::2], arrays[1::2]
        for number, (of, kernel, bias) in enumerate(zip(layers, kernels, biases, strict=True)):
            shapes = (len(of.inputs), of.units), (of.silos * of.units,)
            if (kernel.shape, bias.shape) != shapes or len(of.inputs) != widths[-1]:
                raise ValueError(f"layer {number} must have weights of shapes {shapes}")
            for silo in range(of.silos):
                own = np.flatnonzero(np.array(of.inputs) == silo)
                size, at = len(own), (inputs_at, len(own), silo * of.units, of.units, weights_at)
                groups.append((number, of.relu, *at))
                columns.append(own)
                weights.append(kernel[own].ravel())
                inputs_at, weights_at = inputs_at + size, weights_at + size * of.units
            widths.append(of.silos * of.units)
        if center.shape != (widths[-1],):
            raise ValueError(f"center must have a number for each of {widths[-1]} outputs")
        floats = (np.concatenate(of).astype(np.float32) for of in (weights, biases))
        net: Any = np.array(groups), np.concatenate(columns), *floats
        return cls(net, tuple(widths), center, sigma)

    def predict(self, known: Known) -> np.ndarray:
        out = self.center + self.sigma * self.outputs(known.x)
        return out[:, 0] if len(self.center) == 1 else softmax(out)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """What the net itself gives for `x` (rows, features) float32: (rows, outputs) float64."""
        if x.shape[1] != self.widths[0]:
            raise ValueError(f"must have {self.widths[0]} features, found {x.shape[1]}")
        out, width = np.empty((len(x), self.widths[-1])), max(self.widths)

        def fill(piece: range) -> None:
            rows = slice(piece.start, piece.stop)
            _tiles(x[rows], self.net, width, out[rows])

        if len(x) == 1:
            _row(x, self.net, width, out)
        else:
            parallel.each(fill, parallel.cut(len(x), _PIECE_ROWS))
        return out


@_compiled
def _tiles(x: np.ndarray, net: Any, width: int, out: np.ndarray) -> None:
    """Fill `out` (rows, outputs), so many rows at a time that they stay in a core's cache. Each
    unit adds its inputs to its bias one after the other, as in `_row`."""
    groups, columns, weights, biases = net
    before = np.zeros((width, _TILE_ROWS), np.float32)
    after = np.zeros((width, _TILE_ROWS), np.float32)
    for first in range(0, len(x), _TILE_ROWS):
        rows = min(_TILE_ROWS, len(x) - first)
        for row in range(rows):
            for column in range(x.shape[1]):
                before[column, row] = x[first + row, column]
        layer = bias = 0
        for number, relu, start, inputs, at, units, where in groups:
            if number != layer:
                before, after, layer = after, before, number
            for unit in range(units):
                own, four, w = after[at + unit], inputs // 4 * 4, where + unit
                own[:] = biases[bias]
                bias += 1
                # Four at once, so that sums are loaded and stored less often.
                for k in range(start, start + four, 4):
                    x0, x1 = before[columns[k]], before[columns[k + 1]]
                    x2, x3 = before[columns[k + 2]], before[columns[k + 3]]
                    w0, w1 = weights[w], weights[w + units]
                    w2, w3 = weights[w + 2 * units], weights[w + 3 * units]
                    w += 4 * units
                    for r in range(_TILE_ROWS):
                        own[r] = (((own[r] + w0 * x0[r]) + w1 * x1[r]) + w2 * x2[r]) + w3 * x3[r]
                for k in range(start + four, start + inputs):
                    x0, w0 = before[columns[k]], weights[w]
                    w += units
                    for r in range(_TILE_ROWS):
                        own[r] += w0 * x0[r]
                if relu:
                    for r in range(_TILE_ROWS):
                        own[r] = own[r] if own[r] > 0 else np.float32(0)
        for row in range(rows):
            for column in range(out.shape[1]):
                out[first + row, column] = after[column, row]


@_compiled
def _row(x: np.ndarray, net: Any, width: int, out: np.ndarray) -> None:
    """`_tiles` of one row, with the units of a silo side by side in the innermost loop."""
    groups, columns, weights, biases = net
    before, after = np.zeros(width, np.float32), np.zeros(width, np.float32)
    before[: x.shape[1]] = x[0]
    layer = bias = 0
    for number, relu, start, inputs, at, units, where in groups:
        if number != layer:
            before, after, layer = after, before, number
        own = after[at : at + units]
        own[:] = biases[bias : bias + units]
        bias += units
        for k in range(inputs):
            value, own_weights = before[columns[start + k]], weights[where : where + units]
            where += units
            for unit in range(units):
                own[unit] += own_weights[unit] * value
        if relu:
            for unit in range(units):
                own[unit] = own[unit] if own[unit] > 0 else np.float32(0)
    out[0] = after[: out.shape[1]]
