"""The oracle: the expected label of each row of a simulated market, given its hidden state. No
prediction has a smaller squared error on average, so its skill is what there is to capture."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel

from alpha.core.artifacts import parse, read_manifest
from alpha.core.errors import InputError
from alpha.core.frames import open_frame
from alpha.data.params import Label, classes
from alpha.evaluate.assess import figures_of_rows, resampled, scored
from alpha.evaluate.bootstrap import ratio
from alpha.evaluate.figures import Interval
from alpha.evaluate.over_seeds import Widened
from alpha.evaluate.ranking import Order, products, rank_ic_statistics
from alpha.evaluate.split_rows import SplitRows
from alpha.learn.params import Loss


class _About(BaseModel):
    """oracle.json: the labels that the oracle knows. Of each target, under which prices."""

    horizon_seconds: float
    prices: dict[str, list[str]]
    features: dict[str, str] = {}  # a digest of the quotes of each file


class Known(NamedTuple):
    """The oracle's files, and the target that is a column of each."""

    paths: list[Path]
    target: str


def values_at(known: Known, time_ns: np.ndarray) -> np.ndarray:
    """The oracle in files at ascending times, (rows,), at least one; NaN where there is none. Of
    rows with the same timestamp the last stands, of the last file. Raises InputError, naming the
    file, if one is not of its format."""
    found = np.full(len(time_ns), np.nan)
    for path in known.paths:
        with open_frame(path, key="df") as frame:
            times, values = frame.time_ns(), frame.matrix([known.target])[:, 0]
        place = np.searchsorted(time_ns, times, side="right") - 1
        there = time_ns[place] == times
        found[place[there]] = values[there]
    return found


def read(
    features: Path, label: Label, loss: Loss, quotes: Mapping[str, str] | None = None
) -> Known | str:
    """The oracle beside the feature files in `features`, or why there is none, in words. Raises
    InputError if oracle.json is not of its format, the files are not those that it names, or it is
    not of the market with these digests of `quotes` by file."""
    folder = features / "oracle"
    if not (folder / "oracle.json").exists():
        return "only a simulated market has an oracle"
    about = parse(_About, folder / "oracle.json")
    read_manifest(folder / "oracle.json")
    for name, wanted in (quotes or {}).items() if about.features else ():
        if about.features.get(name) != wanted:
            must = "must be of the market that was labelled and split"
            raise InputError(f"{folder / 'oracle.json'}: {must}, found another {name}")
    prices = about.prices.get(label.target, [])
    if label.horizon_seconds != about.horizon_seconds or label.price not in prices:
        of = [f"{target} at {' or '.join(prices)}" for target, prices in about.prices.items()]
        return f"the oracle knows only {', and '.join(of)}, over {about.horizon_seconds:g} s"
    if loss.name != "mse" or classes(label):
        return f"the oracle is the best prediction for loss mse only, found {loss.name}"
    return Known(sorted(folder.glob("*.h5")), label.target)


class OfSplit(NamedTuple):
    """The oracle on one split, its skill's resamples, and how many rows it does not know."""

    skill: Interval
    rank_ic: Interval
    resampled: np.ndarray | None = None
    missing: int = 0


def share(
    oracle: OfSplit, skill: float | None, resampled: np.ndarray | None, widened: Widened
) -> Interval:
    """The share of the oracle's skill on test that a model captured, paired."""
    best = oracle.skill
    if best.value is None:
        return Interval(reason=best.reason)
    if best.value <= 0 or (best.low is not None and best.low <= 0):
        return Interval(reason="the oracle's own skill on test is not above 0")
    if oracle.missing:
        return Interval(reason=f"{oracle.missing:,} rows of test have no value of the oracle")
    if skill is None:
        return Interval(reason="the model has no skill on test")
    whole = oracle.resampled
    paired = None if resampled is None or whole is None else ratio(resampled, whole)
    return widened.interval(skill / best.value, paired, best.reason)


def of_split(known: Known | str, split: SplitRows, widened: Widened) -> OfSplit:
    """Skill and rank IC of what is `known` over the rows of a split that have an oracle; if it is
    the reason of nothing, that reason."""
    if isinstance(known, str):
        return OfSplit(Interval(reason=known), Interval(reason=known))
    oracle, blocks, ranks = values_at(known, split.time_ns), split.blocks, split.ranks[0]
    keep = np.isfinite(oracle)
    missing = split.rows - int(np.count_nonzero(keep))
    if missing == split.rows:
        nothing = Interval(reason=f"none of {split.rows} rows has a value of the oracle")
        return OfSplit(nothing, nothing, None, missing)
    if missing:
        oracle[~keep] = np.nan
        ranks = Order(np.where(keep, split.outcome, np.nan)).centered_ranks(split.rows)
    of_oracle = Order(oracle).centered_ranks(split.rows)
    rank_sums = rank_ic_statistics(ranks, of_oracle, blocks.by_cell(keep), blocks)
    of_ranks = products(ranks, of_oracle)
    del ranks, of_oracle
    columns = scored(split.parts, split.outcome, oracle, oracle)
    # A mask would copy the rows.
    those = keep if missing else slice(None)
    figures, undefined = figures_of_rows(of_ranks, [column[those] for column in columns])
    of_losses = []
    # They are the same where there is no oracle, and do not count.
    for losses in columns[2:]:
        losses[~keep] = 0.0
        of_losses.append(blocks.by_cell(losses))
    resamples = resampled(split, figures, of_losses, rank_sums)
    skill, rank_ic = (
        widened.interval(figures[name], resamples.get(name), undefined.get(name) or reason)
        for name, reason in (("skill", split.skill_reason), ("rank_ic", None))
    )
    return OfSplit(skill, rank_ic, resamples.get("skill"), missing)
