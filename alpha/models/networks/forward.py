"""A trained network's forward pass, compiled: what a row brings does not depend on the rows beside
it, on threads or on the make of the processor, and needs no TensorFlow.

It knows dense layers one after the other, of all units before them or silo by silo. A layer is made
of groups: units that see the same units of the layer before, in a fixed order of additions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numba import njit

from alpha.core import parallel
from alpha.learn.known import Known
from alpha.learn.softmax import exp, softmax

# Layers by their module and class, and those among them that predict what they are given.
_DENSE, _SILOS = "keras.layers.Dense", "alpha.models.networks.layers.SiloDense"
_OURS = ("alpha.models.networks.layers.Dropout", "alpha.models.networks.layers.SiloDropout")
_IDENTITIES = ("keras.layers.InputLayer", "keras.layers.Dropout", *_OURS)
_ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh")
# Rows side by side in the innermost loop.
_TILE_ROWS = 64
# Rows that one thread takes at a time.
_PIECE_ROWS = 1 << 12
_compiled = njit(cache=True, nogil=True)


class Layer(NamedTuple):
    """A dense layer: the silo that each of its inputs and each of its units belongs to, and its
    function, by its place in _ACTIVATIONS."""

    inputs: Sequence[int]
    units: Sequence[int]
    activation: int


def dense_layers(architecture: Any) -> list[Layer] | None:
    """The layers of a Keras model, from its JSON; None if they are others, or do not stand one
    after the other. Raises KeyError, TypeError and the like if it is no Keras model."""
    found: list[Layer] = []
    before, width = None, 0
    if architecture["class_name"] != "Functional":
        return None
    for layer in architecture["config"]["layers"]:
        config, kind = layer["config"], f"{layer['module']}.{layer['class_name']}"
        of, sources = config["dtype"], list(_sources(layer["inbound_nodes"]))
        of = of if isinstance(of, str) else of["config"]["name"]
        if of != "float32" or sources != ([] if before is None else [[before, 0, 0]]):
            return None
        before = config["name"]
        if kind == _DENSE and config["use_bias"] and config["activation"] in _ACTIVATIONS:
            at = _ACTIVATIONS.index(config["activation"])
            found.append(Layer([0] * width, [0] * config["units"], at))
        elif kind == _SILOS:
            count, units = len(config["weight_decay"]), config["units"]
            of_units = [silo for silo in range(count) for _ in range(units)]
            found.append(Layer(config["silos"], of_units, _ACTIVATIONS.index("relu")))
        elif kind not in _IDENTITIES:
            return None
        width = len(found[-1].units) if found else config["batch_shape"][-1]
    return found if architecture["config"]["output_layers"] == [before, 0, 0] else None


def _sources(nodes: Any) -> Iterator[list[Any]]:
    """Where the tensors come from that a layer is called on: [name, 0, 0] of another each."""
    if isinstance(nodes, dict) and "keras_history" in nodes:
        yield nodes["keras_history"]
    elif isinstance(nodes, dict | list):
        for inner in nodes.values() if isinstance(nodes, dict) else nodes:
            yield from _sources(inner)


@dataclass(frozen=True)
class Forward:
    """center + sigma · net(x), or of classes softmax(center + net(x)), with center (outputs,).

    A line of `groups` is of units that see the same inputs: its layer, its activation, where its
    inputs start in `columns` and how many they are, its first unit, how many units there are, and
    where its weights (inputs, units) start. Units are numbered in their layer, and `biases` are in
    that order.
    """

    features: int
    groups: np.ndarray  # (groups, 7) int64
    columns: np.ndarray  # int64, numbers of units of the layer before
    weights: np.ndarray  # float32
    biases: np.ndarray  # float32, layer by layer
    width: int  # units of the widest layer, or features
    center: np.ndarray
    sigma: float

    @classmethod
    def of(
        cls, layers: Sequence[Layer], arrays: Sequence[np.ndarray], center: np.ndarray, sigma: float
    ) -> Self:
        """From a kernel and a bias for each layer. Raises ValueError if their shapes are others."""
        features = len(layers[0].inputs)
        places, groups, columns = np.arange(features), [], [np.empty(0, dtype=np.int64)]
        weights, biases = [np.empty(0, dtype=np.float32)], []
        width = features
        for number, (layer, kernel, bias) in enumerate(
            zip(layers, arrays[::2], arrays[1::2], strict=True)
        ):
            inputs, units = np.array(layer.inputs), np.array(layer.units)
            silos = np.unique(units)
            shape = (len(places), len(units) // len(silos))
            if (kernel.shape, bias.shape, len(inputs)) != (shape, units.shape, len(places)):
                raise ValueError(f"layer {number} must have a kernel of shape {shape}")
            placed = np.empty(len(units), dtype=np.int64)
            at = 0
            for silo in silos:
                seen, own = inputs == silo, np.flatnonzero(units == silo)
                start, where = sum(map(len, columns)), sum(map(len, weights))
                of = number, layer.activation, start, int(seen.sum()), at, len(own), where
                groups.append(of)
                columns.append(places[seen])
                weights.append(kernel[seen][:, own % shape[1]].astype(np.float32).ravel())
                biases.append(bias[own].astype(np.float32))
                placed[own] = np.arange(at, at + len(own))
                at += len(own)
            places, width = placed, max(width, at)
        if not layers or len(places) != len(center):
            raise ValueError(f"the last layer must have {len(center)} units")
        return cls(
            features=features,
            groups=np.array(groups),
            columns=np.concatenate(columns),
            weights=np.concatenate(weights),
            biases=np.concatenate(biases),
            width=width,
            center=center,
            sigma=sigma,
        )

    def predict(self, known: Known) -> np.ndarray:
        out = self.center + self.sigma * self.outputs(known.x)
        return out[:, 0] if len(self.center) == 1 else softmax(out)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """What the net itself gives for `x` (rows, features) float32: (rows, outputs) float64."""
        if x.shape[1] != self.features:
            raise ValueError(f"must have {self.features} features, found {x.shape[1]}")
        out = np.empty((len(x), len(self.center)))
        net = self.groups, self.columns, self.weights, self.biases, self.width
        if len(x) == 1:
            _row(x, *net, out)
            return out

        def fill(piece: range) -> None:
            rows = slice(piece.start, piece.stop)
            _tiles(x[rows], *net, out[rows])

        parallel.each(fill, parallel.cut(len(x), _PIECE_ROWS))
        return out


@_compiled
def _tiles(
    x: np.ndarray,
    groups: np.ndarray,
    columns: np.ndarray,
    weights: np.ndarray,
    biases: np.ndarray,
    width: int,
    out: np.ndarray,
) -> None:
    """Fill `out` (rows, outputs), so many rows at a time that they stay in a core's cache. Each
    unit adds its inputs to its bias one after the other, as in `_row`."""
    before = np.zeros((width, _TILE_ROWS), np.float32)
    after = np.zeros((width, _TILE_ROWS), np.float32)
    for first in range(0, len(x), _TILE_ROWS):
        rows = min(_TILE_ROWS, len(x) - first)
        for row in range(rows):
            for column in range(x.shape[1]):
                before[column, row] = x[first + row, column]
        layer = bias = 0
        for number, activation, start, inputs, at, units, where in groups:
            if number != layer:
                before, after, layer = after, before, number
            for unit in range(units):
                own = after[at + unit]
                own[:] = biases[bias + unit]
                a, four = where + unit, inputs // 4 * 4
                for k in range(start, start + four, 4):
                    x0, x1, x2, x3 = (
                        before[columns[k]],
                        before[columns[k + 1]],
                        before[columns[k + 2]],
                        before[columns[k + 3]],
                    )
                    w0, w1 = weights[a], weights[a + units]
                    w2, w3 = weights[a + 2 * units], weights[a + 3 * units]
                    a += 4 * units
                    # Four at once, so that sums are loaded and stored less often.
                    for r in range(_TILE_ROWS):
                        own[r] = (((own[r] + w0 * x0[r]) + w1 * x1[r]) + w2 * x2[r]) + w3 * x3[r]
                for k in range(start + four, start + inputs):
                    x0, w0 = before[columns[k]], weights[a]
                    a += units
                    for r in range(_TILE_ROWS):
                        own[r] += w0 * x0[r]
                if activation == 1:
                    for r in range(_TILE_ROWS):
                        own[r] = own[r] if own[r] > 0 else np.float32(0)
                elif activation > 1:
                    for r in range(_TILE_ROWS):
                        own[r] = _curve(own[r], activation)
            bias += units
        for row in range(rows):
            for column in range(out.shape[1]):
                out[first + row, column] = after[column, row]


@_compiled
def _row(
    x: np.ndarray,
    groups: np.ndarray,
    columns: np.ndarray,
    weights: np.ndarray,
    biases: np.ndarray,
    width: int,
    out: np.ndarray,
) -> None:
    """`_tiles` of one row, with the units of a group side by side in the innermost loop."""
    before, after = np.zeros(width, np.float32), np.zeros(width, np.float32)
    before[: x.shape[1]] = x[0]
    layer = bias = 0
    for number, activation, start, inputs, at, units, where in groups:
        if number != layer:
            before, after, layer = after, before, number
        own = after[at : at + units]
        own[:] = biases[bias : bias + units]
        bias += units
        for k in range(inputs):
            value = before[columns[start + k]]
            of = weights[where + k * units : where + (k + 1) * units]
            for unit in range(units):
                own[unit] += of[unit] * value
        for unit in range(units):
            if activation == 1:
                own[unit] = own[unit] if own[unit] > 0 else np.float32(0)
            elif activation > 1:
                own[unit] = _curve(own[unit], activation)
    out[0] = after[: out.shape[1]]


@_compiled
def _curve(value: float, activation: int) -> float:
    """The sigmoid, 1 / (1 + e^−x), or tanh, in float64."""
    size = abs(float(value))
    if activation == 2:
        tail = exp(-size)
        return (1.0 if value > 0 else tail) / (1.0 + tail)
    tail = exp(-2.0 * size)
    return (1.0 - tail) / (1.0 + tail) * (1.0 if value > 0 else -1.0)
