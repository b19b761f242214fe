"""The files that an evaluation reads: what `alpha train` and `alpha predict` wrote of each run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, RootModel

from alpha.core import scratch
from alpha.core.artifacts import parse
from alpha.core.errors import InputError
from alpha.core.store import open_frame
from alpha.data.columns import SplitName
from alpha.evaluate.predicted import Predicted
from alpha.learn import history

_KEY = "df"
_RIVAL = "rival"


class OfSplit(BaseModel):
    clipped: int
    replaced: int


class InputCounts(BaseModel):
    """inputs.json: what `alpha predict` had to mend in each split's features."""

    train: OfSplit
    valid: OfSplit
    test: OfSplit


class _About(BaseModel):
    """model.json, as far as it matters here."""

    model_config = ConfigDict(extra="ignore")

    configuration: str


class _Importance(RootModel[dict[str, float]]):
    """importance.json: family -> loss of skill on valid when it is permuted."""


@dataclass(frozen=True)
class Trained:
    """One run: a model with a seed, or the rival that was trained beside it."""

    model: str
    seed: int
    history: dict[str, list[float]]
    configuration: str
    importance: dict[str, float]
    counts: InputCounts
    predictions: Path

    @property
    def name(self) -> str:
        return f"{self.model}-{self.seed}"


def trained(runs: Sequence[str], *, models: Path, predictions: Path) -> list[Trained]:
    """The `runs`, named model-seed, in their order, each rival right before its run.

    Raises InputError, naming the file, where one is missing or not of its format.
    """
    found = []
    for name in runs:
        model, _, seed = name.rpartition("-")
        at = f"{model}/{seed}" if (models / model / seed).is_dir() else f"baselines/{model}"
        counts = parse(InputCounts, predictions / at / "inputs.json")
        if (models / at / _RIVAL).is_dir():
            folders = models / at / _RIVAL, predictions / at / _RIVAL
            found.append(_trained(f"{model}_{_RIVAL}", int(seed), *folders, counts))
        found.append(_trained(model, int(seed), models / at, predictions / at, counts))
    return found


def _trained(
    model: str, seed: int, folder: Path, predictions: Path, counts: InputCounts
) -> Trained:
    importance = folder / "importance.json"
    return Trained(
        model=model,
        seed=seed,
        history=history.read(folder / "history.csv"),
        configuration=parse(_About, folder / "model.json").configuration,
        importance=parse(_Importance, importance).root if importance.exists() else {},
        counts=counts,
        predictions=predictions,
    )


class Saved:
    """What a run predicts of one split, in its file: parts in time order, read anew each time
    they are gone through, so that no split is in memory.

    Raises InputError, naming the file, if it has no rows, is not in time order, or holds an
    outcome that is not finite or not one of `classes`, of which an empty one says numbers.
    """

    def __init__(self, run: Trained, split: SplitName, *, classes: tuple[float, ...]) -> None:
        self.path = run.predictions / f"{split}.h5"
        self._classes = classes

    def __iter__(self) -> Iterator[Predicted]:
        names = ["alpha_outcome", "past_volatility", "prediction"]
        names += [f"probability_{at}" for at in range(len(self._classes))]
        with open_frame(self.path, key=_KEY) as frame:
            for name in names:
                frame.source(name)
            if not frame.rows:
                raise InputError(f"{self.path}: must have rows, found none")
            last = None
            for first in range(0, frame.rows, scratch.PART_ROWS):
                stop = min(first + scratch.PART_ROWS, frame.rows)
                time_ns = frame.time_ns(start=first, stop=stop)
                columns = frame.matrix(names, start=first, stop=stop).astype(float, copy=False)
                self._check_times(time_ns, last, first)
                self._check_outcome(columns[:, 0], first)
                last = time_ns[-1]
                outcome, volatility, score = (columns[:, at].copy() for at in range(3))
                values = columns[:, 3:] if self._classes else score
                yield Predicted(time_ns, outcome, volatility, score, values)

    def _check_times(self, time_ns: np.ndarray, last: int | None, first: int) -> None:
        before = time_ns[:1] - 1 if last is None else [last]
        late = time_ns <= np.concatenate((before, time_ns[:-1]))
        if late.any():
            row = first + int(np.argmax(late))
            raise InputError(f"{self.path}: row {row}: must be later than the row before it")

    def _check_outcome(self, outcome: np.ndarray, first: int) -> None:
        bad, must = ~np.isfinite(outcome), "finite"
        if self._classes:
            bad = ~np.isin(outcome, self._classes)
            must = f"one of the classes {', '.join(f'{code:g}' for code in self._classes)}"
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(
                f"{self.path}: row {first + row}, column 'alpha_outcome': must be {must}, "
                f"found {outcome[row]:g}"
            )


class Same:
    """The parts of what a run predicts, while they are the same rows as those that another
    saved, of which `digests` are the parts'.

    Raises InputError as Saved does, and if the file holds other rows.
    """

    def __init__(self, saved: Saved, other: Path, digests: Sequence[bytes]) -> None:
        self._saved, self._other, self._digests = saved, other, digests

    def __iter__(self) -> Iterator[Predicted]:
        same, parts = True, 0
        for part in self._saved:
            # What else is wrong with the file is looked for to its end.
            same = same and self._digests[parts : parts + 1] == [part.digest()]
            parts += 1
            if same:
                yield part
        if not same or parts < len(self._digests):
            raise InputError(
                f"{self._saved.path}: must hold the same times and outcomes as {self._other}, "
                f"found others"
            )
