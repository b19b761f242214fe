"""Training of a network, and of the one that it is compared to."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from alpha.core.params import Section
from alpha.core.text import track, warn
from alpha.learn.history import Epoch, Splits, Trained
from alpha.learn.kinds import MATCHED_MLP
from alpha.learn.params import Train
from alpha.models.networks.backend import tensor, tensorflow
from alpha.models.networks.network import Flat, Network, row_losses, targets


def fit(
    model: Any,
    seen: Splits,
    parameters: Section,
    loop: Train,
    *,
    families: Sequence[str],
    name: str,
    seed: int,
    live: Path | None,
) -> Iterator[Trained]:
    """Train the network, and its matched MLP if it has one. `families` has one name a feature."""
    # Raises RuntimeError once TensorFlow has begun with others.
    tensorflow().config.threading.set_intra_op_parallelism_threads(loop.threads)

    def trained(build: Any, inside: str) -> tuple[Network, list[Epoch]]:
        tensorflow().keras.utils.set_random_seed(seed)
        net = build(families, parameters, len(seen.objective.classes) or 1)
        words = " ".join(filter(None, (name, inside, f"seed {seed}")))
        watch = Live(words, loop.epochs, None if live is None else live / inside)
        return fit_network(net, seen, loop, seed=seed, watch=watch)

    yield Trained(*trained(model.build, ""))
    if hasattr(model, "matched_mlp"):
        yield Trained(*trained(model.matched_mlp, MATCHED_MLP), inside=MATCHED_MLP)


class Live:
    """What the training of `name`, at most `epochs` long, looks like epoch by epoch: a line in its
    log, and files to watch in `folder`, in place of an earlier training's, or none if it is None.

    The files are those of DVCLive, as `dvc plots show` and editors read them: metrics.json has the
    last epoch, plots/metrics/NAME.tsv a line for each. A training never fails because of them.
    """

    def __init__(self, name: str, epochs: int, folder: Path | None) -> None:
        self.name, self.epochs, self.folder = name, epochs, folder
        self._mode = "w"

    def __call__(self, figures: Epoch, *, best: int) -> None:
        """`best` is the epoch whose weights would be kept now."""
        if not sys.stderr.isatty():  # where there is no bar
            losses = f"train {figures.train_loss:.4f}, valid {figures.valid_loss:.4f}"
            line = f"{self.name}: epoch {figures.epoch} of {self.epochs}: {losses}, best {best}"
            warn(line)
        if self.folder is None:
            return
        try:
            self._write(self.folder, asdict(figures) | {"best_epoch": best})
        except OSError as error:
            why = error.strerror or str(error)
            warn(f"no live metrics in {self.folder}: {why}")
            self.folder = None

    def _write(self, folder: Path, figures: dict[str, Any]) -> None:
        step, known = figures.pop("epoch"), {}
        plots = folder / "plots" / "metrics"
        plots.mkdir(parents=True, exist_ok=True)
        for name, value in figures.items():
            if value is None:
                continue
            with (plots / f"{name}.tsv").open(self._mode, encoding="utf-8") as file:
                file.write(f"step\t{name}\n" * (self._mode == "w") + f"{step}\t{value}\n")
            # JSON has no word for what is not finite.
            known[name] = value if abs(value) < float("inf") else str(value)
        self._mode = "a"
        text = json.dumps(known | {"step": step}, indent=4)
        (folder / "metrics.json").write_text(text, encoding="utf-8")


def fit_network(
    net: Any, seen: Splits, loop: Train, *, seed: int, watch: Live | None = None
) -> tuple[Network, list[Epoch]]:
    """Train `net` by Adam on the objective's mean loss over the outcomes in sigmas.

    Every epoch shuffles train anew, as far as it makes whole batches; training stops after
    `loop.patience` epochs without a better loss on valid, and the weights of the best epoch are
    kept. Same seed, same bits, whoever watches.
    """
    tf = tensorflow()
    train, objective = seen.train, seen.objective
    model = Network.about(net, objective)
    y = targets(train.y, model, objective)  # (rows, outputs)
    weight = objective.row_weights(train.y).astype(np.float32)  # (rows,)
    batch = min(loop.batch_size, len(train.y))
    flat = Flat(net)
    optimizer = tf.keras.optimizers.Adam(loop.learning_rate)
    optimizer.build([flat.variable])

    @tf.function(reduce_retracing=True)
    def run(x: Any, y: Any, weight: Any, order: Any) -> None:
        # Rows of y and weight are in that order already.
        for start in tf.range(0, tf.size(order), batch):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            chosen = tf.ensure_shape(order[start : start + batch], (batch,))
            with tf.GradientTape() as tape:
                out, decay = flat.training_outputs(tf.gather(x, chosen))  # (batch, outputs)
                own = slice(start, start + batch)
                loss = (
                    tf.reduce_mean(row_losses(model, objective, out, y[own], weight[own])) + decay
                )
            optimizer.apply([tape.gradient(loss, flat.variable.value)], [flat.variable])

    shuffles = np.random.default_rng(seed)
    history = [seen.measure(model, epoch=0)]
    best, weights = history[0], net.get_weights()
    for epoch in track(range(1, loop.epochs + 1), "epochs", total=loop.epochs):
        for x, rows, order in train.shuffled(shuffles, batch=batch):
            # numpy is faster at putting single numbers in order.
            taken = rows[order]
            run(tensor(x), tf.constant(y[taken]), tf.constant(weight[taken]), tf.constant(order))
        flat.put_back()
        history.append(seen.measure(model, epoch=epoch))
        if history[-1].valid_loss < best.valid_loss:
            best, weights = history[-1], net.get_weights()
        if watch is not None:
            watch(history[-1], best=best.epoch)
        if epoch - best.epoch >= loop.patience:
            break
    net.set_weights(weights)
    return model, history
