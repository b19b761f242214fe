"""Results of the steps before evaluation, made up: small, seeded, and with every defect."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpha import evaluation
from alpha.artifacts import write_json
from alpha.params import SPLITS, Params
from alpha.store import Block, write_frame

START_NS = 1_704_067_200_000_000_000
RUNS = ["mean-0", "mean-1", "ridge-0", "ridge-1", "mlp-0", "mlp-1"]


@dataclass(frozen=True)
class Results:
    """The folders that evaluation and report read and write."""

    root: Path

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def predictions(self) -> Path:
        return self.root / "predictions"

    @property
    def evaluation(self) -> Path:
        return self.root / "evaluate"

    @property
    def labels(self) -> Path:
        return self.root / "labels"

    @property
    def splits(self) -> Path:
        return self.root / "splits"

    @property
    def normalization(self) -> Path:
        return self.root / "normalization.json"

    def evaluate(self, params: Params, runs: list[str] = RUNS) -> None:
        evaluation.run(
            params.label,
            params.evaluate,
            runs=runs,
            models=self.models,
            predictions=self.predictions,
            out=self.evaluation,
        )


def write_prediction(path: Path, outcome: np.ndarray, prediction: np.ndarray) -> None:
    """A split's predictions as `alpha predict` writes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time_ns = START_NS + np.arange(len(outcome)) * 1_000_000_000
    block = Block(("alpha_outcome", "prediction"), np.column_stack((outcome, prediction)))
    write_frame(path, time_ns, [block], aware=True)


def write_run(results: Results, name: str, rng: np.random.Generator, rows: int) -> None:
    """A trained run: the mean, a decent linear model, or a better net with a curve."""
    model = name.split("-")[0]
    outcomes = np.random.default_rng(7)
    for split in SPLITS:
        driver = outcomes.normal(size=rows)
        outcome = 4e-4 * np.maximum(outcomes.standard_t(3, size=rows) + driver, 0)
        prediction = {
            "mean": np.full(rows, 3e-4),
            "ridge": 3e-4 + 1e-4 * driver,
            "mlp": 2.5e-4 * np.exp(0.5 * driver + 0.1 * rng.normal(size=rows)),
        }[model]
        write_prediction(results.predictions / name / f"{split}.h5", outcome, prediction)
    counts = {split: {"rows": rows, "clipped": 3, "replaced": 5} for split in SPLITS}
    write_json(results.predictions / name / "inputs.json", counts)
    epochs = 8 if model == "mlp" else 1
    lines = ["epoch,train_loss,valid_loss,prediction_std"]
    for epoch in range(epochs):
        train = 0.8 + 0.2 * np.exp(-epoch / 2)
        valid = 0.85 + 0.1 * np.exp(-epoch / 2) + 0.002 * epoch + 0.01 * rng.random()
        lines.append(f"{epoch},{train:.17g},{valid:.17g},0.0001")
    folder = results.models / name
    folder.mkdir(parents=True)
    (folder / "history.csv").write_text("\n".join(lines) + "\n")


def write_data_summaries(results: Results, days: list[str], features: list[str]) -> None:
    """What labels, splits and normalize say of the data, with every defect present."""
    status = {"0": 900, "1": 20, "2": 60, "3": 20}
    tail = {"0.5": 0.0, "0.9": 4e-4, "0.99": 2e-3, "0.999": 5e-3, "1": 9e-3}
    day = {"rows": 1000, "duplicates": 7, "status": status, "zero_share": 0.62, "quantiles": tail}
    empty = {
        "rows": 100,
        "duplicates": 0,
        "status": {"0": 0, "1": 0, "2": 100, "3": 0},
        "zero_share": None,
        "quantiles": None,
    }
    summary = {name: dict(day) for name in days} | {"blackout.h5": empty}
    results.labels.mkdir()
    write_json(results.labels / "summary.json", {"days": summary, "total": day})
    counts = {
        "duplicates": 7,
        "outside": 0,
        "embargoed": 30,
        "purged": 18,
        "unlabelled": 80,
        "bad": 20,
        "kept": 2852,
    }
    ranges = [("train", 1, 3), ("valid", 3, 4), ("test", 4, 5)]
    results.splits.mkdir()
    write_json(
        results.splits / "summary.json",
        {
            "input_rows": sum(counts.values()),
            "counts": counts,
            "splits": {
                name: {
                    "start": f"2024-01-0{first}T00:00:00Z",
                    "end": f"2024-01-0{last}T00:00:00Z",
                    "rows": 1000 * (last - first),
                    "embargoed": 15,
                    "purged": 6,
                    "unlabelled": 27,
                    "bad": 7,
                    "kept": 1000 * (last - first) - 55,
                }
                for name, first, last in ranges
            },
        },
    )
    write_json(
        results.normalization,
        {
            "names": features,
            "families": {name: name.split("_")[0] for name in features},
            "mean": [0.0] * len(features),
            "sigma": [0.0, *[1.0] * (len(features) - 1)],
            "finite": [1000] * len(features),
            "nan": [0, 12, *[0] * (len(features) - 2)],
            "inf": [0, 0, 4, *[0] * (len(features) - 3)],
            "clip": 10.0,
            "rows": 1000,
            "hash": "0" * 64,
        },
    )


def make(
    root: Path,
    *,
    rows: int = 2000,
    days: tuple[str, ...] = ("SIM-data-01-01-2024.h5", "SIM-data-02-01-2024.h5"),
    features: tuple[str, ...] = ("ask_level0", "ask_level1", "bid_level0", "spread"),
) -> Results:
    """All of it under `root`."""
    results = Results(root)
    for number, name in enumerate(RUNS):
        write_run(results, name, np.random.default_rng(number), rows)
    write_data_summaries(results, list(days), list(features))
    return results
