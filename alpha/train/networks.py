"""Training of a network: the loop, the network that it is compared to, and importance."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from alpha.core.params import Section
from alpha.data.params import Label
from alpha.learn.dataset import Known
from alpha.learn.measure import Splits, Trained
from alpha.learn.params import MATCHED_MLP
from alpha.models.networks.backend import tensorflow, use_threads
from alpha.models.networks.network import Network
from alpha.models.networks.params import Train
from alpha.models.networks.training import fit_network
from alpha.train import importance
from alpha.train.live import Live

# The blocks within which a family is permuted: as long as the longest past that a model knows.
_PERMUTED_HORIZONS = 30


def fit(
    model: ModuleType,
    seen: Splits,
    parameters: Section,
    loop: Train,
    *,
    families: Sequence[str],
    label: Label,
    name: str,
    seed: int,
    live: Path | None,
) -> Iterator[Trained]:
    """Train the network, and its matched MLP if it has one. `families` has one name a feature."""
    use_threads(loop.threads)

    def trained(build: Any, inside: str) -> tuple[Network, list]:
        tensorflow().keras.utils.set_random_seed(seed)
        net = build(families, parameters, len(seen.objective.classes) or 1)
        words = " ".join(filter(None, (name, inside, f"seed {seed}")))
        watch = Live(words, loop.epochs, None if live is None else live / inside)
        return fit_network(net, seen, loop, seed=seed, watch=watch)

    network, history = trained(model.build, "")
    of_families = None
    if hasattr(model, "in_two"):
        of_families = _importance(model, network, families, seen, label, seed=seed)
    yield Trained(network, history, importance=of_families)
    if hasattr(model, "matched_mlp"):
        yield Trained(*trained(model.matched_mlp, MATCHED_MLP), inside=MATCHED_MLP)


def _importance(
    model: ModuleType,
    network: Network,
    families: Sequence[str],
    seen: Splits,
    label: Label,
    *,
    seed: int,
) -> dict[str, float]:
    """Family -> the skill on valid that is lost when its embeddings are permuted."""
    encoder, rest, names = model.in_two(network, families)
    valid = seen.valid
    encoded = ((row, Known(encoder.outputs(known.x), known.past)) for row, known in valid.parts())
    return importance.by_family(
        rest.predict,
        encoded,
        names,
        time_ns=valid.time_ns,
        losses=lambda rows, prediction: seen.objective.losses(valid.y[rows], prediction),
        constant_loss=seen.mean_loss(valid, seen.objective.constant) or 1.0,
        block_ns=_PERMUTED_HORIZONS * label.horizon_ns,
        seed=seed,
    )
