"""The training loop of the networks: epochs of shuffled batches, stopped early on valid."""

from typing import Any, Protocol

import numpy as np

from alpha.core.text import track
from alpha.learn.history import Epoch
from alpha.learn.measure import Splits
from alpha.models.networks.backend import tensor, tensorflow
from alpha.models.networks.network import Flat, Network, row_losses, targets
from alpha.models.networks.params import Train


class Watch(Protocol):
    """Told of every epoch, and of the epoch whose weights would be kept now."""

    def __call__(self, figures: Epoch, *, best: int) -> None: ...


def fit_network(
    net: Any, seen: Splits, loop: Train, *, seed: int, watch: Watch | None = None
) -> tuple[Network, list[Epoch]]:
    """Train `net` by Adam on the objective's mean loss over the outcomes in sigmas.

    Every epoch shuffles train anew, as alpha.learn.dataset.Rows says; training stops after
    `loop.patience` epochs without a better loss on valid, and the weights of the best epoch are
    kept. Same seed, same bits, whoever watches.
    """
    tf = tensorflow()
    train, objective = seen.train, seen.objective
    model = Network.about(net, objective)
    y = targets(train.y, model, objective)  # (rows, outputs)
    weight = objective.row_weights(train.y).astype(np.float32)  # (rows,)
    batch = min(loop.batch_size, len(train.y))
    losses = row_losses(model, objective)
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
                each = losses(out, y[start : start + batch], weight[start : start + batch])
                loss = tf.reduce_mean(each) + decay
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
