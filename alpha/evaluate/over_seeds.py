"""Intervals of one model over its seeds.

Seeds see the same rows, and the same resamples of them, so an interval is that of the mean
over seeds inside each resample: what the data could have been, not what the seed could.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alpha.evaluate import tries
from alpha.evaluate.bootstrap import Blocks
from alpha.evaluate.figures import Interval


@dataclass(frozen=True)
class Widened:
    """The ends of figures on one split, widened for how many configurations were tried."""

    blocks: Blocks
    tries: int

    def ends(
        self, value: float | None, resampled: np.ndarray | None
    ) -> tuple[float | None, float | None]:
        """Around `value`, from its resamples (resamples,); None where there are none."""
        found = self.blocks.ends(resampled)
        if found is None or value is None:
            return None, None
        return tries.widen(value, *found, tries=self.tries, level=self.blocks.level)

    def interval(
        self, value: float | None, resampled: np.ndarray | None, reason: str | None = None
    ) -> Interval:
        """As `ends`. `reason` is why there is no value, or no ends, if there are none."""
        low, high = self.ends(value, resampled)
        if low is None and reason is None:
            reason = self.blocks.reason or "too few resamples have a value"
        return Interval(value=value, low=low, high=high, reason=reason if low is None else None)


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
