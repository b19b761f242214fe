"""Models of one's own, a file each (docs/how-to/model.md), and what all of scikit-learn share."""

import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Self
from zipfile import ZipFile, ZipInfo

import numpy as np
from threadpoolctl import threadpool_limits

from alpha.core.errors import InputError
from alpha.learn.dataset import Dataset
from alpha.learn.known import Known
from alpha.learn.losses import Objective

_FILE = "estimator.skops"
_BATCH_ROWS = 1 << 12


@dataclass(frozen=True)
class Estimator:
    """An estimator of scikit-learn, for outcomes in sigmas about train's mean, or for `classes`.

    `make(parameters, objective)` gives it, not fitted yet; TRUSTED names the types in its file that
    skops does not know to do no harm.
    """

    FEATURES: ClassVar = True
    PAST: ClassVar = False
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
        """Fit on one thread, with the rows' weights if it takes any; nothing is watched."""
        from sklearn.utils.validation import has_fit_parameter

        y: np.ndarray = (train.y - objective.mean) / objective.sigma
        if objective.classes:
            y = objective.of_class(train.y)
        made = cls.make(parameters, objective)
        if hasattr(made, "get_params"):
            random = [name for name in made.get_params() if name.endswith("random_state")]
            made.set_params(**dict.fromkeys(random, seed))
        weight = {"sample_weight": objective.row_weights(train.y)}
        threadpool_limits(1)
        made.fit(train.x, y, **(weight if has_fit_parameter(made, *weight) else {}))
        return cls(made, objective.mean, objective.sigma, len(objective.classes)), []

    def predict(self, known: Known) -> np.ndarray:
        # Always as many rows at a time, so that a row's bits do not depend on their number.
        batches = -(-len(known) // _BATCH_ROWS) or 1
        x = np.zeros((batches, _BATCH_ROWS, known.x.shape[1]), dtype=np.float32)
        x.reshape(-1, x.shape[2])[: len(known)] = known.x
        ask = self.estimator.predict_proba if self.classes else self.estimator.predict
        threadpool_limits(1)  # for good: other seeds predict beside it
        said = np.concatenate([ask(batch) for batch in x])[: len(known)]
        if not self.classes:
            return self.mean + self.sigma * said.reshape(-1).astype(np.float64)
        shares = np.zeros((len(known), self.classes))
        shares[:, self.estimator.classes_] = said
        return shares / shares.sum(axis=1, keepdims=True)

    def save(self, folder: Path) -> None:
        """Raises InputError if `load` would not trust it."""
        import skops.io

        content = _without_addresses(skops.io.dumps(list(vars(self).values())))
        if unknown := {*skops.io.get_untrusted_types(data=content)} - {*self.TRUSTED}:
            where, names = type(self).__module__, ", ".join(sorted(unknown))
            raise InputError(f"{where}: TRUSTED must list what skops does not know: {names}")
        (folder / _FILE).write_bytes(content)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises InputError if there are types in the file that are not trusted, or it is none."""
        import skops.io

        try:
            return cls(*skops.io.load(folder / _FILE, trusted=[*cls.TRUSTED]))
        except Exception as error:  # whatever a stranger's file may raise
            said = f"must hold a model of trusted types: {' '.join(str(error).split())}"
            raise InputError(f"{folder / _FILE}: {said}") from None


def _without_addresses(content: bytes) -> bytes:
    """A file of skops in which objects and arrays have numbers in place of addresses in memory."""
    numbers: dict[str, str] = {}
    with ZipFile(BytesIO(content)) as found, ZipFile(out := BytesIO(), "w") as file:
        schema = found.read("schema.json").decode()
        # Equal numbers are one object in one process, and perhaps two in another.
        schema = re.sub(r'("is_json": true),\s*"__id__": \d+', r"\1", schema)
        schema = re.sub(
            r'(?<="__id__": )\d+|(?<="file": ")[^"]+',
            lambda match: numbers.setdefault(match[0], str(len(numbers) + 1)),
            schema,
        )
        file.writestr(ZipInfo("schema.json"), schema)
        for name in filter(numbers.get, found.namelist()):
            file.writestr(ZipInfo(numbers[name]), found.read(name))
    return out.getvalue()
