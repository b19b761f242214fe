from functools import cache, partial
from hashlib import sha256

import numpy as np
import pytest

from alpha.core.artifacts import write_json
from alpha.core.errors import InputError
from alpha.data.contract import Contract
from alpha.learn.known import Known
from alpha.learn.saved import load_model
from alpha.models.networks import silos
from alpha.models.networks.backend import tensorflow
from alpha.models.networks.network import Network
from alpha.models.networks.params import Silos

tf = tensorflow()
PARAMETERS = Silos(
    units=5, embeddings=3, fusion=(7,), dropout=0.2, silo_dropout=0.1, weight_decay=0.01,
    family_weight_decay={},
)  # fmt: skip
# Interleaved, and "spread" has one feature.
MIXED = ("flow", "book", "flow", "spread", "book", "book", "flow", "returns", "returns")
THIRTY = tuple(f"family_{(7 * at) % 30}" for at in range(75))
SHAPES = pytest.mark.parametrize(
    "families", [MIXED, ("only",) * 6, THIRTY, ("lone",)], ids=["mixed", "single", "thirty", "lone"]
)


def build(families, *, seed=0, outputs=1, **parameters):
    tf.keras.utils.set_random_seed(seed)
    return silos.build(families, PARAMETERS.model_copy(update=parameters), outputs)


def features(rows, families, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, len(families))).astype(np.float32)


def embeddings_of(net):
    return tf.keras.Model(net.input, net.get_layer("embeddings").output)


def train(net, x, y, *, steps=20):
    """Steps of Adam on squared error and weight decay, as a compiled loop."""
    optimizer = tf.keras.optimizers.Adam(0.01)
    optimizer.build(net.trainable_variables)

    @tf.function
    def run():
        for _ in tf.range(steps):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(net(x, training=True) - y)) + sum(net.losses)
            optimizer.apply(tape.gradient(loss, net.trainable_variables), net.trainable_variables)

    run()


@cache
def trained(families, seed=0):
    net = build(families, seed=seed)
    x = features(256, families)
    train(net, x, np.tanh(x.sum(axis=1, keepdims=True)))
    return net


def relu(values):
    return np.maximum(values, 0)


def reference_embeddings(net, families, x, *, units=5, embeddings=3):
    """Separate nets, one a family, from the weights that belong to it."""
    first, second = net.get_layer("units"), net.get_layer("embeddings")
    parts = []
    for silo, family in enumerate(dict.fromkeys(families)):
        columns = [at for at, name in enumerate(families) if name == family]
        mine, out = (
            slice(silo * units, (silo + 1) * units),
            slice(silo * embeddings, (silo + 1) * embeddings),
        )
        hidden = relu(x[:, columns] @ first.kernel.numpy()[columns] + first.bias.numpy()[mine])
        parts.append(relu(hidden @ second.kernel.numpy()[mine] + second.bias.numpy()[out]))
    return np.concatenate(parts, axis=1)


@SHAPES
def test_embeddings_are_those_of_separate_nets(families):
    net, x = trained(families), features(300, families, seed=1)
    expected = reference_embeddings(net, families, x)
    np.testing.assert_allclose(embeddings_of(net)(x).numpy(), expected, rtol=1e-5, atol=1e-6)
    assert np.any(expected > 0)


@SHAPES
@pytest.mark.parametrize("make", [build, trained], ids=["before", "after"])
def test_another_family_changes_no_bit_of_a_embedding(families, make):
    """Before training and after it."""
    model, x = embeddings_of(make(families)), features(200, families, seed=2)
    before = model(x).numpy().reshape(200, -1, 3)
    heard = []
    for silo, family in enumerate(dict.fromkeys(families)):
        changed = x.copy()
        columns = [at for at, name in enumerate(families) if name == family]
        changed[:, columns] = 10 * features(200, columns, seed=3)
        after = model(changed).numpy().reshape(200, -1, 3)
        others = np.arange(before.shape[1]) != silo
        assert after[:, others].tobytes() == before[:, others].tobytes()
        heard.append(np.any(after[:, silo] != before[:, silo]))
    # A silo may start with dead units alone.
    assert np.mean(heard) > 0.8


@SHAPES
@pytest.mark.parametrize("make", [build, trained], ids=["before", "after"])
def test_no_gradient_crosses_families_before_fusion(families, make):
    model, x = embeddings_of(make(families)), tf.constant(features(64, families, seed=4))
    heard = []
    for silo, family in enumerate(dict.fromkeys(families)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            embedding = model(x)[:, silo * 3 : (silo + 1) * 3]
        slopes = tape.gradient(embedding, x).numpy()
        own = np.array([name == family for name in families])
        assert np.all(slopes[:, ~own] == 0.0)
        heard.append(np.any(slopes[:, own] != 0.0))
    assert np.mean(heard) > 0.8


def test_a_silo_starts_as_wide_as_its_own_number_of_inputs_asks():
    """He's variance is 2 / inputs, for a family of 2 as for one of 200."""
    families = ("few",) * 2 + ("many",) * 200
    kernel = build(families, units=400).get_layer("units").kernel.numpy()
    assert kernel[:2].std() == pytest.approx(1.0, rel=0.1)
    assert kernel[2:].std() == pytest.approx(0.1, rel=0.05)


def test_before_training_the_network_is_the_best_constant():
    net = build(MIXED, outputs=3)
    assert np.all(net(features(9, MIXED)).numpy() == 0)


def test_a_family_may_have_its_own_weight_decay():
    net = build(MIXED, weight_decay=0.01, family_weight_decay={"spread": 0.5})
    first, second = (net.get_layer(name).kernel.numpy() for name in ("units", "embeddings"))
    factor = np.array([0.5 if name == "spread" else 0.01 for name in MIXED])[:, None]
    # The silos are flow, book, spread, returns, of five units each.
    of_units = np.repeat([0.01, 0.01, 0.5, 0.01], 5)[:, None]
    fusion = 0.01 * np.sum(net.get_layer("hidden_0").kernel.numpy() ** 2)
    expected = [np.sum(factor * first**2), np.sum(of_units * second**2), fusion]
    np.testing.assert_allclose([float(loss) for loss in net.losses], expected, rtol=1e-5)


def test_weight_decay_of_a_family_without_features_is_refused():
    with pytest.raises(InputError, match=r"family_weight_decay: .*\(flow, book, spread, returns\)"
                       r", found 'sprea'"):  # fmt: skip
        build(MIXED, family_weight_decay={"sprea": 0.1})


def test_silo_dropout_hides_whole_families_in_training_alone():
    net = build(MIXED, silo_dropout=0.25)
    layer, ones = net.get_layer("silo_dropout"), np.ones((4000, 12), dtype=np.float32)
    assert np.all(layer(ones, training=False).numpy() == 1)
    embeddings = layer(ones, training=True).numpy().reshape(4000, 4, 3)
    assert np.all(embeddings == embeddings[:, :, :1])
    np.testing.assert_allclose(np.unique(embeddings), [0, 1 / 0.75], rtol=1e-6)
    hidden = np.mean(embeddings[:, :, 0] == 0, axis=0)
    assert np.all(np.abs(hidden - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 4000))


def test_a_single_family_is_never_hidden():
    names = [layer.name for layer in build(("only",) * 3, silo_dropout=0.5).layers]
    assert "silo_dropout" not in names


def test_the_same_seed_trains_the_same_bits_and_another_seed_other_ones():
    x = features(50, MIXED, seed=5)
    make = partial(trained.__wrapped__, MIXED)
    first, again, other = (net(x).numpy().tobytes() for net in (make(1), make(1), make(2)))
    assert first == again != other


def test_a_network_read_back_predicts_the_same_bits_and_saves_the_same_bytes(tmp_path):
    model = Network(trained(MIXED), np.array([0.5]), 2.0)
    known = Known(features(40, MIXED, seed=6), np.zeros((40, 3)))
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    model.save(tmp_path / "first")
    read = silos.load(tmp_path / "first")
    assert read.predict(known).tobytes() == model.predict(known).tobytes()
    model.save(tmp_path / "second")
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def contract(names, families):
    numbers = np.ones(len(names))
    return Contract(
        names=names, families=families, mean=numbers, sigma=numbers, finite=numbers, nan=numbers,
        inf=numbers, clip=10.0, rows=1,
    )  # fmt: skip


NAMES = tuple(f"feature_{at}" for at in range(len(MIXED)))
SWAPPED = (1, 0, *range(2, len(MIXED)))


@pytest.mark.parametrize(
    ("names", "families"),
    [
        (NAMES, ("book", *MIXED[1:])),
        (NAMES, tuple(name.replace("flow", "stream") for name in MIXED)),
        (tuple(NAMES[at] for at in SWAPPED), tuple(MIXED[at] for at in SWAPPED)),
    ],
    ids=["membership", "name", "order"],
)
def test_a_model_of_other_families_is_refused(tmp_path, names, families):
    """Membership and order of families are part of the contract that a model belongs to."""
    Network(build(MIXED), np.zeros(1), 1.0).save(tmp_path)
    trained_under = contract(NAMES, MIXED)
    files = {path.name: sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}
    about = {"model": "silos", "normalization": trained_under.hash, "classes": [], "files": files}
    write_json(tmp_path / "model.json", about)
    load_model(tmp_path, trained_under)
    with pytest.raises(InputError, match="another normalization contract"):
        load_model(tmp_path, contract(names, families))


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(
    ("families", "parameters"),
    [
        (MIXED, {}),
        (THIRTY, {}),
        (THIRTY, {"units": 2, "embeddings": 1, "fusion": (8, 4)}),
        (("only",) * 89, {"units": 64, "embeddings": 32, "fusion": (32,)}),
    ],
)
def test_the_matched_mlp_is_a_plain_network_with_as_many_parameters(families, parameters, outputs):
    net = build(families, outputs=outputs, **parameters)
    matched = silos.matched_mlp(families, PARAMETERS.model_copy(update=parameters), outputs)
    assert matched.output_shape == net.output_shape
    assert matched.count_params() == pytest.approx(net.count_params(), rel=0.02)
    assert {type(layer).__name__ for layer in matched.layers} == {"InputLayer", "Dense", "Dropout"}


def test_the_silos_network_has_the_parameters_of_its_parameters_and_none_across_families():
    first, second = len(MIXED) * 5 + 4 * 5, 4 * 5 * 3 + 4 * 3
    fusion, outcome = 4 * 3 * 7 + 7, 7 + 1
    assert build(MIXED).count_params() == first + second + fusion + outcome


def test_the_matched_mlp_has_the_dropout_and_weight_decay_of_the_silos_network():
    matched = silos.matched_parameters(MIXED, PARAMETERS, 1)
    assert (matched.dropout, matched.weight_decay) == (PARAMETERS.dropout, PARAMETERS.weight_decay)
