"""Training beside Keras' `fit`: same nets, batches, epochs and updates, same loss on valid.

Both are worker processes that live through all rounds: TensorFlow's settings hold for a whole
process, and ours has one thread, where Keras takes all cores.
"""

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from alpha.check import load
from alpha.data.features import families
from alpha.label import targets
from benchmarks import data
from benchmarks.harness import Bench, Measurement, faster, number
from benchmarks.steps import ROOT
from benchmarks.worker import Worker

_STEP = "training"
# At which batch the goal against `fit` as it comes is which.
_GOALS = {256: 3.5, 1024: 2.0, 4096: 1.8}
_SILOS_BATCH = 1024
_ROUNDS = 3


def measure(bench: Bench) -> Iterator[Measurement]:
    _write(bench, bench.work)
    params = load(ROOT / "tests" / "params.yaml")
    of = list(families(data.names(), params.features).values())
    owns = [[at for at, name in enumerate(of) if name == family] for family in dict.fromkeys(of)]
    with (
        Worker("benchmarks.fit_network", bench.work) as ours,
        Worker("benchmarks.peers.training", bench.work) as keras,
    ):
        both = _Both(ours, keras, owns, bench)
        size = f"{number(bench.sizes.train_rows)} × 120, {bench.sizes.epochs} epochs, batch "
        for batch in bench.sizes.batches:
            found = both.measure("mlp", batch, ours=("mlp",), peer=("fit", "tuned"))
            named = size + number(batch)
            mine = found["mlp"]
            what = "MLP: Keras fit"
            yield faster(_STEP, what, named, mine, found["fit"], goal=_GOALS[batch])
            what = "MLP: Keras fit, tuned (batches cut before, steps_per_execution)"
            yield faster(_STEP, what, named, mine, found["tuned"], goal=1)
        found = both.measure("silos", _SILOS_BATCH, ours=("silos", "equal"), peer=("fit",))
        named, mine = size + number(_SILOS_BATCH), found["silos"]
        what = "silos: Keras fit of a dozen Dense"
        yield faster(_STEP, what, named, mine, found["fit"], goal=2)
        what = "silos: our MLP of as many multiplications"
        yield faster(_STEP, what, named, mine, found["equal"], goal=0.7)


class _Both:
    """The two workers, and what is asked of both."""

    def __init__(self, ours: Worker, keras: Worker, owns: list[list[int]], bench: Bench) -> None:
        self._ours, self._keras, self._owns = ours, keras, owns
        self._sizes = bench.sizes

    def measure(
        self, net: str, batch: int, *, ours: Sequence[str], peer: Sequence[str]
    ) -> dict[str, list[float]]:
        """Seconds by round of our nets and of Keras' ways. Raises AssertionError unless `net`
        learns the same in all."""
        seconds: dict[str, list[float]] = {name: [] for name in (*ours, *peer)}
        losses: dict[str, list[float]] = {name: [] for name in (*ours, *peer)}
        for seed in range(min(_ROUNDS, self._sizes.rounds)):
            asked = {"batch": batch, "epochs": self._sizes.epochs, "seed": seed}
            for name in seconds:
                if name in ours:
                    found = self._ours(net=name, **asked)
                else:
                    found = self._keras(net=net, way=name, owns=self._owns, **asked)
                seconds[name].append(found["seconds"])
                losses[name].append(found["valid_loss"])
        for way in peer:
            self._check(f"{net}, batch {batch}, {way}", losses[net], losses[way])
        return seconds

    def _check(self, what: str, ours: Sequence[float], peer: Sequence[float]) -> None:
        """Mean losses on valid, of the best constant's, as near as shuffles let them be."""
        mine, its = statistics.mean(ours), statistics.mean(peer)
        if abs(mine - its) > self._sizes.noise:
            raise AssertionError(f"{what}: a loss on valid of {mine:.4f}, {its:.4f} by the peer")


def _write(bench: Bench, folder: Path) -> None:
    """Normalized features and their outcomes, of train and of valid.

    Rows are in random order: what is compared is training, so that valid should be as train,
    and that batches which are cut once are as good as those that are drawn anew.
    """
    rows = bench.sizes.train_rows
    label = load(ROOT / "tests" / "params.yaml").label
    of = data.market(rows + rows // 4 + 1000, seed=0)
    x = data.features(of, seed=0, nan=False)
    found = targets.compute(of.time_ns, of.bid, of.ask, label)
    kept = np.random.default_rng(0).permutation(np.flatnonzero(found.status == 0))
    kept = kept[: rows + rows // 4]
    x, y = x[kept], found.alpha_outcome[kept].astype(np.float32)
    x = np.clip((x - x[:rows].mean(axis=0)) / x[:rows].std(axis=0, dtype=np.float64), -10, 10)
    for name, part in {"x": x[:rows], "valid_x": x[rows:]}.items():
        np.save(folder / f"{name}.npy", part.astype(np.float32))
    np.save(folder / "y.npy", y[:rows])
    np.save(folder / "valid_y.npy", y[rows:])
