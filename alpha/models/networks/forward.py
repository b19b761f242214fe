"""A trained network's forward pass, compiled: what a row brings does not depend on the rows beside
it, on threads or on the make of the processor, and needs no TensorFlow.

It knows dense layers one after the other, of all units before them or silo by silo.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numba import njit

from alpha.core import parallel
from alpha.learn.known import Known
from alpha.learn.softmax import softmax

_OWN = "alpha.models.networks.layers"
_IDENTITIES = ("keras.layers.Dropout", f"{_OWN}.Dropout", f"{_OWN}.SiloDropout")
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
    for layer in architecture["config"]["layers"]:
        config, kind = layer["config"], f"{layer['module']}.{layer['class_name']}"
        # Of layers with one input each, called once, the last one's are a chain.
        if len(layer["inbound_nodes"]) > 1 or '"float32"' not in json.dumps(config["dtype"]):
            return None
        if kind == "keras.layers.InputLayer":
            width = config["batch_shape"][-1]
        elif kind == f"{_OWN}.SiloDense":
            found.append(Layer(config["silos"], len(config["weight_decay"]), config["units"], True))
        elif kind == "keras.layers.Dense" and config["use_bias"]:
            if config["activation"] not in ("relu", "linear"):
                return None
            found.append(Layer([0] * width, 1, config["units"], config["activation"] == "relu"))
        elif kind not in _IDENTITIES:
            return None
        width = found[-1].silos * found[-1].units if found else width
    return found


@dataclass(frozen=True)
class Forward:
    """center + sigma · net(x), or of classes softmax(center + net(x)), with center (outputs,).

    `net` are, silo by silo of each layer, `groups` (n, 4) int64: whether a layer begins, whether
    its units are ReLU units, how many inputs and how many units; then, one silo after the other,
    `columns` int64, which units of the layer before are its inputs, weights (inputs, units) and
    biases, float32.
    """

    net: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    features: int
    width: int  # of the widest layer, or of the features
    center: np.ndarray
    sigma: float

    @classmethod
    def of(
        cls, layers: Sequence[Layer], arrays: Sequence[np.ndarray], center: np.ndarray, sigma: float
    ) -> Self:
        """From a kernel and a bias for each layer. Raises ValueError if their shapes are others."""
        widths, groups, columns, weights = [len(layers[0].inputs)], [], [], []
        kernels, biases = arrays[::2], arrays[1::2]
        for number, (of, kernel, bias) in enumerate(zip(layers, kernels, biases, strict=True)):
            shapes = (len(of.inputs), of.units), (of.silos * of.units,)
            if (kernel.shape, bias.shape) != shapes or len(of.inputs) != widths[-1]:
                raise ValueError(f"layer {number} must have weights of shapes {shapes}")
            for silo in range(of.silos):
                own = np.flatnonzero(np.array(of.inputs) == silo)
                groups.append((silo == 0, of.relu, len(own), of.units))
                columns.append(own)
                weights.append(kernel[own].ravel())
            widths += shapes[1]
        if center.shape != (widths[-1],):
            raise ValueError(f"center must have a number for each of {widths[-1]} outputs")
        floats = (np.concatenate(of).astype(np.float32) for of in (weights, biases))
        net: Any = np.array(groups, dtype=np.int64), np.concatenate(columns), *floats
        return cls(net, widths[0], max(widths), center, sigma)

    def predict(self, known: Known) -> np.ndarray:
        out = self.center + self.sigma * self.outputs(known.x)
        return out[:, 0] if len(self.center) == 1 else softmax(out)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """What the net itself gives for `x` (rows, features) float32: (rows, outputs) float64."""
        if x.shape[1] != self.features:
            raise ValueError(f"must have {self.features} features, found {x.shape[1]}")
        out = np.empty((len(x), len(self.center)))
        parallel.by_rows(_fill, x, self.net, self.width, out=out, size=_PIECE_ROWS)
        return out


@_compiled
def _fill(x: np.ndarray, net: Any, width: int, out: np.ndarray) -> None:
    """Fill `out` (rows, outputs), so many rows at a time that they stay in a core's cache."""
    groups, columns, weights, biases = net
    for first in range(0, len(x), _TILE_ROWS):
        rows = min(_TILE_ROWS, len(x) - first)
        before = np.empty((width, rows), np.float32)
        after = np.empty_like(before)
        after[: x.shape[1]] = x[first : first + rows].T
        column = weight = bias = at = 0
        for begins, relu, inputs, units in groups:
            if begins:
                before, after, at = after, before, 0
            given = before[columns[column : column + inputs]]
            kernel = weights[weight : weight + inputs * units].reshape(inputs, units)
            own = after[at : at + units]
            for unit in range(units):
                own[unit] = biases[bias + unit]
            # The innermost loop is over what there are more of.
            if rows == 1:
                _add_products(given, kernel, own.reshape(1, units))
            else:
                _add_products(kernel, given, own)
            for unit in range(units if relu else 0):
                for row in range(rows):
                    own[unit, row] = max(own[unit, row], np.float32(0))
            column, weight = column + inputs, weight + inputs * units
            bias, at = bias + units, at + units
        out[first : first + rows] = after[: out.shape[1]].T


@_compiled
def _add_products(of: np.ndarray, by: np.ndarray, sums: np.ndarray) -> None:
    """Add the products of `of` (k, m) and `by` (k, n) to `sums` (m, n), one k after the other."""
    for row in range(len(sums)):
        own, four = sums[row], len(of) // 4 * 4
        # Four at once, so that sums are loaded and stored less often.
        for k in range(0, four, 4):
            a0, a1, a2, a3 = of[k, row], of[k + 1, row], of[k + 2, row], of[k + 3, row]
            b0, b1, b2, b3 = by[k], by[k + 1], by[k + 2], by[k + 3]
            for at in range(len(own)):
                own[at] = (((own[at] + a0 * b0[at]) + a1 * b1[at]) + a2 * b2[at]) + a3 * b3[at]
        for k in range(four, len(of)):
            a0, b0 = of[k, row], by[k]
            for at in range(len(own)):
                own[at] += a0 * b0[at]
