"""A model over its seeds: intervals, widened for how many configurations were tried, and the
ladder, where a rung is only worth its complexity if it beats those below it out of sample.

Seeds see the same rows, and the same resamples of them, so an interval is that of the mean
over seeds inside each resample: what the data could have been, not what the seed could.

The best of k tries looks better than it is. Šidák (1967): k independent intervals of level
** (1 / k) each hold all at once at `level`. So an end is moved away from its figure by z_k / z_1,
where z_k is the normal quantile that an interval of level ** (1 / k) reaches. The interval keeps
its own, possibly skewed, shape from the bootstrap; only its tail is taken for normal, so no number
of resamples limits k. Configurations of one model are alike: the interval errs on the wide side.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from alpha.core.text import number
from alpha.data.columns import SplitName
from alpha.evaluate.bootstrap import Blocks
from alpha.evaluate.details import Rung
from alpha.evaluate.figures import Interval

Ends = tuple[float | None, float | None]
Skills = Mapping[SplitName, Mapping[str, Interval]]


def stretch(tries: int, *, level: float) -> float:
    """z_k / z_1 for k = `tries` (at least 1) and intervals at `level`, between 0 and 1.

    z_k = Φ⁻¹((1 + level ** (1 / k)) / 2): at the 95 % level 1.14 for 2 tries, 1.43 for 10.
    """
    # From the tail, which keeps its digits where level ** (1 / tries) is next to 1.
    one, all_of_them = (-math.expm1(math.log(level) / k) / 2 for k in (1, tries))
    return NormalDist().inv_cdf(all_of_them) / NormalDist().inv_cdf(one)


def widen(
    value: float | None,
    low: float | None,
    high: float | None,
    *,
    tries: int,
    level: float,
    already: int = 1,
) -> Ends:
    """The ends of an interval around `value`, which is widened for `already` tries, for `tries`.

    An end on the wrong side of the figure, as a bootstrap can have it, stays; so does one that is
    None, or whose figure is.
    """
    if tries == already or value is None:
        return low, high
    factor = stretch(tries, level=level) / stretch(already, level=level)
    if low is not None and low < value:
        low = value + (low - value) * factor
    if high is not None and high > value:
        high = value + (high - value) * factor
    return low, high


@dataclass(frozen=True)
class Widened:
    """The ends of figures on one split, widened for how many configurations were tried."""

    blocks: Blocks
    tries: int

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


def mean_resampled(resamples: Sequence[dict[str, np.ndarray]], name: str) -> np.ndarray | None:
    """The mean over seeds of a figure inside each resample, (resamples,); None without any."""
    known = [seed[name] for seed in resamples if name in seed]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.mean(known, axis=0) if known else None


def difference(
    values: tuple[float | None, float | None],
    resamples: tuple[Sequence[dict[str, np.ndarray]], Sequence[dict[str, np.ndarray]]],
    widened: Widened,
    reason: str | None,
) -> Interval:
    """Skill of a model less that of another, over the seeds of each, in the same resamples.

    `reason` is why skill has no interval on this split, if it has none.
    """
    (value, of_other), (mine, other) = values, [mean_resampled(r, "skill") for r in resamples]
    if value is None or of_other is None:
        return Interval(reason="one of them has no skill on test")
    paired = None if mine is None or other is None else mine - other
    return widened.interval(value - of_other, paired, reason)


def compare_to_baselines(
    models: Sequence[str], skills: Skills, difference: Callable[[str, str], Interval]
) -> list[tuple[Rung, Interval]]:
    """Each model, lowest first, against the best of those below it; and by how much it is better.

    The best is the one with the largest mean skill on valid (the lowest of several), so that
    test chooses nothing. `difference(model, against)` gives the skill of `model` less that of
    `against` on test, with its paired interval. A model is worth its complexity if on test
    that interval is above 0, no other rung below has a larger skill, and its own skill is
    proven; else its sentence says which of these fails.
    """
    return [_rung(model, models[:at], skills, difference) for at, model in enumerate(models)]


def _rung(
    model: str,
    below: Sequence[str],
    skills: Skills,
    difference: Callable[[str, str], Interval],
) -> tuple[Rung, Interval]:
    if not below:
        sentence = "The lowest rung: there is nothing below to beat."
        rung = Rung(model=model, against=None, improves=None, sentence=sentence)
        return rung, Interval(reason="the lowest rung")
    by = Interval(reason="no model below it has a skill on valid")
    if (against := _best(skills["valid"], below)) is not None:
        by = difference(model, against)
    failing = _failing(model, below, skills["test"], against, by)
    sentence = f"Not worth its complexity: {failing}."
    if failing is None:
        sentence = f"Worth its complexity: on test it {_beats(against, by)}."
    return Rung(model=model, against=against, improves=failing is None, sentence=sentence), by


def _failing(
    model: str,
    below: Sequence[str],
    on_test: Mapping[str, Interval],
    against: str | None,
    by: Interval,
) -> str | None:
    """Why a model is not worth its complexity, or None if it is."""
    if by.value is None or by.low is None or by.high is None:
        return f"it cannot be compared, as {by.reason or 'the difference has no interval'}"
    if by.low <= 0:
        if by.value > 0:
            return f"on test it {_beats(against, by, ', but perhaps by luck')}"
        if by.value < 0:
            return f"on test it is behind {against} by {number(-by.value)} of skill {_ends(by)}"
        return f"on test it has the same skill as {against} {_ends(by)}"
    beats = f"on test it {_beats(against, by)}, but"
    own = on_test[model]
    if own.low is None or own.low <= 0:
        return f"{beats} not the best constant for sure"
    best = _best(on_test, below)
    more = None if best is None else on_test[best].value
    if own.value is not None and more is not None and more > own.value:
        return f"{beats} {best} has more there, {number(more)}"
    return None


def _beats(against: str | None, by: Interval, luck: str = "") -> str:
    return f"beats {against} by {number(by.value or 0.0)} of skill{luck} {_ends(by)}"


def _ends(by: Interval) -> str:
    return f"({number(by.low or 0.0)} to {number(by.high or 0.0)})"


def _best(skills: Mapping[str, Interval], models: Sequence[str]) -> str | None:
    """The one with the largest skill, the first of equals: the simplest; None if none has one."""
    known = {model: value for model in models if (value := skills[model].value) is not None}
    return max(known, key=known.__getitem__, default=None)
