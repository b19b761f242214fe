"""Training: fit one rung with one seed on train, watching valid. Test is not in sight."""

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from alpha import dataset, models
from alpha.artifacts import whole_folder, write_json
from alpha.collapse import hair
from alpha.dataset import Dataset
from alpha.models import Predictor
from alpha.models.network import Network, tensorflow
from alpha.normalization import read_contract
from alpha.params import Mean, Mlp, Model, Ridge, Train
from alpha.progress import track


@dataclass(frozen=True)
class Epoch:
    """A line of the history. Losses are mean squared errors over the variance of train's
    outcomes, so that 1 is what the train mean scores on train; prediction_* are of valid, in
    units of the outcome; near_mean_share is the share of valid predictions within
    a hair (alpha.collapse) of the train mean."""

    epoch: int
    train_loss: float
    valid_loss: float
    prediction_mean: float
    prediction_std: float
    prediction_max: float
    near_mean_share: float


@dataclass(frozen=True)
class Scale:
    """Mean and sigma of train's outcomes; sigma is 1 where they are all equal."""

    mean: float
    sigma: float

    @classmethod
    def of(cls, y: np.ndarray) -> "Scale":
        return cls(float(y.mean()), float(y.std()) or 1.0)


def fit_network(
    net: Any, train: Dataset, valid: Dataset, knobs: Train, *, seed: int
) -> tuple[Network, list[Epoch]]:
    """Train `net` by Adam on the mean squared error of standardized outcomes.

    Every epoch shuffles train anew; training stops after `knobs.patience` epochs without a
    better loss on valid, and the weights of the best epoch are kept. Same seed, same bits.
    """
    tf = tensorflow()
    scale = Scale.of(train.y)
    x = tf.constant(train.x)  # (rows, features)
    y = tf.constant(((train.y - scale.mean) / scale.sigma).astype(np.float32)[:, None])
    rows, batch = len(train.y), min(knobs.batch_size, len(train.y))
    optimizer = tf.keras.optimizers.Adam(knobs.learning_rate)
    optimizer.build(net.trainable_variables)

    @tf.function
    def run_epoch(order: Any) -> None:
        for start in tf.range(0, rows - batch + 1, batch):
            chosen = order[start : start + batch]
            with tf.GradientTape() as tape:
                outcome = net(tf.gather(x, chosen), training=True)  # (batch, 1)
                error = outcome - tf.gather(y, chosen)
                loss = tf.reduce_mean(tf.square(error)) + sum(net.losses)
            gradients = tape.gradient(loss, net.trainable_variables)
            optimizer.apply(gradients, net.trainable_variables)

    shuffles = np.random.default_rng(seed)
    model = Network(net, scale.mean, scale.sigma)
    history = [measure(model, train, valid, scale, epoch=0)]
    best, weights = history[0], net.get_weights()
    for epoch in _epochs(knobs.epochs):
        run_epoch(tf.constant(shuffles.permutation(rows)))
        history.append(measure(model, train, valid, scale, epoch=epoch))
        if history[-1].valid_loss < best.valid_loss:
            best, weights = history[-1], net.get_weights()
        if epoch - best.epoch >= knobs.patience:
            break
    net.set_weights(weights)
    return model, history


def measure(model: Predictor, train: Dataset, valid: Dataset, scale: Scale, *, epoch: int) -> Epoch:
    """A line of the history for a model as it stands."""
    prediction = model.predict(valid.x)
    near = np.abs(prediction - scale.mean) <= hair(scale.sigma)
    return Epoch(
        epoch=epoch,
        train_loss=float(np.mean(((model.predict(train.x) - train.y) / scale.sigma) ** 2)),
        valid_loss=float(np.mean(((prediction - valid.y) / scale.sigma) ** 2)),
        prediction_mean=float(prediction.mean()),
        prediction_std=float(prediction.std()),
        prediction_max=float(prediction.max()),
        near_mean_share=float(near.mean()),
    )


def run(
    knobs: Train,
    rung_knobs: Mean | Ridge | Mlp,
    *,
    model: Model,
    seed: int,
    train: Path,
    valid: Path,
    normalization: Path,
    out: Path,
) -> None:
    """Write the fitted model, model.json (what it is, and of which contract) and history.csv.

    Raises InputError if the splits' features are not the contract's.
    """
    contract = read_contract(normalization)
    seen, watched = dataset.load(train, contract), dataset.load(valid, contract)
    rung = models.rung(model)
    fitted: Predictor
    if hasattr(rung, "build"):
        tensorflow().keras.utils.set_random_seed(seed)
        net = rung.build(len(contract.names), rung_knobs)
        fitted, history = fit_network(net, seen, watched, knobs, seed=seed)
    else:
        fitted = rung.fit(seen, rung_knobs)
        history = [measure(fitted, seen, watched, Scale.of(seen.y), epoch=0)]
    with whole_folder(out) as part:
        fitted.save(part)
        about = {"model": model, "seed": seed, "normalization": contract.hash}
        write_json(part / "model.json", about)
        write_history(part / "history.csv", history)


def write_history(path: Path, history: list[Epoch]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(Epoch))
        writer.writerows(asdict(epoch).values() for epoch in history)


def _epochs(count: int) -> Iterator[int]:
    return track(range(1, count + 1), "epochs", total=count)
