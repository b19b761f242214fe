"""Gradient-boosted trees, by LightGBM: what one would otherwise reach for."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from alpha.core.artifacts import read_json, write_json
from alpha.learn.known import Known
from alpha.learn.softmax import softmax
from alpha.models.trees.forest import Forest

if TYPE_CHECKING:
    from alpha.learn.dataset import Dataset
    from alpha.learn.losses import Objective
    from alpha.models.trees.params import Lightgbm

# Where LightGBM has another name for a loss.
_OBJECTIVES = {"mse": "regression", "tail_mse": "regression", "mae": "regression_l1"}


@dataclass(frozen=True)
class Trees:
    """Trees of outcomes in sigmas about train's mean, or of what softmax makes probabilities."""

    FEATURES: ClassVar = True
    PAST: ClassVar = False
    text: str  # as LightGBM writes them
    mean: float
    sigma: float

    @classmethod
    def fit_watching(
        cls,
        train: "Dataset",
        valid: "Dataset",
        objective: "Objective",
        parameters: "Lightgbm",
        *,
        seed: int,
    ) -> tuple[Self, list[tuple[float, float]]]:
        """Add trees until valid has not improved for early_stopping_rounds of them; keep the best.

        Also returns the mean losses on train and valid after each tree, in the objective's units.
        """
        import lightgbm

        curves: dict[str, dict[str, list[float]]] = {}
        data: Any = None
        sets = []
        for split in (train, valid):
            target = (split.y - objective.mean) / objective.sigma
            if objective.classes:
                target = objective.of_class(split.y)
            weight = objective.row_weights(split.y)
            data = lightgbm.Dataset(split.x, target, weight=weight, reference=data)
            sets.append(data)
        booster = lightgbm.train(
            _settings(objective, parameters, seed),
            sets[0],
            valid_sets=sets,
            valid_names=["train", "valid"],
            callbacks=[
                # As a parameter it would stop at the loss on train, too.
                lightgbm.early_stopping(parameters.early_stopping_rounds, verbose=False),
                lightgbm.record_evaluation(curves),
            ],
        )
        losses = []
        for name, split in (("train", train), ("valid", valid)):
            [curve] = curves[name].values()
            unit = _unit(objective, split.y)
            losses.append([unit * loss for loss in curve])
        text = booster.model_to_string(num_iteration=booster.best_iteration)
        return cls(text, objective.mean, objective.sigma), list(zip(*losses, strict=True))

    @cached_property
    def forest(self) -> Forest:
        return Forest.parse(self.text)

    def predict(self, known: Known) -> np.ndarray:
        out = self.forest.sums(known.x)
        return softmax(out) if out.shape[1] > 1 else self.mean + self.sigma * out[:, 0]

    def save(self, folder: Path) -> None:
        (folder / "trees.txt").write_text(self.text, encoding="utf-8")
        write_json(folder / "scale.json", {"mean": self.mean, "sigma": self.sigma})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises ValueError for other trees than training makes."""
        text = (folder / "trees.txt").read_text(encoding="utf-8")
        found = cls(text, **read_json(folder / "scale.json"))
        assert found.forest
        return found


def _settings(objective: "Objective", parameters: "Lightgbm", seed: int) -> dict[str, Any]:
    """Parameters of LightGBM, with its own names; more than one thread would give other bits."""
    loss = objective.loss
    settings = parameters.model_dump(exclude={"early_stopping_rounds"}) | {
        "objective": _OBJECTIVES.get(loss.name, loss.name),
        "alpha": loss.quantile if loss.name == "quantile" else loss.huber_delta,
        "bagging_freq": 1,
        "seed": seed,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    if objective.classes:
        settings |= {"objective": "multiclass", "num_class": len(objective.classes)}
    return settings


def _unit(objective: "Objective", outcome: np.ndarray) -> float:
    """The objective's mean loss over LightGBM's, which is in sigmas and of mean weight 1."""
    weight = float(np.mean(objective.row_weights(outcome)))
    if objective.classes:
        return weight
    # Absolute and quantile losses alone are no squares.
    squared = objective.loss.name in ("mse", "tail_mse", "huber")
    return objective.sigma**2 * weight if squared else objective.sigma
