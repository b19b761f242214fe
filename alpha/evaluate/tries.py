"""The correction for how many configurations were tried: the best of k looks better than it is.

Šidák (1967): k independent intervals of level ** (1 / k) each hold all at once at `level`. So
an end is moved away from its figure by z_k / z_1, where z_k is the normal quantile that an
interval of level ** (1 / k) reaches. The interval keeps its own, possibly skewed, shape from
the bootstrap, and only its tail is taken for normal: then no number of resamples limits k.
Tries are taken for independent. Configurations of one model are alike, so the interval errs on
the wide side.
"""

import math
from statistics import NormalDist


def stretch(tries: int, *, level: float) -> float:
    """z_k / z_1 for k = `tries` (at least 1) and intervals at `level`, between 0 and 1.

    z_k = Φ⁻¹((1 + level ** (1 / k)) / 2). At the 95 % level: 1 for one try, 1.14 for 2, 1.43
    for 10, 1.77 for 100.
    """
    return _reach(tries, level) / _reach(1, level)


def widen(
    value: float | None,
    low: float | None,
    high: float | None,
    *,
    tries: int,
    level: float,
    already: int = 1,
) -> tuple[float | None, float | None]:
    """The ends of an interval around `value`, which is widened for `already` tries, for `tries`.

    The distance of each end from the figure is stretched; an end on the wrong side of it, as a
    bootstrap can have it, stays. Nothing changes where `tries` equals `already`; an end that
    is None, or whose figure is, stays as it is.
    """
    if tries == already or value is None:
        return low, high
    factor = stretch(tries, level=level) / stretch(already, level=level)
    if low is not None and low < value:
        low = value + (low - value) * factor
    if high is not None and high > value:
        high = value + (high - value) * factor
    return low, high


def _reach(tries: int, level: float) -> float:
    # From the tail, which keeps its digits where level ** (1 / tries) is next to 1.
    tail = -math.expm1(math.log(level) / tries) / 2
    return -NormalDist().inv_cdf(tail)
