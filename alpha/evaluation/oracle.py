"""The oracle: the best that could be known at t of a simulated market, beside every model.

A simulated market comes with the expected label of each row, given its hidden state. No
prediction has a smaller squared error on average, so the oracle's skill is what there is to
capture, and a model's skill over it the share that it did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from alpha.artifacts import parse
from alpha.errors import InputError
from alpha.evaluation import metrics
from alpha.evaluation.assess import Resamples
from alpha.evaluation.bootstrap import ratio
from alpha.evaluation.details import Interval
from alpha.evaluation.details import Oracle as OracleFigures
from alpha.evaluation.metrics import Undefined
from alpha.evaluation.over_seeds import Widened, mean_resampled
from alpha.evaluation.ranking import Ranked, rank_ic, rank_ic_resampled, rank_ic_statistics
from alpha.evaluation.rows import SplitRows
from alpha.objective import classes
from alpha.params import Label, Loss, SplitName
from alpha.store import open_frame

_KEY = "df"


class _About(BaseModel):
    """oracle.json: the label that the oracle knows."""

    horizon_seconds: float
    price: str
    target: str


@dataclass(frozen=True)
class Known:
    """The oracle of every row of a market, in files of which one is in memory at a time."""

    paths: list[Path]

    def at(self, time_ns: np.ndarray) -> np.ndarray:
        """Its values at ascending times, (rows,); NaN where there is none.

        Of rows with the same timestamp the last stands, of the last file. Raises InputError,
        naming the file, if one is not of its format.
        """
        found = np.full(len(time_ns), np.nan)
        for path in self.paths:
            with open_frame(path, key=_KEY) as frame:
                times, values = frame.time_ns(), frame.column("oracle")
            if not len(times):
                continue
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
            span = slice(*np.searchsorted(time_ns, (times[0], times[-1] + 1)))
            place = np.searchsorted(times, time_ns[span], side="right") - 1
            there = times[place] == time_ns[span]
            found[span] = np.where(there, values[place], found[span])
        return found


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


def of_split(known: Known | str, rows: SplitRows, widened: Widened) -> OfSplit:
    """Skill and rank IC of what is `known` over the rows that have an oracle; if it is the
    reason of nothing, that reason."""
    if isinstance(known, str):
        return OfSplit(Interval(reason=known), Interval(reason=known))
    oracle = known.at(rows.time_ns)
    keep = np.isfinite(oracle)
    missing = int(np.count_nonzero(np.isnan(oracle)))
    y, f = rows.outcome[keep], oracle[keep]
    if not len(y):
        nothing = Interval(reason=f"none of {len(keep)} rows has a value of the oracle")
        return OfSplit(nothing, nothing, None, missing)
    losses = rows.standard.objective.losses(y, f)
    constant = rows.constant_losses[keep]
    ranks = Ranked.of(y).ranks, Ranked.of(f).ranks
    skills = None
    try:
        value = metrics.skill(y, losses, constant)
        if rows.skill_reason is None:
            skills = 1.0 - ratio(*rows.blocks.sums((losses, constant), rows=keep))
        skill = widened.interval(value, skills, rows.skill_reason)
    except Undefined as reason:
        skill = Interval(reason=str(reason))
    try:
        value, rank_ics = rank_ic(*ranks), None
        if rows.blocks.reason is None:
            sums = rows.blocks.sums(rank_ic_statistics(*ranks), rows=keep)
            rank_ics = rank_ic_resampled(sums)
        ranking = widened.interval(value, rank_ics)
    except Undefined as reason:
        ranking = Interval(reason=str(reason))
    return OfSplit(skill, ranking, skills, missing)
