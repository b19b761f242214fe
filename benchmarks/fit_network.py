"""Our training as a worker process (benchmarks/worker.py): `python -m benchmarks.fit_network`."""

import sys
import time
from pathlib import Path

import numpy as np

from alpha.check import load
from alpha.data.features import families
from alpha.learn.dataset import Dataset, Known, aligned
from alpha.learn.history import Splits
from alpha.learn.losses import Objective
from alpha.models.networks import mlp, silos
from alpha.models.networks.backend import tensorflow
from alpha.models.networks.training import fit_network
from benchmarks import data
from benchmarks.silos import multiplications, plain
from benchmarks.steps import ROOT
from benchmarks.worker import serve


def dataset(values: np.ndarray, y: np.ndarray) -> Dataset:
    x = aligned(*values.shape)  # as a split that is loaded
    x[:] = values
    past = np.full((len(y), 3), np.nan)
    time_ns = np.arange(len(y), dtype=np.int64)
    return Dataset(time_ns, Known(x, past), y.astype(np.float64), past[:, 0], 0, 0, tz_aware=True)


def main(folder: Path) -> None:
    tensorflow().get_logger().setLevel("ERROR")  # it wonders that there are several loops
    params = load(ROOT / "tests" / "params.yaml")
    x, y, valid_x, valid_y = (
        np.load(folder / f"{name}.npy") for name in ("x", "y", "valid_x", "valid_y")
    )
    of = tuple(families(data.names(), params.features).values())
    parts = dataset(x, y), dataset(valid_x, valid_y)
    seen = Splits(*parts, Objective.fit(parts[0].y, params.label, params.loss))
    builds = {
        "mlp": lambda: mlp.build(of, params.mlp, 1),
        "silos": lambda: silos.build(of, params.silos, 1),
        # An MLP of as many multiplications as the silos.
        "equal": lambda: plain(of, params.silos, multiplications(of, params.silos)[0]),
    }

    def answer(net: str, batch: int, epochs: int, seed: int) -> dict[str, float]:
        """Seconds of building and training, and the last epoch's loss on valid."""
        # Never early: the peer does not stop either.
        update = {"batch_size": batch, "epochs": epochs, "patience": epochs + 1}
        loop = params.train.model_copy(update=update)
        tensorflow().keras.utils.set_random_seed(seed)
        started = time.perf_counter()
        _, history = fit_network(builds[net](), seen, loop, seed=seed)
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "valid_loss": history[-1].valid_loss}

    serve(answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
