"""Results of the steps before evaluation, made up: small, seeded, and with every defect."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import t as student
from sealing import seal_predictions, seal_splits

from alpha.audit import findings
from alpha.audit.findings import Finding, Findings
from alpha.check import Params
from alpha.core.artifacts import read_json, write_json, write_manifest
from alpha.core.frames import Block, write_frame
from alpha.data.columns import SPLITS
from alpha.data.splits import splits_digest
from alpha.evaluate import run as evaluation
from alpha.learn.params import run_folder

START_NS = 1_704_067_200_000_000_000
STEP_NS = 10_000_000_000
RUNS = ["mean-0", "mean-1", "ridge-0", "ridge-1", "mlp-0", "mlp-1"]


@dataclass(frozen=True)
class Results:
    """The folders that evaluation reads and writes."""

    root: Path

    @property
    def models(self) -> Path:
        """Of the only fold."""
        return self.root / "models" / "0"

    @property
    def predictions(self) -> Path:
        return self.root / "predictions" / "0"

    @property
    def evaluation(self) -> Path:
        return self.root / "evaluate"

    @property
    def splits(self) -> Path:
        return self.root / "split"

    @property
    def features(self) -> Path:
        return self.root / "features"

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    def evaluate(
        self,
        params: Params,
        runs: list[str] = RUNS,
        *,
        leaks: Sequence[Finding] = (),
        trade: Path | None = None,
    ) -> None:
        """With what the audit found, of splits of these labels."""
        rows = next(self.splits.glob("*/train/rows.json"))
        if read_json(rows)["label"] != params.label.model_dump(mode="json"):
            numbers = [int(path.parent.name) for path in self.splits.glob("*/summary.json")]
            seal_splits(self.splits, numbers, params.label)
            seal(self)
        self.audit.mkdir(exist_ok=True)
        found = Findings(findings=list(leaks), splits=splits_digest(self.splits))
        write_json(self.audit / findings.NAME, found.model_dump(mode="json"))
        evaluation.run(
            params.label,
            params.loss,
            params.evaluate,
            params.verdict,
            runs=runs,
            features=self.features,
            audit=self.audit,
            splits=self.splits,
            models=self.models.parent,
            predictions=self.predictions.parent,
            out=self.evaluation,
            trade=trade,
        )


def write_prediction(
    path: Path,
    outcome: np.ndarray,
    prediction: np.ndarray,
    *,
    start_ns: int = START_NS,
    volatility: np.ndarray | None = None,
    probabilities: np.ndarray | None = None,
) -> None:
    """A split's predictions as `alpha predict` writes them, a row every STEP_NS."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time_ns = start_ns + np.arange(len(outcome)) * STEP_NS
    if volatility is None:
        volatility = np.full(len(outcome), np.nan)
    columns = {"alpha_outcome": outcome, "prediction": prediction, "past_volatility": volatility}
    if probabilities is not None:
        columns |= {f"probability_{at}": p for at, p in enumerate(probabilities.T)}
    block = Block(tuple(columns), np.column_stack(tuple(columns.values())))
    write_frame(path, time_ns, [block], tz_aware=True)


@dataclass(frozen=True)
class Truth:
    """One split of a made-up market, the same for every run: (rows,) each."""

    start_ns: int
    driver: np.ndarray  # what can be known at t
    loud: np.ndarray
    outcome: np.ndarray
    volatility: np.ndarray


def truths(rows: int) -> dict[str, Truth]:
    """Splits of `rows` rows, one after the other, a few blocks between them; the market is
    louder in each second quarter of an hour."""
    rng = np.random.default_rng(7)
    found = {}
    for number, split in enumerate(SPLITS):
        driver = rng.normal(size=rows)
        loud = 1.0 + (np.arange(rows) // 90 % 2)
        outcome = 4e-4 * loud * np.maximum(rng.standard_t(3, size=rows) + driver, 0)
        volatility = 1e-4 * loud * np.exp(0.1 * rng.normal(size=rows))
        volatility[:5] = np.nan
        start = START_NS + number * (rows * STEP_NS + 6 * 3600 * 10**9)
        found[split] = Truth(start, driver, loud, outcome, volatility)
    return found


def write_run(results: Results, name: str, rng: np.random.Generator, rows: int) -> None:
    """A trained run: the mean, a decent linear model, or a better net with a curve, with a matched
    MLP that is a little noisier and the importance of two families."""
    model, _, seed = name.partition("-")
    folder = run_folder(name)
    if model == "mlp":
        _write_model(results, folder / "matched_mlp", "mlp", int(seed), rng, rows, noise=0.3)
        families = {"spread": 0.01 + 0.001 * int(seed), "volatility": 0.1}
        importance = {"families": families, "features": {"spread": 0.02}}
        write_json(results.models / folder / "importance.json", importance)
    _write_model(results, folder, model, int(seed), rng, rows, noise=0.1)
    counts = {split: {"rows": rows, "clipped": 3, "replaced": 5} for split in SPLITS}
    write_json(results.predictions / folder / "inputs.json", counts)


def _write_model(
    results: Results,
    inside: Path,
    model: str,
    seed: int,
    rng: np.random.Generator,
    rows: int,
    *,
    noise: float,
) -> None:
    for split, truth in truths(rows).items():
        prediction = {
            "mean": np.full(rows, 5e-4),
            "ridge": 4.5e-4 + 1.5e-4 * truth.driver,
            "mlp": 4e-4 * np.exp(0.5 * truth.driver + noise * rng.normal(size=rows)),
        }[model]
        write_prediction(
            results.predictions / inside / f"{split}.h5",
            truth.outcome,
            prediction,
            start_ns=truth.start_ns,
            volatility=truth.volatility,
        )
    epochs = 8 if model == "mlp" else 1
    lines = ["epoch,train_loss,valid_loss,prediction_std"]
    for epoch in range(epochs):
        train = 0.8 + 0.2 * np.exp(-epoch / 2)
        valid = 0.85 + 0.1 * np.exp(-epoch / 2) + 0.002 * epoch + 0.01 * rng.random()
        lines.append(f"{epoch},{train:.17g},{valid:.17g},0.0001")
    folder = results.models / inside
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "history.csv").write_text("\n".join(lines) + "\n")
    about = {"model": model, "seed": seed, "normalization": "0" * 64, "configuration": "1" * 64}
    write_json(folder / "model.json", about)


def write_oracle(results: Results, rows: int) -> None:
    """What a simulated market's folder holds beside the feature files: the expected outcome,
    given driver and loudness."""
    folder = results.features / "oracle"
    folder.mkdir(parents=True)
    prices = {"abs_max": ["touch"], "end_return": ["touch", "mid"]}
    for number, truth in enumerate(truths(rows).values()):
        time_ns = truth.start_ns + np.arange(rows) * STEP_NS
        d = truth.driver
        # The mean of max(T + d, 0) for a Student t with 3 degrees of freedom.
        positive = d * student.cdf(d, 3) + (3 + d**2) / 2 * student.pdf(d, 3)
        expected = 4e-4 * truth.loud * positive
        block = Block(tuple(prices), np.column_stack((expected, -expected)))
        write_frame(folder / f"{number}.h5", time_ns, [block], tz_aware=True)
    write_manifest(folder / "oracle.json", {"horizon_seconds": 60, "prices": prices})


def write_paths(splits: Path, paths: Sequence[Sequence[tuple[int, int, int]]]) -> None:
    """What `alpha split` writes of the folds: blocks are a fold, and a start and an end in ns."""
    splits.mkdir(parents=True, exist_ok=True)
    names = "fold", "start_ns", "end_ns"
    blocks = [[dict(zip(names, block, strict=True)) for block in path] for path in paths]
    write_json(splits / "paths.json", {"paths": blocks})
    seal_splits(splits, sorted({block[0] for path in paths for block in path}))


def seal(results: Results) -> Results:
    """With digests of what the runs have now."""
    given = results.predictions.parent, results.splits, results.models.parent
    seal_predictions(*given)
    return results


def make(root: Path, *, rows: int = 9000) -> Results:
    """All of it under `root`."""
    results = Results(root)
    for number, name in enumerate(RUNS):
        write_run(results, name, np.random.default_rng(number), rows)
    write_oracle(results, rows)
    write_paths(results.splits, [[(0, 0, 2**62)]])
    return seal(results)
