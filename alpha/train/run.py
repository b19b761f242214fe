"""Training: fit one rung with one seed on train, watching valid. Test is not in sight."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from pydantic import BaseModel

from alpha.core.artifacts import digest, whole_folder, write_json
from alpha.core.params import Section
from alpha.core.progress import track
from alpha.data.contract import Contract, read_contract
from alpha.data.params import Label
from alpha.learn import dataset, stream
from alpha.learn import predictor as models
from alpha.learn.collapse import hair
from alpha.learn.dataset import Rows
from alpha.learn.history import Epoch, write_history
from alpha.learn.losses import Objective
from alpha.learn.params import Loss
from alpha.learn.predictor import Predictor
from alpha.learn.stream import Stream
from alpha.models.networks.backend import tensor, tensorflow, use_threads
from alpha.models.networks.network import Flat, Network, row_losses, targets
from alpha.models.networks.params import Train
from alpha.train import importance
from alpha.train.live import Watcher, watch

# The blocks within which a family is permuted: as long as the longest past a rung knows of.
_PERMUTED_HORIZONS = 30
# The loss on so many rows of train is near enough that on all: nothing is decided by it.
_WATCHED_ROWS = 1 << 16


@dataclass(frozen=True)
class Splits:
    """What training may see."""

    train: Rows
    valid: Rows
    objective: Objective

    def mean_loss(self, data: Rows, prediction: np.ndarray) -> float:
        """In the objective's own units."""
        return float(np.mean(self.objective.losses(data.y, prediction)))

    @cached_property
    def constant_loss(self) -> float:
        """Of the best constant on train; 1 where it is perfect, as of equal outcomes."""
        return self.mean_loss(self.train, self.objective.constant) or 1.0

    def loss(self, data: Rows, prediction: np.ndarray) -> float:
        """Over the best constant's loss on train."""
        return self.mean_loss(data, prediction) / self.constant_loss

    def train_loss(self, model: Predictor) -> float:
        """Over the best constant's loss, both on every k-th row of train alone, k being the
        least by which these are no more than valid's rows or than _WATCHED_ROWS."""
        every = -(-len(self.train.y) // min(len(self.valid.y), _WATCHED_ROWS))
        y = self.train.y[::every]
        losses = self.objective.losses(y, _predicted(model, self.train, every=every))
        constant = float(np.mean(self.objective.losses(y, self.objective.constant))) or 1.0
        return float(np.mean(losses)) / constant

    def measure(self, model: Predictor, *, epoch: int) -> Epoch:
        """A line of the history for a model as it stands."""
        prediction = _predicted(model, self.valid)
        score = self.objective.score(prediction)
        near = np.abs(score - self.objective.mean) <= hair(self.objective.sigma)
        return Epoch(
            epoch=epoch,
            train_loss=self.train_loss(model),
            valid_loss=self.loss(self.valid, prediction),
            prediction_mean=float(score.mean()),
            prediction_std=float(score.std()),
            prediction_max=float(score.max()),
            near_mean_share=float(near.mean()),
        )


def _predicted(model: Predictor, data: Rows, *, every: int = 1) -> np.ndarray:
    """What a model predicts of every so-manieth row, from the first on."""
    # The first of a part that counts is the first whose number is a multiple.
    found = [model.predict(known[-row % every :: every]) for row, known in data.parts()]
    return np.concatenate(found)


def fit_network(
    net: Any, seen: Splits, knobs: Train, *, seed: int, watcher: Watcher | None = None
) -> tuple[Network, list[Epoch]]:
    """Train `net` by Adam on the objective's mean loss over the outcomes in sigmas.

    Every epoch shuffles train anew, as alpha.learn.dataset.Rows says; training stops after
    `knobs.patience` epochs without a better loss on valid, and the weights of the best epoch are
    kept. Same seed, same bits, whoever watches.
    """
    tf = tensorflow()
    train, objective = seen.train, seen.objective
    model = Network.about(net, objective)
    y = targets(train.y, model, objective)  # (rows, outputs)
    weight = objective.row_weights(train.y).astype(np.float32)  # (rows,)
    batch = min(knobs.batch_size, len(train.y))
    losses = row_losses(model, objective)
    flat = Flat(net)
    optimizer = tf.keras.optimizers.Adam(knobs.learning_rate)
    optimizer.build([flat.variable])

    @tf.function(reduce_retracing=True)
    def run(x: Any, y: Any, weight: Any, order: Any) -> None:
        # Of y and weight, rows are in that order.
        for start in tf.range(0, tf.size(order), batch):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            chosen = tf.ensure_shape(order[start : start + batch], (batch,))
            with tf.GradientTape() as tape:
                out, decay = flat.training_outputs(tf.gather(x, chosen))  # (batch, outputs)
                each = losses(out, y[start : start + batch], weight[start : start + batch])
                loss = tf.reduce_mean(each) + decay
            optimizer.apply([tape.gradient(loss, flat.variable.value)], [flat.variable])

    shuffles = np.random.default_rng(seed)
    history = [seen.measure(model, epoch=0)]
    best, weights = history[0], net.get_weights()
    for epoch in _epochs(knobs.epochs):
        for x, rows, order in train.shuffled(shuffles, batch=batch):
            # numpy is faster at putting single numbers in order.
            taken = rows[order]
            run(tensor(x), tf.constant(y[taken]), tf.constant(weight[taken]), tf.constant(order))
        flat.put_back()
        history.append(seen.measure(model, epoch=epoch))
        if history[-1].valid_loss < best.valid_loss:
            best, weights = history[-1], net.get_weights()
        if watcher is not None:
            watcher(asdict(history[-1]), best=best.epoch)
        if epoch - best.epoch >= knobs.patience:
            break
    net.set_weights(weights)
    return model, history


def fit(
    rung: ModuleType, seen: Splits, rung_knobs: Section, *, seed: int
) -> tuple[Predictor, list[Epoch]]:
    """Fit a closed form, or what stops early by itself; and how it went."""
    fitted: Predictor
    if hasattr(rung, "fit"):
        fitted = rung.fit(seen.train, seen.objective, rung_knobs)
        return fitted, [seen.measure(fitted, epoch=0)]
    fitted, losses = rung.fit_watching(
        seen.train, seen.valid, seen.objective, rung_knobs, seed=seed
    )
    constant = seen.constant_loss
    return fitted, [
        Epoch(number, train / constant, valid / constant)
        for number, (train, valid) in enumerate(losses, start=1)
    ]


def run(
    label: Label,
    loss: Loss,
    knobs: Train,
    rung_knobs: Section,
    *,
    model: str,
    seed: int,
    train: Path,
    valid: Path,
    normalization: Path,
    out: Path,
    live: Path | None = None,
) -> None:
    """Write the fitted model, model.json (what it is, of which contract, and the SHA-256 of each
    file of the fitted model) and history.csv; of a network of silos also importance.json, and
    its rival in the folder rival. How a network's training goes is written to `live` while it
    runs, and its rival's to the folder rival there.

    Raises InputError if the splits' features are not the contract's.
    """
    contract = read_contract(normalization)
    rung = models.rung(model)
    data = _rows(rung, train, valid, contract, knobs)
    seen = Splits(*data, Objective.fit(data[0].y, label, loss))
    about = {
        "model": model,
        "seed": seed,
        "normalization": contract.hash,
        "classes": list(seen.objective.classes),
        "configuration": _configuration(
            model, contract, loss, rung_knobs, *([knobs] if hasattr(rung, "build") else [])
        ),
    }
    with whole_folder(out) as part:
        if not hasattr(rung, "build"):
            fitted, history = fit(rung, seen, rung_knobs, seed=seed)
            _write(part, fitted, history, about)
            return
        use_threads(knobs.threads)
        for folder, build in _networks(part, rung):
            inside = folder.relative_to(part)
            name = " ".join([model, *inside.parts, f"seed {seed}"])
            tensorflow().keras.utils.set_random_seed(seed)
            net = build(contract.families, rung_knobs, len(seen.objective.classes) or 1)
            where = None if live is None else live / inside
            with watch(name, epochs=knobs.epochs, folder=where) as watcher:
                network, history = fit_network(net, seen, knobs, seed=seed, watcher=watcher)
            _write(folder, network, history, about)
            if build is not getattr(rung, "rival", build):
                encoder, rest, families = rung.in_two(network, contract.families)
                found = _importance(encoder, rest, families, seen, label, seed=seed)
                write_json(folder / "importance.json", found)


def _rows(
    rung: ModuleType, train: Path, valid: Path, contract: Contract, knobs: Train
) -> tuple[Rows, Rows]:
    """Train and valid, with no more of them in memory than the rung needs."""
    if hasattr(rung, "build"):
        memory = round(knobs.memory_mb * 1e6)
        return stream.open_both(train, valid, contract, memory_bytes=memory, batch=knobs.batch_size)
    if rung.FEATURES and hasattr(rung, "fit"):
        return Stream(train, contract), Stream(valid, contract)
    return (
        dataset.load(train, contract, features=rung.FEATURES),
        dataset.load(valid, contract, features=rung.FEATURES),
    )


def _importance(
    encoder: Network,
    model: Predictor,
    families: Sequence[str],
    seen: Splits,
    label: Label,
    *,
    seed: int,
) -> dict[str, float]:
    """Family -> the skill on valid that is lost when its embeddings are permuted; `families`
    has one name an embedding."""
    valid = seen.valid
    return importance.by_family(
        model.predict,
        importance.Encoded(valid, encoder.outputs),
        families,
        losses=lambda rows, prediction: seen.objective.losses(valid.y[rows], prediction),
        constant_loss=seen.mean_loss(valid, seen.objective.constant) or 1.0,
        block_ns=_PERMUTED_HORIZONS * label.horizon_ns,
        seed=seed,
    )


def _configuration(model: str, contract: Contract, *knobs: BaseModel) -> str:
    """The same for two models that differ by nothing but their seed."""
    return digest([model, contract.hash, *(section.model_dump(mode="json") for section in knobs)])


def _networks(part: Path, rung: ModuleType) -> Iterator[tuple[Path, Any]]:
    yield part, rung.build
    if hasattr(rung, "rival"):
        (part / "rival").mkdir()
        yield part / "rival", rung.rival


def _write(folder: Path, fitted: Predictor, history: list[Epoch], about: dict[str, Any]) -> None:
    fitted.save(folder)
    files = {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    write_json(folder / "model.json", about | {"files": files})
    write_history(folder / "history.csv", history)


def _epochs(count: int) -> Iterator[int]:
    return track(range(1, count + 1), "epochs", total=count)
