"""What the steps before the report wrote, made up: every model, flag, figure and defect.

Figures are plausible, seeded and consistent in shape; nothing here evaluates anything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from made_details import Over, rows
from made_results import write_paths, write_prediction

from alpha.check import Params
from alpha.core.artifacts import read_json, write_json
from alpha.core.frames import Block, write_frame
from alpha.data.contract import Contract
from alpha.data.splits import splits_digest
from alpha.evaluate import figures, tables
from alpha.evaluate.details import Details
from alpha.evaluate.figures import Figures, Row
from alpha.guard.compare import Shift
from alpha.learn.params import run_folder
from alpha.report import run as report

SPLITS = ("train", "valid", "test")
# Mean skill on train, valid and test, and test's rank IC, of each model in the ladder's order.
FIGURES: dict[str, tuple[tuple[float, float, float], float | None]] = {
    "zero": ((-0.84, -0.83, -0.85), None),
    "mean": ((0.0, -0.001, -0.002), None),
    "median": ((-0.11, -0.1, -0.12), None),
    "persistence": ((-0.52, -0.5, -0.55), 0.21),
    "har": ((0.141, 0.13, 0.128), 0.31),
    "ridge": ((0.18, 0.166, 0.157), 0.36),
    "mlp": ((0.232, 0.189, 0.176), 0.392),
    "silos_rival": ((0.3, 0.12, 0.102), 0.35),
    "silos": ((0.224, 0.203, 0.191), 0.405),
    "lightgbm": ((0.262, 0.196, 0.184), 0.398),
}
SEEDED = ("mlp", "silos_rival", "silos", "lightgbm")
EPOCHS = {"mlp": 12, "silos_rival": 9, "silos": 12, "lightgbm": 80}
FAMILIES = ("book_price", "liquidity_added", "traded_volume", "volatility", "spread", "imbalance")
FEATURES = ("ask_level0", "ask_level1", "bid_level0", "spread")
LEVELS = [0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0]
NO_ORACLE = "the data is not a simulated market"
EDGES = [1e-4 * edge for edge in range(41)]
THRESHOLDS = (2.0, 5.0, 10.0, 20.0)
DAYS = {"train": 3, "valid": 1, "test": 2}
VERDICTS = {
    "zero": "collapsed",
    "mean": "collapsed",
    "median": "collapsed",
    "persistence": "no_skill",
    "silos": "actionable_on_paper",
    "lightgbm": "actionable_on_paper",
}
FLAGS = {
    "silos_rival": {
        "overfit": "Its skill on valid, 0.120, is less than half of that on train, 0.300.",
        "unstable_over_seeds": "Its test skill varies by 0.060 over seeds around 0.102.",
    },
    "lightgbm": {
        "label_shift": "The label on test is not distributed as on train: PSI 0.31, p 0.004.",
        "leak_suspected": "A skill of 0.950 on one regime is too good to be true.",
    },
}


@dataclass(frozen=True)
class Folders:
    """The folders that the report reads."""

    root: Path

    @property
    def evaluation(self) -> Path:
        return self.root / "evaluate"

    @property
    def labels(self) -> Path:
        return self.root / "labels"

    @property
    def guard(self) -> Path:
        return self.root / "guard"

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    @property
    def splits(self) -> Path:
        """Of the only fold."""
        return self.root / "splits" / "0"

    @property
    def normalization(self) -> Path:
        return self.root / "normalization" / "0.json"

    @property
    def features(self) -> Path:
        return self.root / "features"

    @property
    def predictions(self) -> Path:
        return self.root / "predict" / "0"


def seeds(model: str) -> list[int]:
    return [0, 1, 2] if model in SEEDED else [0]


def around(value: float | None, half: float, reason: str | None = None) -> Over:
    """A figure with an interval, or the reason of none."""
    if value is None:
        return Over(None, reason=reason)
    return Over(value, value - half, value + half)


def over(value: float | None, *, spread: float | None = None, half: float | None = None) -> Over:
    if value is None or half is None:
        return Over(value, spread=None if value is None else spread)
    return Over(value, value - half, value + half, spread)


class Made:
    """One made-up evaluation; `build` gives its details."""

    def __init__(self, *, models: Sequence[str], classes: bool, oracle: bool, days: int) -> None:
        self.rng = np.random.default_rng(0)
        self.models, self.classes, self.oracle = models, classes, oracle
        self.days = DAYS | {"test": days}
        label = 1e-4 * np.abs(self.rng.standard_t(3, size=20_000)) * 3
        label[self.rng.random(len(label)) < 0.3] = 0.0
        self.label = np.floor(label / 3e-4).clip(0, 1) if classes else label
        self.predictions = {model: self.prediction(model) for model in self.models}

    def prediction(self, model: str) -> np.ndarray:
        constant = {"zero": 0.0, "mean": float(self.label.mean()), "median": 1.5e-4}
        if model in constant:
            return np.full(len(self.label), constant[model])
        share = max(0.1, FIGURES[model][0][2]) ** 0.5
        return share * self.rng.permutation(self.label) + (1 - share) * self.label.mean()

    def counts(self, values: np.ndarray) -> list[int]:
        inside = np.clip(values, self.edges[0], self.edges[-1])
        return np.histogram(inside, self.edges)[0].tolist()

    @property
    def edges(self) -> list[float]:
        return [-0.05 + 0.1 * at for at in range(12)] if self.classes else EDGES

    def noise(self) -> float:
        return float(self.rng.normal(0, 0.006))

    def build(self) -> Details:
        rungs = self.ladder()
        table = figures.table([*self.rows(), *(row for _, row in rungs)])
        content = {
            "models": list(self.models),
            "runs": [f"{model}-{seed}" for model in self.models for seed in seeds(model)],
            "loss": "cross-entropy" if self.classes else "squared error",
            "classes": [0.0, 1.0] if self.classes else [],
            "train_rows": 20_000,
            "train_mean": float(self.label.mean()),
            "train_std": float(self.label.std()),
            "tolerance": 1e-6,
            "bin_edges": self.edges,
            "regime_cuts": [1.1e-4, 2.4e-4],
            "round_trip_bps": 15.0,
            "threshold_meaning": (
                "not available: outcomes of target large_move are classes, not returns"
                if self.classes
                else "an upper bound: it leaves at the best moment of the window"
            ),
            "level": 0.95,
            "tries": 3,
            "resamples": 2000,
            "block_seconds": 1200.0,
            "test_digest": "0123456789abcdef" * 4,
            "oracle_reason": None if self.oracle else NO_ORACLE,
            "ladder": [rung for rung, _ in rungs],
            "by_model": {model: self.model(model) for model in self.models},
            "figures": Figures(table),
        }
        return Details.model_validate(content)

    def rows(self) -> Iterator[Row]:
        for split in SPLITS:
            label = rows("label", split, self.labels(split), levels=LEVELS)
            yield from (row._replace(figure=row.figure.removeprefix("label_")) for row in label)
            found = around(None, 0, NO_ORACLE)
            yield from rows(
                "oracle",
                split,
                {
                    "skill": around(0.26, 0.02) if self.oracle else found,
                    "rank_ic": around(0.47, 0.02) if self.oracle else found,
                },
            )
        for model in self.models:
            for split in SPLITS:
                yield from rows(model, split, self.model_split(model, split), levels=LEVELS)
            ahead = around(FIGURES["silos"][0][2] - FIGURES[model][0][2], 0.02)
            others = {"oracle_share": self.share(model), "best_difference": ahead}
            yield from rows(model, "test", others | {"hours": self.hours(model)})
            if model in ("silos", "silos_rival"):
                for figure, names in (("importance", FAMILIES), ("feature_importance", FEATURES)):
                    lost = (over(0.06 / (1 + at) - 0.012, spread=0.004) for at in range(99))
                    events = [{"event": name, figure: next(lost)} for name in names]
                    yield from rows(model, "valid", {figure: events})
            for seed in seeds(model):
                kept = EPOCHS[model] - 2 if model in EPOCHS else 0
                trained = {"epochs": EPOCHS.get(model, 0), "best_epoch": kept}
                yield from rows(model, "train", trained, seed=seed)
                for split in SPLITS:
                    figures = self.split(model, split)
                    yield from rows(model, split, figures, seed=seed, levels=LEVELS)

    def hours(self, model: str) -> list[dict[str, Any]]:
        rank_ic = FIGURES[model][1]
        groups = {"outcome_bottom": 1e-5, "outcome_middle": 5e-5, "outcome_top": 3e-4}
        if rank_ic is None:
            groups = {"outcome_middle": 5e-5}
        return [
            {"slice": f"hour 2024-01-05T{hour:02}", "rank_ic": around(rank_ic, 0.2), **groups}
            for hour in range(24)
        ]

    def share(self, model: str) -> Over:
        if not self.oracle:
            return around(None, 0, NO_ORACLE)
        return around(FIGURES[model][0][2] / 0.26, 0.07)

    def labels(self, split: str) -> dict[str, Any]:
        return {
            "rows": len(self.label),
            "days": self.days[split],
            "zero_share": float((self.label == 0).mean()),
            "mean": float(self.label.mean()),
            "std": float(self.label.std()),
            "counts": self.counts(self.label),
            "label_quantiles": np.quantile(self.label, LEVELS).tolist(),
            **self.shift(split),
        }

    def shift(self, split: str) -> dict[str, Any]:
        if split == "train":
            return {}
        if split == "valid":
            return {"psi": 0.04, "ks": 0.12, "p_value": 0.41, "blocks": 24}
        why = "test has one block of time only"
        return {"psi": Over(0.31, reason=why), "ks": None, "p_value": None, "blocks": 1}

    def ladder(self) -> list[tuple[dict[str, Any], Row]]:
        rungs, below = [], None
        for model in self.models:
            skill = FIGURES[model][0]
            if below is None:
                difference, improves = around(None, 0, "the lowest rung"), None
                sentence = f"{model} is the lowest rung."
            elif model == "median":
                difference, improves = around(None, 0, "its resamples are all equal"), False
                sentence = "median cannot be compared with mean."
            else:
                value = skill[2] - FIGURES[below][0][2]
                difference = around(value, 0.012)
                improves = value > 0.012
                sentence = f"It {'beats' if improves else 'does not beat'} {below}: {value:+.3f}."
            rung = {"model": model, "against": below, "improves": improves, "sentence": sentence}
            [row] = rows(model, "test", {"skill_difference": difference})
            rungs.append((rung, row))
            if below is None or skill[1] > FIGURES[below][0][1]:
                below = model
        return rungs

    def split(self, model: str, split: str) -> dict[str, Any]:
        skill, rank_ic = FIGURES[model][0][SPLITS.index(split)], FIGURES[model][1]
        if model in SEEDED:
            skill += self.noise()
        prediction = self.predictions[model]
        undefined = {}
        if rank_ic is None:
            undefined |= dict.fromkeys(("rank_ic", "calibration"), "the prediction is constant")
        if split == "train":
            undefined["regimes"] = "regimes are of valid and test"
        if self.classes:
            undefined |= dict.fromkeys(("mse", "mae"), "outcomes are classes")
        return {
            "rows": len(prediction),
            "non_finite": 4 if (model, split) == ("mlp", "test") else 0,
            "loss": 2e-7 * (1 - skill),
            "constant_loss": {"train": 1.8e-7, "valid": 2e-7, "test": 2.2e-7}[split],
            "skill": around(skill, 0.01),
            "mse": None if self.classes else 2e-7 * (1 - skill),
            "mae": None if self.classes else 3e-4,
            "rank_ic": rank_ic,
            "std_ratio": float(prediction.std() / self.label.std()),
            "label_zero_share": 0.3,
            "near_mean_share": 1.0 if model == "mean" else 0.02,
            "prediction_quantiles": np.quantile(prediction, LEVELS).tolist(),
            "prediction_counts": self.counts(prediction),
            "thresholds": [] if self.classes else self.thresholds(model, 1),
            "calibrated": [] if rank_ic is None else self.calibration(model),
            "days": self.slices(split, "day", model, None),
            "regimes": self.slices(split, "regime", model, None),
            "clipped": 3,
            "replaced": 5,
            "undefined": undefined,
        }

    def calibration(self, model: str) -> list[dict[str, Any]]:
        order = np.sort(self.predictions[model])
        groups = np.array_split(order, 10)
        slope = 0.7 + 0.1 * float(self.rng.random())
        mean = float(self.label.mean())
        return [
            {
                "event": str(at),
                "calibration_rows": len(group),
                "calibration_prediction": float(group.mean()),
                "calibration_outcome": mean + slope * (float(group.mean()) - mean),
            }
            for at, group in enumerate(groups)
        ]

    def thresholds(self, model: str, number: int) -> list[dict[str, Any]]:
        found = []
        for bps in THRESHOLDS:
            tau = bps * 1e-4
            above, called = self.label > tau, self.predictions[model] > tau
            label_above, prediction_above = int(above.sum()), int(called.sum())
            both = int((above & called).sum())
            precision = both / prediction_above if prediction_above else None
            base = label_above / len(above)
            realised = bps * 1.6 + 4 if prediction_above else None
            after = None if realised is None else realised - 15
            found.append(
                {
                    "event": repr(bps),
                    "seeds": number,
                    "rows": number * len(above),
                    "label_above": number * label_above,
                    "prediction_above": number * prediction_above,
                    "both": number * both,
                    "windows": prediction_above // 60,
                    "base_rate": base,
                    "precision": precision,
                    "recall": both / label_above if label_above else None,
                    "lift": precision / base if precision is not None and base else None,
                    "realised_bps": realised,
                    "after_fees_bps": around(after, 1.5),
                }
            )
        return found

    def events(self, model: str, split: str) -> list[dict[str, Any]]:
        skill, rank_ic = FIGURES[model][0][SPLITS.index(split)], FIGURES[model][1]
        names = ["class 1"] if self.classes else [f"outcome > {bps:g} bps" for bps in THRESHOLDS]
        return [
            {
                "event": name,
                "base_rate": 0.4 / 2**at,
                "average_precision": over(
                    None if rank_ic is None else 0.4 / 2**at + max(skill, 0), half=0.02
                ),
                "decile_lift": over(
                    None if rank_ic is None else 1 + 6 * max(skill, 0) * (1 + at), half=0.2
                ),
            }
            for at, name in enumerate(names)
        ]

    def slices(
        self, split: str, kind: str, model: str, spread: float | None
    ) -> list[dict[str, Any]]:
        if kind == "regime" and split == "train":
            return []
        names = (
            ["low", "middle", "high"]
            if kind == "regime"
            else [str(np.datetime64("2024-01-04") + day) for day in range(self.days[split])]
        )
        skill, rank_ic = FIGURES[model][0][SPLITS.index(split)], FIGURES[model][1]
        found = []
        for name in names:
            this = skill + 3 * self.noise() + (0.03 if name == "high" else 0.0)
            one = {"slice": f"{kind} {name}", "rows": len(self.label) // len(names)}
            values = {"skill": this, "rank_ic": rank_ic, "std_ratio": 0.4}
            one |= {name: over(value, spread=spread) for name, value in values.items()}
            if rank_ic is None:
                one["rank_ic"] = Over(None, reason="the prediction is constant")
            found.append(one)
        return found

    def model(self, model: str) -> dict[str, Any]:
        skill = FIGURES[model][0][2]
        return {
            "seeds": seeds(model),
            "configuration": "c" * 64,
            "verdict": {
                "name": VERDICTS.get(model, "skill_not_actionable"),
                "sentence": f"{model} takes {100 * max(skill, 0):.1f} % off the loss of the best "
                "constant on test, and this sentence says what that is worth after fees.",
                "learnable": {"answer": "yes", "why": f"{model} learnt something."},
                "actionable": {"answer": "not proven", "why": "fees may eat it."},
                "figures": {"std_ratio_test": 0.41, "windows": 1234.0, "test_lift": None},
                "flags": [
                    {"name": name, "sentence": sentence}
                    for name, sentence in FLAGS.get(model, {}).items()
                ],
            },
        }

    def model_split(self, model: str, split: str) -> dict[str, Any]:
        skill, rank_ic = FIGURES[model][0][SPLITS.index(split)], FIGURES[model][1]
        prediction, spread = self.predictions[model], 0.006 if model in SEEDED else None
        return {
            "skill": over(skill, spread=spread, half=0.011),
            "hindsight": over(skill - 0.013, half=0.011),
            "loss": over(2e-7 * (1 - skill), spread=spread),
            "rank_ic": over(rank_ic, spread=spread, half=0.015),
            "rank_ic_days": over(rank_ic, spread=0.02),
            "mse": over(None if self.classes else 2e-7 * (1 - skill)),
            "mae": over(None if self.classes else 3e-4),
            "std_ratio": over(float(prediction.std() / self.label.std())),
            "near_mean_share": over(1.0 if model == "mean" else 0.02),
            "non_finite": 12 if (model, split) == ("mlp", "test") else 0,
            "prediction_quantiles": np.quantile(prediction, LEVELS).tolist(),
            "prediction_counts": self.counts(prediction),
            "thresholds": [] if self.classes else self.thresholds(model, len(seeds(model))),
            "events": self.events(model, split),
            "days": self.slices(split, "day", model, spread and 2 * spread),
            "regimes": self.slices(split, "regime", model, spread and 2 * spread),
            "undefined": {"rank_ic": "the prediction is constant", "rank_ic_days": "no order"}
            if rank_ic is None
            else {},
        }


def details(
    *,
    models: Sequence[str] = tuple(FIGURES),
    classes: bool = False,
    oracle: bool = True,
    days: int = 2,
) -> Details:
    """A rich evaluation of some or all models; of a classification target with `classes`."""
    return Made(models=models, classes=classes, oracle=oracle, days=days).build()


def write_details(folders: Folders, found: Details) -> None:
    """What `alpha evaluate` writes, with a learning curve a run."""
    folders.evaluation.mkdir(parents=True)
    histories = {}
    for name in found.runs:
        train, valid = found.run(name, "train"), found.run(name, "valid")
        last = int(train["epochs"].value or 0)
        done = 1 - np.exp(-4 * np.arange(last + 1) / max(1, last))
        histories[name] = {
            "epoch": list(range(last + 1)),
            "train_loss": (1 - (train["skill"].value or 0.0) * done).tolist(),
            "valid_loss": (1.11 - 1.11 * (valid["skill"].value or 0.0) * done).tolist(),
        }
    tables.write(folders.evaluation, found, histories)


def write_data(folders: Folders, *, days: tuple[str, ...], features: tuple[str, ...]) -> None:
    """What labels, splits and normalize say of the data, with every defect present."""
    total = {
        "rows": 1000,
        "duplicates": 7,
        "status": {"0": 890, "1": 20, "2": 60, "3": 20, "4": 10},
        "longest_frozen_seconds": 45.0,
        "zero_share": 0.62,
        "mean": 2e-4,
        "quantiles": {"0.1": 0.0, "0.5": 0.0, "0.9": 4e-4, "0.99": 2e-3, "0.999": 5e-3, "1": 9e-3},
        "shares": {">2": 0.2, ">10": 0.04},
    }
    day = total | {"outcome_at_seconds": 43200.0}
    empty = dict.fromkeys(day) | {
        "rows": 100,
        "duplicates": 0,
        "status": {"0": 0, "1": 0, "2": 100, "3": 0, "4": 0},
        "longest_frozen_seconds": 0.0,
    }
    profile = {
        "params": {"data": {}, "label": {}},
        "data_digest": "0" * 64,
        "outcome": "return",
        "days": {name: dict(day) for name in days} | {"blackout.h5": empty},
        "total": total,
    }
    folders.labels.mkdir(parents=True)
    write_json(folders.labels / "profile.json", profile)
    folders.guard.mkdir()
    write_json(folders.guard / "shift.json", Shift(status="as_pinned").model_dump())
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
    splits = {
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
    }
    folders.splits.mkdir(parents=True)
    folders.normalization.parent.mkdir()
    folders.audit.mkdir()
    write_paths(folders.splits.parent, [[(0, 0, 2**62)]])
    write_json(
        folders.splits / "summary.json",
        {"input_rows": sum(counts.values()), "counts": counts, "splits": splits},
    )
    write_json(
        folders.audit / "findings.json",
        {"findings": [], "splits": splits_digest(folders.splits.parent)},
    )
    late = {f"ic_{rows}_late": 0.05 - 0.0005 * rows for rows in (0, 1, 2, 5, 10, 30, 60)}
    audited = pd.DataFrame({"feature": features, "ahead_of": "", "ic_by_chance": 0.01} | late)
    audited = audited.assign(psi_valid=0.1, psi_test=0.4)
    audited.to_csv(folders.audit / "features.csv", index=False)
    contract = Contract(
        names=features,
        families=tuple(name.split("_")[0] for name in features),
        mean=np.zeros(len(features)),
        sigma=np.array([0.0, *[1.0] * (len(features) - 1)]),
        finite=np.array([1000, 988, 996, *[1000] * (len(features) - 3)]),
        nan=np.array([0, 12, *[0] * (len(features) - 2)]),
        inf=np.array([0, 0, 4, *[0] * (len(features) - 3)]),
        clip=10.0,
        rows=1000,
    )
    write_json(folders.normalization, {**contract.content(), "hash": contract.hash})


def write_rows(folders: Folders, found: Details) -> None:
    """Quotes of two hours, of which the second moves more, and predictions of every run there."""
    folders.features.mkdir()
    seconds = np.arange(0, 7200, 10)
    time_ns = pd.Timestamp("2024-01-05T10:00").value + seconds * 10**9
    bid = 100 + np.cumsum(np.random.default_rng(0).normal(size=len(seconds)) * (seconds // 3600))
    quotes = np.column_stack((bid, bid + 0.5, bid))
    block = Block(("best_bid", "best_ask", "spread"), quotes)
    write_frame(folders.features / "SIM-data-05-01-2024.h5", time_ns, [block], tz_aware=True)
    outcome = np.random.default_rng(1).exponential(1e-4, len(seconds))
    for run in found.runs:
        if not run.startswith("silos_rival"):  # which is made up
            path = folders.predictions / run_folder(run) / "test.h5"
            about = {"start_ns": int(time_ns[0])}
            write_prediction(path, outcome, 0.5 * outcome, **about)


def make(
    root: Path,
    found: Details,
    *,
    days: tuple[str, ...] = ("SIM-data-01-01-2024.h5", "SIM-data-02-01-2024.h5"),
    features: tuple[str, ...] = FEATURES,
) -> Folders:
    """All that the report reads, under `root`."""
    folders = Folders(root)
    write_data(folders, days=days, features=features)
    write_details(folders, found)
    write_rows(folders, found)
    return folders


def write(folders: Folders, params: Params, *, trade: Path | None = None, **label: object) -> str:
    """The page that the step makes of them, of splits of such labels."""
    if label:
        rows, splits = folders.splits / "test" / "rows.json", folders.splits.parent
        write_json(rows, (of := read_json(rows)) | {"label": of["label"] | label})
        audited = {"findings": [], "splits": splits_digest(splits)}
        write_json(folders.audit / "findings.json", audited)
    out = folders.root / "report.html"
    report.run(
        params.data,
        params.label.model_copy(update=label),
        params.report,
        features=folders.features,
        predictions=folders.predictions.parent,
        evaluation=folders.evaluation,
        labels=folders.labels,
        guard=folders.guard,
        audit=folders.audit,
        splits=folders.splits.parent,
        normalization=folders.normalization.parent,
        trade=trade,
        out=out,
    )
    return out.read_text(encoding="utf-8")
