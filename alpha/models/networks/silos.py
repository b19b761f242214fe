"""Deep Silos: one small dense net for each family, then fusion."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from alpha.core.errors import InputError
from alpha.models.networks import network
from alpha.models.networks.backend import tensorflow
from alpha.models.networks.dense import perceptron, stack
from alpha.models.networks.network import Network
from alpha.models.networks.params import Mlp, Silos

__all__ = ["FEATURES", "build", "in_two", "load", "rival", "rival_knobs", "silo_names"]
FEATURES = True
# A rival's number of parameters this near, as a share, is near enough to keep its fusion.
_TOLERANCE = 0.01


def silo_names(families: Sequence[str]) -> tuple[str, ...]:
    """The families in the order of their first feature: the order of the silos."""
    return tuple(dict.fromkeys(families))


def build(families: Sequence[str], knobs: Silos, outputs: int) -> Any:
    """A Keras model (rows, features) -> (rows, outputs); `families` has one name a feature.

    Each silo sees its own family alone: `units` ReLU units, then `embeddings`. The layer
    "embeddings" gives (rows, silos · embeddings), silo by silo in the order of `silo_names`;
    the layers of fusion, after it, see all of them. Raises InputError if family_weight_decay
    names a family without features.
    """
    from alpha.models.networks.silo_dense import SiloDense, SiloDropout

    keras = tensorflow().keras
    names = silo_names(families)
    decay = _weight_decay(names, knobs)
    inputs = keras.Input((len(families),), name="features")
    of_features = [names.index(family) for family in families]
    of_units = [silo for silo in range(len(names)) for _ in range(knobs.units)]
    x = SiloDense(of_features, knobs.units, decay, name="units")(inputs)
    x = SiloDense(of_units, knobs.embeddings, decay, name="embeddings")(x)
    # Without another family to go by, nothing can be learnt from a hidden one.
    if knobs.silo_dropout > 0 and len(names) > 1:
        x = SiloDropout(len(names), knobs.silo_dropout, name="silo_dropout")(x)
    outcome = stack(
        x,
        knobs.fusion,
        outputs=outputs,
        dropout=knobs.dropout,
        weight_decay=knobs.weight_decay,
    )
    return keras.Model(inputs, outcome, name="silos")


def load(folder: Path) -> Network:
    import alpha.models.networks.silo_dense  # noqa: F401  Keras finds the layers by their names.

    return network.load(folder)


def in_two(model: Network, families: Sequence[str]) -> tuple[Network, Network, tuple[str, ...]]:
    """What makes the embeddings of features, what predicts from them, and each one's family.

    What a family says reaches the second by its embeddings alone, so shuffling these is
    shuffling its features, and of a network's multiplications the most are in the first.
    """
    keras, net = tensorflow().keras, model.net
    embeddings, names = net.get_layer("embeddings").output, silo_names(families)
    first = Network(keras.Model(net.input, embeddings), model.center, model.sigma)
    second = Network(keras.Model(embeddings, net.output), model.center, model.sigma)
    each = embeddings.shape[1] // len(names)
    return first, second, tuple(name for name in names for _ in range(each))


def rival(families: Sequence[str], knobs: Silos, outputs: int) -> Any:
    """The fair rival, with `rival_knobs`: an MLP as large as the silos network."""
    return perceptron(len(families), rival_knobs(families, knobs, outputs), outputs)


def rival_knobs(families: Sequence[str], knobs: Silos, outputs: int) -> Mlp:
    """An MLP with one hidden layer in place of the silos, then the same fusion.

    Its number of parameters (weights and biases) is that of the silos network. Where no width
    of the hidden layer comes within a hundredth of it, the first layer of fusion is made as
    little wider or narrower as it takes. Dropout and weight decay are the same (`silo_dropout`
    and `family_weight_decay` have no counterpart).
    """
    features, first = len(families), knobs.fusion[0]
    count = len(silo_names(families))
    units, embeddings = knobs.units, count * knobs.embeddings
    silos = features * units + (count + embeddings) * units + embeddings
    wanted = silos + _dense_parameters((embeddings, *knobs.fusion, outputs))

    def off(hidden: tuple[int, ...]) -> int:
        return abs(_dense_parameters((features, *hidden, outputs)) - wanted)

    shapes = []
    for width in range(1, first + features + 1):
        fusion = (width, *knobs.fusion[1:])
        # Parameters grow by the same number with each hidden unit.
        none, slope = _dense_parameters((0, *fusion, outputs)), features + 1 + width
        hidden = max(1, round((wanted - none) / slope))
        shapes.append((hidden, *fusion))
    best = min(
        shapes, key=lambda shape: (max(off(shape), _TOLERANCE * wanted), abs(shape[1] - first))
    )
    return Mlp(hidden=best, dropout=knobs.dropout, weight_decay=knobs.weight_decay)


def _dense_parameters(widths: Sequence[int]) -> int:
    """Weights and biases of dense layers; the first width is that of the inputs."""
    return sum((before + 1) * after for before, after in pairwise(widths))


def _weight_decay(names: Sequence[str], knobs: Silos) -> list[float]:
    for family in knobs.family_weight_decay:
        if family not in names:
            raise InputError(
                f"silos.family_weight_decay: must name families with features "
                f"({', '.join(names)}), found {family!r}"
            )
    return [knobs.family_weight_decay.get(name, knobs.weight_decay) for name in names]
