"""Gradient-boosted trees, by LightGBM: what one would otherwise reach for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alpha.core.artifacts import read_json, write_json
from alpha.learn.dataset import Dataset, Known
from alpha.learn.losses import Objective
from alpha.models.trees.params import Lightgbm

FEATURES = True
_OBJECTIVES = {
    "mse": "regression",
    "tail_mse": "regression",
    "mae": "regression_l1",
    "huber": "huber",
    "quantile": "quantile",
}


@dataclass(frozen=True)
class Trees:
    """A booster of outcomes in sigmas about train's mean, or of class probabilities."""

    booster: Any  # lightgbm.Booster
    mean: float
    sigma: float

    def predict(self, known: Known) -> np.ndarray:
        out = np.asarray(self.booster.predict(known.x, num_threads=1))
        if out.ndim == 2:
            return out / out.sum(axis=1, keepdims=True)
        return self.mean + self.sigma * out

    def save(self, folder: Path) -> None:
        (folder / "trees.txt").write_text(
            self.booster.model_to_string(num_iteration=self.booster.best_iteration),
            encoding="utf-8",
        )
        write_json(folder / "scale.json", {"mean": self.mean, "sigma": self.sigma})


def fit_watching(
    train: Dataset, valid: Dataset, objective: Objective, knobs: Lightgbm, *, seed: int
) -> tuple[Trees, list[tuple[float, float]]]:
    """Add trees until valid has not improved for early_stopping_rounds of them; keep the best.

    Also returns the mean losses on train and valid after each tree, in the objective's units.
    """
    import lightgbm

    curves: dict[str, dict[str, list[float]]] = {}
    data = lightgbm.Dataset(
        train.x, _target(train, objective), weight=objective.row_weights(train.y)
    )
    watched = lightgbm.Dataset(
        valid.x, _target(valid, objective), weight=objective.row_weights(valid.y), reference=data
    )
    booster = lightgbm.train(
        _settings(objective, knobs, seed),
        data,
        knobs.n_estimators,
        valid_sets=[data, watched],
        valid_names=["train", "valid"],
        callbacks=[
            _stop_early(lightgbm, knobs.early_stopping_rounds),
            lightgbm.record_evaluation(curves),
        ],
    )
    units = [_unit(objective, split.y) for split in (train, valid)]
    losses = [
        [unit * loss for loss in next(iter(curves[name].values()))]
        for name, unit in zip(("train", "valid"), units, strict=True)
    ]
    return Trees(booster, objective.mean, objective.sigma), list(zip(*losses, strict=True))


def load(folder: Path) -> Trees:
    import lightgbm

    text = (folder / "trees.txt").read_text(encoding="utf-8")
    return Trees(lightgbm.Booster(model_str=text), **read_json(folder / "scale.json"))


def _settings(objective: Objective, knobs: Lightgbm, seed: int) -> dict[str, Any]:
    settings = {
        "objective": "multiclass" if objective.classes else _OBJECTIVES[objective.knobs.name],
        "learning_rate": knobs.learning_rate,
        "num_leaves": knobs.num_leaves,
        "min_data_in_leaf": knobs.min_data_in_leaf,
        "feature_fraction": knobs.feature_fraction,
        "bagging_fraction": knobs.bagging_fraction,
        "bagging_freq": 1,
        "alpha": objective.knobs.quantile
        if objective.knobs.name == "quantile"
        else objective.knobs.huber_delta,
        "seed": seed,
        # The same bits whatever the machine's core count.
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    return settings | ({"num_class": len(objective.classes)} if objective.classes else {})


def _stop_early(lightgbm: Any, patience: int) -> Any:
    """LightGBM's own, which by itself also watches train and stops there."""
    return lightgbm.early_stopping(patience, verbose=False)


def _target(data: Dataset, objective: Objective) -> np.ndarray:
    if objective.classes:
        return objective.of_class(data.y)
    return (data.y - objective.mean) / objective.sigma


def _unit(objective: Objective, outcome: np.ndarray) -> float:
    """The objective's mean loss over LightGBM's, which is in sigmas and of mean weight 1."""
    if objective.classes or objective.knobs.name in ("mse", "tail_mse"):
        scale = 1.0 if objective.classes else objective.sigma**2
        return scale * float(np.mean(objective.row_weights(outcome)))
    # Of these, the Huber loss alone is like a square.
    return objective.sigma**2 if objective.knobs.name == "huber" else objective.sigma
