"""How long a silos network trains, beside what it could be instead, in one run on one thread.

    python -m benchmarks.silos [--batches 40] [--repeats 9]

The features and families are the default market's, the parameters those of params.yaml, rows are
random. Side by side, interleaved: the silos network; the same network as two ordinary Dense
layers for each family ("naive"), and as two batched products over families padded to the
widest ("batched"); and plain MLPs of the same number of multiplications: of
those it is made of ("own") and of those its products do ("done"). A multiplication is one
weight of a matrix product, for one row on the way forward; biases count nothing. "Own" counts
the weights of the network, "done" also the zeros that its products hold between families.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from alpha.check import Params, load
from alpha.data.features import families
from alpha.models.networks import mlp, silos
from alpha.models.networks.backend import tensorflow
from alpha.models.networks.layers import SiloDropout, stack
from alpha.models.networks.params import Mlp, Silos
from alpha.simulate.run import each_day


def market_families(params: Params) -> tuple[str, ...]:
    """The family of each feature of the simulated market."""
    small = params.simulate.model_copy(update={"days": 1, "rows_per_day": 100})
    names = next(iter(each_day(small))).names
    return tuple(families(names, params.features).values())


def naive(of: Sequence[str], parameters: Silos) -> Any:
    """The silos network of ordinary layers."""
    keras = tensorflow().keras
    inputs = keras.Input((len(of),), name="features")
    embeddings = []
    for family in silos.silo_names(of):
        own = np.flatnonzero(np.array(of) == family)
        x = keras.ops.take(inputs, own, axis=1)
        for units in (parameters.units, parameters.embeddings):
            x = keras.layers.Dense(
                units,
                activation="relu",
                kernel_initializer="he_normal",
                kernel_regularizer=keras.regularizers.L2(parameters.weight_decay),
            )(x)
        embeddings.append(x)
    return keras.Model(
        inputs, fused(keras.layers.Concatenate()(embeddings), len(embeddings), parameters)
    )


def batched(of: Sequence[str], parameters: Silos) -> Any:
    """As batched products. Padding repeats a family's features: only the time of it counts."""
    keras = tensorflow().keras
    inputs = keras.Input((len(of),), name="features")
    owns = [np.flatnonzero(np.array(of) == family) for family in silos.silo_names(of)]
    count, widest = len(owns), max(len(own) for own in owns)
    padded = np.concatenate([np.resize(own, widest) for own in owns])
    x = keras.layers.Reshape((count, widest))(keras.ops.take(inputs, padded, axis=1))
    for units in (parameters.units, parameters.embeddings):
        x = keras.layers.EinsumDense(
            "bsi,siu->bsu",
            (count, units),
            activation="relu",
            bias_axes="su",
            kernel_initializer="he_normal",
            kernel_regularizer=keras.regularizers.L2(parameters.weight_decay),
        )(x)
    return keras.Model(inputs, fused(keras.layers.Flatten()(x), count, parameters))


def fused(embeddings: Any, count: int, parameters: Silos) -> Any:
    """Fusion as the silos network has it."""
    x = SiloDropout(count, parameters.silo_dropout)(embeddings)
    return stack(x, parameters.fusion, 1, parameters)


def multiplications(of: Sequence[str], parameters: Silos) -> tuple[int, int]:
    """Own and done, as above."""
    count, features = len(silos.silo_names(of)), len(of)
    units, embeddings = count * parameters.units, count * parameters.embeddings
    fusion = _products((embeddings, *parameters.fusion, 1))
    own = features * parameters.units + units * parameters.embeddings + fusion
    return own, features * units + units * embeddings + fusion


def plain(of: Sequence[str], parameters: Silos, wanted: int) -> Any:
    """An MLP of about `wanted` multiplications: one hidden layer, then the fusion layers."""
    fusion = _products((*parameters.fusion, 1))
    hidden = round((wanted - fusion) / (len(of) + parameters.fusion[0]))
    widths = (hidden, *parameters.fusion)
    shape = Mlp(hidden=widths, dropout=parameters.dropout, weight_decay=parameters.weight_decay)
    return mlp.build(of, shape, 1)


def trainer(net: Any, x: Any, y: Any, *, batch: int) -> Callable[[Any], None]:
    """One epoch over the rows in a given order, as alpha/models/networks/training.py trains."""
    tf = tensorflow()
    optimizer = tf.keras.optimizers.Adam(0.001)
    optimizer.build(net.trainable_variables)

    @tf.function
    def run_epoch(order: Any) -> None:
        for start in tf.range(0, len(order) - batch + 1, batch):
            chosen = order[start : start + batch]
            with tf.GradientTape() as tape:
                error = net(tf.gather(x, chosen), training=True) - tf.gather(y, chosen)
                loss = tf.reduce_mean(tf.square(error)) + sum(net.losses)
            gradients = tape.gradient(loss, net.trainable_variables)
            optimizer.apply(gradients, net.trainable_variables)

    return run_epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=40, help="of one epoch")
    parser.add_argument("--repeats", type=int, default=9, help="epochs of each network")
    arguments = parser.parse_args()
    params = load(Path(__file__).resolve().parent.parent / "tests" / "params.yaml")
    of, parameters, batch = market_families(params), params.silos, params.train.batch_size
    own, done = multiplications(of, parameters)
    tf = tensorflow()
    tf.get_logger().setLevel("ERROR")  # it wonders that there are several loops
    tf.keras.utils.set_random_seed(0)
    nets = {
        "silos": silos.build(of, parameters, 1),
        "naive": naive(of, parameters),
        "batched": batched(of, parameters),
        "mlp (own)": plain(of, parameters, own),
        "mlp (done)": plain(of, parameters, done),
    }
    rows = arguments.batches * batch
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(rows, len(of))).astype(np.float32))
    y = tf.constant(rng.normal(size=(rows, 1)).astype(np.float32))
    order = tf.constant(rng.permutation(rows))
    epochs = {name: trainer(net, x, y, batch=batch) for name, net in nets.items()}
    for run_epoch in epochs.values():
        run_epoch(order)
    seconds: dict[str, list[float]] = {name: [] for name in nets}
    for _ in range(arguments.repeats):
        for name, run_epoch in epochs.items():
            start = time.perf_counter()
            run_epoch(order)
            seconds[name].append(time.perf_counter() - start)
    print(
        f"{len(of)} features in {len(silos.silo_names(of))} families, batches of {batch}; "
        f"multiplications: {own} own, {done} done"
    )
    print("network      parameters  ms a batch  silos takes this share of its time")
    for name, times in seconds.items():
        # A repeat's networks ran side by side, so other load on the machine cancels.
        ratios = [mine / its for mine, its in zip(seconds["silos"], times, strict=True)]
        batch_ms = 1000 * statistics.median(times) / arguments.batches
        print(
            f"{name:12} {nets[name].count_params():10} {batch_ms:11.2f} "
            f"{statistics.median(ratios):8.2f}"
        )


def _products(widths: Sequence[int]) -> int:
    """Multiplications of dense layers; the first width is that of the inputs."""
    return sum(before * after for before, after in pairwise(widths))


if __name__ == "__main__":
    main()
