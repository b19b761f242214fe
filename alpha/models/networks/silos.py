"""Deep Silos: one small dense net for each family, then fusion."""

from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Any

from alpha.core.errors import InputError
from alpha.models.networks import mlp
from alpha.models.networks.layers import SiloDense, SiloDropout, keras, stack
from alpha.models.networks.network import load as load
from alpha.models.networks.params import Mlp, Silos

FEATURES = True
# A number of weights this near, as a share, is near enough to keep the layers of fusion.
_TOLERANCE = 0.01


def silo_names(families: Sequence[str]) -> tuple[str, ...]:
    """The families in the order of their first feature: the order of the silos."""
    return tuple(dict.fromkeys(families))


def build(families: Sequence[str], parameters: Silos, outputs: int) -> Any:
    """A Keras model (rows, features) -> (rows, outputs); `families` has one name a feature.

    Each silo sees its own family alone: `units` ReLU units, then `embeddings`, silo by silo in the
    order of `silo_names`; the layers of fusion, after them, see all of these. Raises InputError if
    family_weight_decay names a family without features.
    """
    names, own_decay = silo_names(families), parameters.family_weight_decay
    for family in own_decay:
        if family not in names:
            must = f"must name families with features ({', '.join(names)})"
            raise InputError(f"silos.family_weight_decay: {must}, found {family!r}")
    decay = [own_decay.get(name, parameters.weight_decay) for name in names]
    inputs = keras.Input((len(families),), name="features")
    of_features = [names.index(family) for family in families]
    of_units = [silo for silo in range(len(names)) for _ in range(parameters.units)]
    x = SiloDense(of_features, parameters.units, decay, name="units")(inputs)
    x = SiloDense(of_units, parameters.embeddings, decay, name="embeddings")(x)
    # Without another family to go by, nothing can be learnt from a hidden one.
    if parameters.silo_dropout > 0 and len(names) > 1:
        x = SiloDropout(len(names), parameters.silo_dropout, name="silo_dropout")(x)
    outcome = stack(x, parameters.fusion, outputs, parameters)
    return keras.Model(inputs, outcome, name="silos")


def matched_mlp(families: Sequence[str], parameters: Silos, outputs: int) -> Any:
    """What the silos are compared to: an MLP of the same size (`matched_parameters`)."""
    return mlp.build(families, matched_parameters(families, parameters, outputs), outputs)


def matched_parameters(families: Sequence[str], parameters: Silos, outputs: int) -> Mlp:
    """An MLP with one hidden layer in place of the silos, then the same fusion.

    It has as many weights and biases as the silos network, and its dropout and weight decay. Where
    no width of the hidden layer comes within a hundredth of that number, the first layer of fusion
    is made as little wider or narrower as it takes.
    """
    features, first = len(families), parameters.fusion[0]
    count = len(silo_names(families))
    units, embeddings = parameters.units, count * parameters.embeddings
    silos = features * units + (count + embeddings) * units + embeddings
    wanted = silos + _dense_weights((embeddings, *parameters.fusion, outputs))
    found = []
    for width in range(1, first + features + 1):
        fusion = (width, *parameters.fusion[1:])
        # Parameters grow by the same number with each hidden unit.
        none, slope = _dense_weights((0, *fusion, outputs)), features + 1 + width
        hidden = max(1, round((wanted - none) / slope)), *fusion
        off = abs(_dense_weights((features, *hidden, outputs)) - wanted)
        found.append((max(off, _TOLERANCE * wanted), abs(width - first), hidden))
    *_, best = min(found, key=itemgetter(0, 1))
    return Mlp(hidden=best, dropout=parameters.dropout, weight_decay=parameters.weight_decay)


def _dense_weights(widths: Sequence[int]) -> int:
    """Weights and biases of dense layers; the first width is that of the inputs."""
    return sum((before + 1) * after for before, after in pairwise(widths))
