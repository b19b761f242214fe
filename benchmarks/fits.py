"""Models fitted and judged on rows in memory by the project's own functions, whichever rows are
train, valid and test: so that a benchmark may cut them as no step of the workflow would."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from alpha.check import Params
from alpha.data.contract import Contract, apply
from alpha.evaluate.assess import Assessed, assess
from alpha.evaluate.bootstrap import ratio
from alpha.evaluate.inputs import Columns
from alpha.evaluate.split_rows import SplitRows, Standard
from alpha.learn.dataset import Dataset
from alpha.learn.history import Splits
from alpha.learn.kinds import find
from alpha.learn.known import Known, Predictor, aligned, expected
from alpha.learn.losses import Objective
from alpha.normalize.moments import Moments

# The figures that are looked at.
NAMES = ("skill", "rank_ic")
# What normalization did is not asked here.
_NOTHING = {"clipped": 0, "replaced": 0}


@dataclass(frozen=True)
class Rows:
    """Some rows: times (rows,) int64 that do not go back, features (rows, features) as they are in
    their file, outcomes (rows,) without NaN."""

    time_ns: np.ndarray
    x: np.ndarray
    y: np.ndarray

    def __getitem__(self, chosen: np.ndarray | slice) -> "Rows":
        return Rows(self.time_ns[chosen], self.x[chosen], self.y[chosen])


class Estimate(NamedTuple):
    """A figure, with the ends of its interval, or None for both."""

    value: float | None
    low: float | None = None
    high: float | None = None


def normalized(train: Rows, *others: Rows, clip: float) -> list[Dataset]:
    """All as models see them, by means and sigmas of `train` alone."""
    found = Moments(train.x.shape[1])
    found.add(train.x)
    names = tuple(map(str, range(train.x.shape[1])))
    keys = ("mean", "sigma", "finite", "nan", "inf", "rows")
    figures: dict[str, Any] = {key: getattr(found, key) for key in keys}
    contract = Contract(names=names, families=names, clip=clip, **figures)
    return [_normalized(rows, contract) for rows in (train, *others)]


def _normalized(rows: Rows, contract: Contract) -> Dataset:
    x = aligned(*rows.x.shape)
    _, clipped, replaced = apply(rows.x, contract, out=x)
    nothing = np.full(len(x), np.nan)
    known = Known(x, np.column_stack([nothing] * 3))
    return Dataset(rows.time_ns, known, rows.y, nothing, clipped, replaced, True)


def fitted(
    model: str, train: Dataset, valid: Dataset, params: Params, *, seed: int = 0
) -> Predictor:
    """A model of the ladder, by its name, fitted to params.label and params.loss."""
    objective = Objective.fit(train.y, params.label, params.loss)
    of, parameters = find(model), getattr(params, model)
    if hasattr(of, "fit"):
        return of.fit(train, objective, parameters)
    if hasattr(of, "fit_watching"):
        return of.fit_watching(train, valid, objective, parameters, seed=seed)[0]
    from alpha.models.networks.backend import tensorflow
    from alpha.models.networks.training import fit_network

    tensorflow().keras.utils.set_random_seed(seed)
    names = [str(at) for at in range(train.x.shape[1])]
    net = of.build(names, parameters, len(objective.classes) or 1)
    return fit_network(net, Splits(train, valid, objective), params.train, seed=seed)[0]


class Judge:
    """Judges predictions of `rows`, at ascending times, against the best constant of `train`'s
    outcomes, with the intervals of an evaluation under `params`."""

    def __init__(self, train: np.ndarray, rows: Rows, params: Params) -> None:
        given = params.label, params.loss, params.evaluate
        times = np.arange(len(train))  # for terciles of a volatility that nobody asks for
        self.standard = Standard(_columns(times, train, train, train), *given)
        self.codes = np.array(self.standard.objective.classes)
        self.rows = rows
        self.split = SplitRows(_columns(rows.time_ns, rows.y, rows.y, rows.y), self.standard)

    def assessed(self, prediction: np.ndarray) -> Assessed:
        """Of outcomes (rows,) or probabilities (rows, classes)."""
        score = expected(prediction, self.standard.objective.classes)
        columns = _columns(self.rows.time_ns, self.rows.y, score, prediction)
        return assess(self.split, columns, _NOTHING)

    def figures(self, of: Sequence[Assessed], base: Sequence[Assessed] = ()) -> dict[str, Estimate]:
        """Skill and rank IC, means over a model's seeds; with a `base`, how much more than its, in
        the same resamples of the same rows."""
        found = {}
        for name in NAMES:
            value, resampled = _mean(of, name)
            if base:
                less, resampled_less = _mean(base, name)
                value, resampled = _less(value, less), _less(resampled, resampled_less)
            ends = None if value is None else self.split.blocks.ends(resampled)
            found[name] = Estimate(value, *(ends or ()))
        return found

    def hits(self, chosen: np.ndarray) -> dict[str, Estimate]:
        """Accuracy and balanced accuracy (the mean over classes of the share of a class's rows
        that are found) of classes (rows,)."""
        right, of = chosen == self.rows.y, self.rows.y[:, None] == self.codes
        accuracy = self._shares(right[:, None], np.ones((len(right), 1)))
        return {"accuracy": accuracy, "balanced": self._shares(right[:, None] * of, of)}

    def _shares(self, part: np.ndarray, whole: np.ndarray) -> Estimate:
        """The mean of the shares of columns (rows, n) of one in those of the other."""
        blocks = self.split.blocks
        value = float(np.mean(part.sum(axis=0) / whole.sum(axis=0)))
        if blocks.reason is not None:
            return Estimate(value)
        sums = blocks.sums([blocks.by_cell(column) for column in (*part.T * 1.0, *whole.T * 1.0)])
        resampled = np.mean(ratio(*np.split(sums, 2)), axis=0)
        return Estimate(value, *(blocks.ends(resampled) or ()))


def _columns(
    time_ns: np.ndarray, outcome: np.ndarray, score: np.ndarray, values: np.ndarray
) -> Columns:
    return Columns(time_ns, outcome, np.full(len(outcome), np.nan), score, values)


def _mean(of: Sequence[Assessed], name: str) -> tuple[Any, Any]:
    """The mean of a figure and of its resamples; None where one has none."""
    values = [row.value for one in of for row in one.rows if row.figure == name and not row.slice]
    resampled = [one.resamples.get(name) for one in of]
    return tuple(
        None if any(one is None for one in some) else np.mean(some, axis=0)
        for some in (values, resampled)
    )


def _less(one: Any, other: Any) -> Any:
    return None if one is None or other is None else one - other
