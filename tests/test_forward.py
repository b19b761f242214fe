import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha.core.artifacts import read_json, write_json
from alpha.learn.known import Known
from alpha.learn.softmax import exp, softmax
from alpha.models.networks import network, silos
from alpha.models.networks.backend import tensorflow
from alpha.models.networks.forward import Forward, Layer, dense_layers
from alpha.models.networks.network import Network
from alpha.models.networks.params import Silos

keras = tensorflow().keras
# Interleaved, and "spread" has one feature.
FAMILIES = ("flow", "book", "flow", "spread", "book", "book", "flow", "returns", "returns")
PARAMETERS = Silos(
    units=5, embeddings=3, fusion=(7, 4), dropout=0.2, silo_dropout=0.1, weight_decay=0.01,
    family_weight_decay={},
)  # fmt: skip


def plain(*widths, activation="relu", features=9):
    inputs = out = keras.Input((features,))
    for width in widths[:-1]:
        out = keras.layers.Dropout(0.1)(keras.layers.Dense(width, activation=activation)(out))
    return keras.Model(inputs, keras.layers.Dense(widths[-1])(out))


def randomized(net, seed=0):
    rng = np.random.default_rng(seed)
    net.set_weights([rng.normal(size=weight.shape) for weight in net.get_weights()])
    return net


NETS = {
    "silos": lambda: silos.build(FAMILIES, PARAMETERS, 1),
    "silos of classes": lambda: silos.build(FAMILIES, PARAMETERS, 3),
    "one layer": lambda: plain(1),
    "wide": lambda: plain(70, 33, 2),
    "linear": lambda: plain(8, 1, activation="linear"),
}


def compiled(net, **scale) -> Forward:
    outputs = net.output_shape[1]
    layers = dense_layers(json.loads(net.to_json()))
    scale = {"center": np.zeros(outputs), "sigma": 1.0} | scale
    return Forward.of(layers, net.get_weights(), **scale)


def features(rows, seed=1):
    return np.random.default_rng(seed).normal(size=(rows, 9)).astype(np.float32)


@pytest.mark.parametrize("name", NETS)
def test_a_compiled_network_gives_what_keras_gives(name):
    net, x = randomized(NETS[name]()), features(500)
    expected = net(x).numpy()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(compiled(net).outputs(x), expected, rtol=1e-5, atol=1e-5 * scale)


@pytest.mark.parametrize("name", NETS)
def test_a_row_has_the_same_bits_wherever_it_stands_and_however_many_there_are(name):
    forward, x = compiled(randomized(NETS[name]())), features(4500)
    whole = forward.outputs(x)
    for size in (1, 7, 64, 4096):
        stop = min(len(x), 60 * size)
        parts = [forward.outputs(x[row : min(row + size, stop)]) for row in range(0, stop, size)]
        assert np.concatenate(parts).tobytes() == whole[:stop].tobytes(), size
    order = np.random.default_rng(2).permutation(len(x))
    assert forward.outputs(x[order]).tobytes() == whole[order].tobytes()


def test_a_network_has_the_same_bits_on_one_core():
    forward, x = compiled(randomized(NETS["silos"]())), features(9000)
    whole, cores = forward.outputs(x), os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        assert forward.outputs(x).tobytes() == whole.tobytes()
    finally:
        os.sched_setaffinity(0, cores)


def test_weights_of_other_silos_are_never_multiplied():
    """Where they are infinite, nothing is."""
    layer = Layer([0, 1, 0], 2, 2, relu=False)
    kernel = np.array([[1, 2], [3, 4], [5, 6]], dtype=np.float32)
    of = Forward.of([layer], [kernel, np.zeros(4, np.float32)], np.zeros(4), 1.0)
    x = np.array([[1, np.inf, 2]], dtype=np.float32)
    assert of.outputs(x).tolist() == [[11.0, 14.0, np.inf, np.inf]]
    assert of.outputs(np.repeat(x, 3, axis=0))[2].tolist() == [11.0, 14.0, np.inf, np.inf]


def test_center_and_sigma_make_outcomes_of_what_a_network_says():
    net, x = randomized(plain(3, 1)), features(20)
    known = Known(x, np.empty((20, 3)))
    found = compiled(net, center=np.array([0.5]), sigma=2.0).predict(known)
    np.testing.assert_allclose(found, 0.5 + 2.0 * net(x).numpy()[:, 0], rtol=1e-5)
    assert found.tobytes() == Network(net, np.array([0.5]), 2.0).predict(known).tobytes()


def own_layer(x):
    @keras.utils.register_keras_serializable(package="own")
    class Twice(keras.layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    return Twice()(x)


def skipping(x):
    return keras.layers.Concatenate()([x, keras.layers.Dense(3)(x)])


@pytest.mark.parametrize(
    "make",
    [
        lambda x: keras.layers.Dense(3, activation="gelu")(x),
        lambda x: keras.layers.Dense(3, use_bias=False)(x),
        lambda x: keras.layers.Dense(3, dtype="float64")(x),
        lambda x: keras.layers.BatchNormalization()(x),
        lambda x: keras.layers.Lambda(lambda of: of)(x),
        own_layer,
        skipping,
    ],
)
def test_other_layers_are_left_to_tensorflow(make):
    inputs = keras.Input((9,))
    net = keras.Model(inputs, keras.layers.Dense(1)(make(inputs)))
    assert dense_layers(json.loads(net.to_json())) is None


def test_a_network_of_other_layers_runs_in_tensorflow_and_that_is_said(tmp_path, capsys):
    inputs = keras.Input((9,))
    hidden = keras.layers.Dense(4, activation="gelu")(inputs)
    model = Network(randomized(keras.Model(inputs, keras.layers.Dense(1)(hidden))), np.ones(1), 2.0)
    model.save(tmp_path)
    known = Known(features(30), np.empty((30, 3)))
    read = network.load(tmp_path)
    np.testing.assert_allclose(read.predict(known), model.predict(known), rtol=1e-6)
    said = "a network has layers that are not compiled: TensorFlow runs it, and rows agree to 1e-6"
    assert capsys.readouterr().err.count(said) == 1


@pytest.mark.parametrize("name", ["Lambda", "TFSMLayer"])
def test_a_layer_that_holds_a_program_is_never_loaded(tmp_path, name):
    inputs = keras.Input((9,))
    hidden = keras.layers.Lambda(lambda x: x)(inputs)
    Network(keras.Model(inputs, keras.layers.Dense(1)(hidden)), np.ones(1), 2.0).save(tmp_path)
    path = tmp_path / "architecture.json"
    text = json.dumps(read_json(path))
    assert '"Lambda"' in text
    write_json(path, json.loads(text.replace('"Lambda"', f'"{name}"')))
    with pytest.raises(ValueError, match=f"must have no layer of {name}, which may run anything"):
        network.load(tmp_path)


@pytest.mark.parametrize(
    "arrays",
    [
        [np.zeros((9, 2)), np.zeros(1)],
        [np.zeros((8, 1)), np.zeros(1)],
        [np.zeros((9, 1)), np.zeros(2)],
        [np.zeros((9, 1))],
        [np.zeros((9, 1)), np.zeros(1), np.zeros(1)],
    ],
)
def test_weights_of_another_shape_are_refused(arrays):
    with pytest.raises(ValueError, match=r"weights of shapes \(\(9, 1\), \(1,\)\)|zip\(\)"):
        Forward.of([Layer([0] * 9, 1, 1, relu=False)], arrays, np.zeros(1), 1.0)


def test_as_many_outputs_as_centers_and_as_many_features_as_inputs_are_asked_for():
    layer, arrays = Layer([0] * 9, 1, 1, relu=False), [np.zeros((9, 1)), np.zeros(1)]
    with pytest.raises(ValueError, match="a number for each of 1 outputs"):
        Forward.of([layer], arrays, np.zeros(3), 1.0)
    with pytest.raises(ValueError, match="must have 9 features, found 8"):
        Forward.of([layer], arrays, np.zeros(1), 1.0).outputs(np.zeros((2, 8), np.float32))


@given(st.floats(-745, 0))
def test_the_exponential_is_within_two_units_of_the_last_place(x):
    expected = np.exp(np.longdouble(x))
    assert abs(exp(x) - expected) <= 2 * np.spacing(float(expected))


def test_the_exponential_ends_at_zero_and_one():
    assert [exp(x) for x in (0.0, -0.0, -746.0, -np.inf)] == [1.0, 1.0, 0.0, 0.0]


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=5))
def test_softmax_is_exponentials_over_their_sum(values):
    found = softmax(np.array([values, values[::-1]]))
    expected = np.exp(np.array(values) - max(values))
    np.testing.assert_allclose(found[0], expected / expected.sum(), rtol=1e-13, atol=1e-320)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
