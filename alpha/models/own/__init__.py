"""Models of one's own, a file each (docs/how-to/model.md), and what all of scikit-learn share."""

import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Self
from zipfile import ZipFile, ZipInfo

import numpy as np
from threadpoolctl import threadpool_limits

from alpha.core.artifacts import read_json, write_json
from alpha.core.errors import InputError
from alpha.learn.dataset import Dataset, Known
from alpha.learn.losses import Objective

_BATCH_ROWS = 1 << 12


@dataclass(frozen=True)
class Estimator:
    """An estimator of scikit-learn, for outcomes in sigmas about train's mean, or for classes.

    `make(parameters, objective)` of a model gives it, not fitted yet, for classes with
    predict_proba; TRUSTED names the types in its file that skops does not know to do no harm.
    """

    FEATURES: ClassVar = True
    TRUSTED: ClassVar[tuple[str, ...]] = ()
    make: ClassVar[Any]
    estimator: Any
    mean: float
    sigma: float
    classes: int  # 0 for a regression target

    @classmethod
    def fit_watching(
        cls, train: Dataset, valid: Dataset, objective: Objective, parameters: Any, *, seed: int
    ) -> tuple[Self, list[tuple[float, float]]]:
        """Fit on one thread, with the seed, and with the rows' weights if the estimator takes any;
        nothing is watched."""
        from sklearn.utils.validation import has_fit_parameter

        made = cls.make(parameters, objective)
        seeds = [name for name in made.get_params() if name.endswith("random_state")]
        made.set_params(**dict.fromkeys(seeds, seed))
        y: np.ndarray = (train.y - objective.mean) / objective.sigma
        if objective.classes:
            y = objective.of_class(train.y)
        weight = objective.row_weights(train.y)
        weights = {"sample_weight": weight} if has_fit_parameter(made, "sample_weight") else {}
        with threadpool_limits(1):
            made.fit(train.x, y, **weights)
        return cls(made, objective.mean, objective.sigma, len(objective.classes)), []

    def predict(self, known: Known) -> np.ndarray:
        # Always as many rows at a time, so that a row's bits do not depend on their number.
        batches = -(-len(known) // _BATCH_ROWS) or 1
        x = np.zeros((batches, _BATCH_ROWS, known.x.shape[1]), dtype=np.float32)
        x.reshape(-1, x.shape[2])[: len(known)] = known.x
        ask = self.estimator.predict_proba if self.classes else self.estimator.predict
        with threadpool_limits(1):
            said = np.concatenate([ask(batch) for batch in x])[: len(known)]
        if not self.classes:
            return self.mean + self.sigma * said.reshape(-1).astype(np.float64)
        shares = np.zeros((len(known), self.classes))
        shares[:, self.estimator.classes_] = said
        return shares / shares.sum(axis=1, keepdims=True)

    def save(self, folder: Path) -> None:
        """estimator.skops and scale.json. Raises InputError if `load` would not trust them."""
        import skops.io

        content = _without_addresses(skops.io.dumps(self.estimator))
        if unknown := {*skops.io.get_untrusted_types(data=content)} - {*self.TRUSTED}:
            where, names = type(self).__module__, ", ".join(sorted(unknown))
            raise InputError(f"{where}: TRUSTED must list what skops does not know: {names}")
        (folder / "estimator.skops").write_bytes(content)
        scale = {"mean": self.mean, "sigma": self.sigma, "classes": self.classes}
        write_json(folder / "scale.json", scale)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises InputError if there are types in the file that are not trusted, or it is none."""
        import skops.io

        path = folder / "estimator.skops"
        try:
            estimator = skops.io.load(path, trusted=[*cls.TRUSTED])
        except Exception as error:  # whatever a stranger's file may raise
            said = " ".join(str(error).split())
            raise InputError(f"{path}: must hold a model of trusted types: {said}") from None
        return cls(estimator, **read_json(folder / "scale.json"))


def _without_addresses(content: bytes) -> bytes:
    """A file of skops in which objects and arrays have numbers in place of addresses in memory."""
    numbers: dict[Any, int] = {}

    def numbered(node: dict[str, Any]) -> dict[str, Any]:
        if node.get("__loader__") == "JsonNode":
            del node["__id__"]  # equal numbers are one object in one process, and two in another
        elif "__loader__" in node:
            for key, of in (("file", str), ("__id__", int)):
                if key in node:
                    node[key] = of(numbers.setdefault(node[key], len(numbers) + 1))
        return node

    out = BytesIO()
    with ZipFile(BytesIO(content)) as found, ZipFile(out, "w") as file:
        schema = json.loads(found.read("schema.json"), object_hook=numbered)
        file.writestr(ZipInfo("schema.json"), json.dumps(schema))
        for name in filter(numbers.get, found.namelist()):
            file.writestr(ZipInfo(str(numbers[name])), found.read(name))
    return out.getvalue()
