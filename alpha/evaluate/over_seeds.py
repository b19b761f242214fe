"""A model over its seeds: intervals, widened for how many configurations were tried; the ladder.

Seeds see the same resamples of the same rows, so an interval is that of the mean over seeds inside
each resample: what the data could have been, not what the seed could.

The best of k tries looks better than it is. Šidák (1967): k independent intervals of level
** (1 / k) each hold all at once at `level`. So an end is moved away from its figure by z_k / z_1,
where z_k is the normal quantile that an interval of level ** (1 / k) reaches: it keeps its own
shape, and no number of resamples limits k. Configurations of one model are alike: it errs on the
wide side.
"""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from alpha.core.text import number
from alpha.evaluate.bootstrap import Blocks
from alpha.evaluate.details import Rung
from alpha.evaluate.figures import Ends, Figures, Interval, Value

# A figure's value in each resample, (resamples,), by its `key`; of a threshold check's outcome
# after fees the two sums that it is made of, (2, resamples).
Resamples = dict[str, np.ndarray]
Resampled = tuple[float | None, np.ndarray | None]  # a figure, and its value in each resample


def key(figure: str, event: str) -> str:
    """The name of a figure among Resamples."""
    return f"{figure} of {event}" if event else figure


def stretch(tries: int, *, level: float) -> float:
    """z_k / z_1 for k = `tries` (at least 1) and intervals at `level`, between 0 and 1.

    z_k = Φ⁻¹((1 + level ** (1 / k)) / 2): at the 95 % level 1.14 for 2 tries, 1.43 for 10.
    """
    # From the tail, which keeps its digits where level ** (1 / tries) is next to 1.
    one, all_of_them = (-math.expm1(math.log(level) / k) / 2 for k in (1, tries))
    return NormalDist().inv_cdf(all_of_them) / NormalDist().inv_cdf(one)


def widen(
    value: Value, low: Value, high: Value, *, tries: int, level: float, already: int = 1
) -> Ends:
    """The ends for `tries` of an interval around `value` that is widened for `already` tries. One
    on the wrong side of the figure, as a bootstrap can have it, stays; so does what is None."""
    if tries == already or value is None:
        return low, high
    factor = stretch(tries, level=level) / stretch(already, level=level)
    if low is not None and low < value:
        low = value + (low - value) * factor
    if high is not None and high > value:
        high = value + (high - value) * factor
    return low, high


class Widened(NamedTuple):
    """Intervals on one split, widened for `tries`; why skill has none there, if it has none."""

    blocks: Blocks
    tries: int
    skill_reason: str | None = None

    def ends(self, value: float | None, resampled: np.ndarray | None) -> Ends:
        """Around `value`, from its resamples (resamples,); None where there are none."""
        found = self.blocks.ends(resampled)
        if found is None or value is None:
            return None, None
        return widen(value, *found, tries=self.tries, level=self.blocks.level)

    def interval(
        self, value: float | None, resampled: np.ndarray | None, reason: str | None = None
    ) -> Interval:
        """As `ends`. `reason` is why there is no value, or no ends, if there are none."""
        low, high = self.ends(value, resampled)
        if low is None and reason is None:
            reason = self.blocks.reason or "too few resamples have a value"
        return Interval(value, low, high, reason if low is None else None)


def mean_resampled(resamples: Sequence[Resamples], name: str) -> np.ndarray | None:
    """The mean over seeds of a figure inside each resample, (resamples,); None without any."""
    known = [seed[name] for seed in resamples if name in seed]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.mean(known, axis=0) if known else None


def difference(mine: Resampled, other: Resampled, widened: Widened) -> Interval:
    """Skill of a model less that of another, over the seeds of each, in the same resamples."""
    (skill, resampled), (of_other, others) = mine, other
    if skill is None or of_other is None:
        return Interval(reason="one of them has no skill on test")
    paired = None if resampled is None or others is None else resampled - others
    return widened.interval(skill - of_other, paired, widened.skill_reason)


def compare_to_baselines(
    models: Sequence[str], figures: Figures, difference: Callable[[str, str], Interval]
) -> list[tuple[Rung, Interval]]:
    """Each model, lowest first, against the best on valid of those below it; and by how much it is
    better on test, which is `difference(model, against)`. It is worth its complexity if on test the
    interval of that is above 0, no other rung below has a larger skill, and its own is proven, also
    in hindsight; a constant never is."""
    found = []
    for at, model in enumerate(models):
        by = Interval(reason="no model below it has a skill on valid" if at else "the lowest rung")
        if (against := figures.best(models[:at], "valid")) is not None:
            by = difference(model, against)
        improves, sentence = None, "The lowest rung: there is nothing below to beat."
        if at:
            improves, why = _improves(model, models[:at], figures, against, by)
            sentence = f"{'Worth' if improves else 'Not worth'} its complexity: {why}."
        rung = Rung(model=model, against=against, improves=improves, sentence=sentence)
        found.append((rung, by))
    return found


def _improves(
    model: str, below: Sequence[str], figures: Figures, against: str | None, by: Interval
) -> tuple[bool, str]:
    """Whether it is worth its complexity, and why."""
    if figures.of(model).constant:
        return False, "it predicts the same for every row"
    if by.value is None or by.low is None or by.high is None:
        reason = by.reason or "the difference has no interval"
        return False, f"it cannot be compared, as {reason}"
    ends = f"({number(by.low)} to {number(by.high)})"
    beats = f"on test it beats {against} by {number(by.value)} of skill"
    if by.low <= 0:
        if by.value > 0:
            return False, f"{beats}, but perhaps by luck {ends}"
        if by.value < 0:
            return False, f"on test it is behind {against} by {number(-by.value)} of skill {ends}"
        return False, f"on test it has the same skill as {against} {ends}"
    own, best = figures.of(model)["skill"], figures.best(below, "test")
    if own.value is None or own.low is None or own.low <= 0:
        return False, f"{beats} {ends}, but not the best constant for sure"
    if not figures.of(model).proven:
        return False, f"{beats} {ends}, but not for sure the constant that fits test"
    more = None if best is None else figures.of(best)["skill"].value
    if more is not None and more > own.value:
        return False, f"{beats} {ends}, but {best} has more there, {number(more)}"
    return True, f"{beats} {ends}"
