"""The oracle: the best that could be known at t of a simulated market, beside every model.

A simulated market comes with the expected label of each row, given its hidden state. No
prediction has a smaller squared error on average, so the oracle's skill is what there is to
capture, and a model's skill over it the share that it did.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from alpha.core.artifacts import parse
from alpha.core.errors import InputError
from alpha.core.frames import open_frame
from alpha.data.columns import SplitName
from alpha.data.params import Label, classes
from alpha.evaluate.assess import Resamples
from alpha.evaluate.bootstrap import ratio
from alpha.evaluate.details import Interval
from alpha.evaluate.details import Oracle as OracleFigures
from alpha.evaluate.metrics import Undefined
from alpha.evaluate.over_seeds import Widened, mean_resampled
from alpha.evaluate.predicted import Predicted
from alpha.evaluate.ranking import rank_ic_resampled
from alpha.evaluate.rows import SplitRows
from alpha.evaluate.sample import Sample
from alpha.learn.params import Loss

_KEY = "df"


class _About(BaseModel):
    """oracle.json: the label that the oracle knows."""

    horizon_seconds: float
    price: str
    target: str


class Known:
    """The oracle of every row of a market, in files of which one is in memory at a time."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self._now: tuple[Path, np.ndarray, np.ndarray] | None = None

    def at(self, time_ns: np.ndarray) -> np.ndarray:
        """Its values at ascending times, (rows,); NaN where there is none.

        Of rows with the same timestamp the last stands, of the last file. Raises InputError,
        naming the file, if one is not of its format.
        """
        found = np.full(len(time_ns), np.nan)
        for path, (first, last) in self._spans.items():
            span = slice(*np.searchsorted(time_ns, (first, last + 1)))
            if span.start == span.stop:
                continue
            times, values = self._read(path)
            place = np.searchsorted(times, time_ns[span], side="right") - 1
            there = times[place] == time_ns[span]
            found[span] = np.where(there, values[place], found[span])
        return found

    def beside(self, parts: Iterable[Predicted]) -> Iterator[Predicted]:
        """As what is predicted of the rows of a split."""
        for part in parts:
            oracle = self.at(part.time_ns)
            yield replace(part, score=oracle, values=oracle)

    @cached_property
    def _spans(self) -> dict[Path, tuple[int, int]]:
        """The first and the last time of each file that has rows."""
        spans = {}
        for path in self.paths:
            times, _ = self._read(path)
            if len(times):
                spans[path] = int(times[0]), int(times[-1])
        return spans

    def _read(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """Ascending times and values of one file; the last that was read is kept."""
        if self._now is None or self._now[0] != path:
            self._now = None
            with open_frame(path, key=_KEY) as frame:
                times, values = frame.time_ns(), frame.column("oracle")
            order = np.argsort(times, kind="stable")
            self._now = path, times[order], values[order]
        return self._now[1:]


def read(features: Path, label: Label, loss: Loss) -> Known | str:
    """The oracle beside the feature files in `features`, or why there is none, in words.

    Raises InputError if oracle.json is not of its format, or has no files beside it.
    """
    folder = features / "oracle"
    if not (folder / "oracle.json").exists():
        return "only a simulated market has an oracle"
    about = parse(_About, folder / "oracle.json")
    if (about.horizon_seconds, about.price, about.target) != (
        label.horizon_seconds,
        label.price,
        label.target,
    ):
        return (
            f"the oracle knows the label {about.target} over {about.horizon_seconds:g} s at "
            f"{about.price} only"
        )
    if loss.name != "mse" or classes(label):
        return f"the oracle is the best prediction for loss mse only, found {loss.name}"
    paths = sorted(folder.glob("*.h5"))
    if not paths:
        raise InputError(f"{folder}: must hold HDF5 files beside oracle.json, found none")
    return Known(paths)


@dataclass(frozen=True)
class OfSplit:
    """The oracle on one split, its skill's resamples (None without), and how many rows have no
    oracle."""

    skill: Interval
    rank_ic: Interval
    resampled: np.ndarray | None = None
    missing: int = 0


@dataclass(frozen=True)
class Oracle:
    """Its figures on every split, and what is known of it on test."""

    figures: OracleFigures
    test: OfSplit

    @classmethod
    def of(cls, known: Known | str, splits: Mapping[SplitName, OfSplit]) -> "Oracle":
        """From its figures on each split; of nothing `known`, which is then the reason."""
        figures = OracleFigures(
            skill={split: one.skill for split, one in splits.items()},
            rank_ic={split: one.rank_ic for split, one in splits.items()},
            reason=known if isinstance(known, str) else None,
        )
        return cls(figures, splits["test"])

    def share(
        self, skill: float | None, resamples: Sequence[Resamples], widened: Widened
    ) -> Interval:
        """The share of the oracle's skill on test that a model captured, paired."""
        oracle = self.figures.skill["test"]
        if oracle.value is None:
            return Interval(reason=oracle.reason)
        if oracle.value <= 0 or (oracle.low is not None and oracle.low <= 0):
            return Interval(reason="the oracle's own skill on test is not above 0")
        if self.test.missing:
            return Interval(
                reason=f"{self.test.missing:,} rows of test have no value of the oracle"
            )
        if skill is None:
            return Interval(reason="the model has no skill on test")
        mine = mean_resampled(resamples, "skill")
        whole = self.test.resampled
        paired = None if mine is None or whole is None else ratio(mine, whole)
        return widened.interval(skill / oracle.value, paired, oracle.reason)


def of_split(
    known: Known | str, rows: SplitRows, parts: Iterable[Predicted], widened: Widened
) -> OfSplit:
    """Skill and rank IC of what is `known` over the rows that have an oracle, of a split whose
    rows come in parts; if it is the reason of nothing, that reason."""
    if isinstance(known, str):
        return OfSplit(Interval(reason=known), Interval(reason=known))
    sample = Sample.of(rows, known.beside(parts), known_only=True)
    missing = rows.rows - sample.count
    if not sample.count:
        nothing = Interval(reason=f"none of {rows.rows} rows has a value of the oracle")
        return OfSplit(nothing, nothing, None, missing)
    skills = None
    try:
        value = sample.sums[0].skill()
        if rows.skill_reason is None:
            skills = 1.0 - ratio(*rows.blocks.sums((sample.loss, sample.constant_loss)))
        skill = widened.interval(value, skills, rows.skill_reason)
    except Undefined as reason:
        skill = Interval(reason=str(reason))
    try:
        value, rank_ics = sample.rank_ic(0), None
        if rows.blocks.reason is None:
            sums = rows.blocks.sums(sample.products.statistics(sample.kept))
            rank_ics = rank_ic_resampled(sums)
        ranking = widened.interval(value, rank_ics)
    except Undefined as reason:
        ranking = Interval(reason=str(reason))
    return OfSplit(skill, ranking, skills, missing)
