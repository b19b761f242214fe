"""What features know of what comes after their rows, by correlograms: c(j) = Σ x(t) · e(t + j) of
`unit` series, for leads j > 0 and lags j < 0. By FFT all offsets come at once; those far beyond any
reach are the null that the others are judged by, from this very data."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import fft

from alpha.audit.sample import (
    LEAST_CHANGES,
    Sample,
    moves_and_spread,
    ranks,
    regular_rows,
    surprises,
    trailing_design,
    unexplained,
    unit,
)
from alpha.core import parallel
from alpha.data.columns import OUTCOME_COLUMNS, PAST_COLUMNS

# Far offsets begin at so many reaches.
_FAR = 4
# Widths of the means beside an edge, in rows.
_WIDTHS = (2, 4, 8, 16, 32)
_CLEAR = 4.0  # in standard deviations of the null, what is not there by chance
_NORMAL = 0.6745  # the median of |z|
# Changes of what changes more rarely than this are compared as if it did not.
_LEAST_SHARE = 0.2
_LEAST_KINK, _SHARP = 0.02, 0.12
_SAMPLED = 0.12  # the R² by what comes of few, regular rows


class Correlograms:
    """Those of any series with a sample's others."""

    def __init__(self, others: Mapping[str, np.ndarray], *, reach: int) -> None:
        self.names, self.reach = tuple(others), reach
        rows = len(next(iter(others.values())))
        self.size = fft.next_fast_len(rows + 2 * reach, real=True)
        self._others = np.stack([fft.rfft(one, self.size) for one in others.values()])
        far = min(_FAR * reach, self.size // 4)
        self.far = slice(far, self.size - far)
        # Enough of them for a median.
        ends = far + _WIDTHS[-1], self.size - far - 2 * _WIDTHS[-1]
        self.some = np.linspace(*ends, 5000).astype(int)

    def of(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """By name, (offsets,) float32: c(j) at j, of negative j counted from the end."""
        found = fft.irfft(np.conj(fft.rfft(x, self.size)) * self._others, self.size)
        return dict(zip(self.names, found, strict=True))

    def ahead(self, found: np.ndarray) -> tuple[float, float, int]:
        """Of a correlogram with a surprise: the share of x that is explained by what comes, R²
        beyond that of the null; the largest that the null has; and in how many rows 95 % of it
        is known. Surprises hardly depend on each other, so that squares add up."""
        squares = np.cumsum(np.append(0.0, found[self.far].astype(np.float64) ** 2))
        null = squares[self.reach :] - squares[: -self.reach]
        usual = float(np.median(null))
        known = np.cumsum(found[1 : self.reach + 1].astype(np.float64) ** 2)
        excess = np.maximum(known - usual * np.arange(1, self.reach + 1) / self.reach, 0.0)
        lead = int(np.argmax(excess >= 0.95 * excess[-1])) + 1
        return float(known[-1] - usual), float(null.max() - usual), lead

    def edge(self, found: np.ndarray) -> tuple[float, int]:
        """How sharply c falls to half or less after it was flat, at a lead of four rows or more, in
        standard deviations of the null, and at which lead, 0 if it does so nowhere. What an honest
        feature knows of the future fades in a convex curve; what was taken from it ends at once."""
        sums = np.cumsum(np.append(0.0, found.astype(np.float64)))
        least = _CLEAR * float(np.median(np.abs(found[self.some]))) / _NORMAL
        best, lead = 0.0, 0
        for width in _WIDTHS:
            if 3 * width > self.reach:
                break
            means = (sums[width:] - sums[:-width]) / width  # of offsets i … i + width − 1
            near = np.arange(width + 1, self.reach - width)
            before, flat, after, bend, scale = self._around(means, near, width)
            sign, size = np.sign(flat), np.abs(flat)
            falls = (sign * after < size / 2) & (size * np.sqrt(width) > least)
            was_flat = (sign * before > -size / 2) & (sign * before < 2 * size)
            score = np.where(falls & was_flat, sign * bend, 0.0) / scale
            at = int(np.argmax(score))
            if score[at] > best:
                best, lead = float(score[at]), 2 * width + at
        return best, lead

    def kink(self, found: np.ndarray, width: int) -> tuple[float, float]:
        """c(0) with an outcome, and how far it stands above those `width` rows before and after, in
        standard deviations of the null. Windows overlap, so that c of what an honest feature knows
        of outcomes is smooth at 0; that of the outcome itself has a peak there."""
        before, at, after, bend, scale = self._around(found, 0, width)
        sign = 1.0 if at >= 0 else -1.0
        clear = sign * bend > max(_LEAST_KINK, _SHARP * abs(at))
        peak = clear and min(sign * before, sign * after) > abs(at) / 2
        return float(at), float(sign * bend / scale) if peak else 0.0

    def _around(self, c: np.ndarray, at: Any, width: int) -> tuple[Any, Any, Any, Any, float]:
        """c `width` rows before `at`, there, and as many after; how far it bends there; and the
        standard deviation of that in the null."""

        def bend(at: Any) -> Any:
            return 2 * c[at] - c[at - width] - c[at + width]

        scale = float(np.median(np.abs(bend(self.some)))) / _NORMAL
        return c[at - width], c[at], c[at + width], bend(at), max(scale, 1e-9)


def views(x: np.ndarray, seconds: np.ndarray) -> dict[str, np.ndarray]:
    """What of a feature may know the future, as `unit`: its `level`, its `change` since the row
    before, the `size` of that, and, if only some are, which values are `missing`. Of a feature
    that is sampled at regular rows, `sampled change` and `sampled level` are those at these rows
    alone: from the next on, samples were known too early."""
    missing = np.isnan(x)
    change = np.diff(x, prepend=np.nan)
    found = {"level": ranks(x), "change": ranks(change), "size": ranks(np.abs(change))}
    if np.count_nonzero(missing[1:] != missing[:-1]) >= LEAST_CHANGES:
        found["missing"] = unit(missing.astype(np.float64))
    sampled = {"sampled change": change, "sampled level": x}
    if (rows := regular_rows(x, seconds)) is None:
        rows = regular_rows(change, seconds)  # lines between samples
        sampled.pop("sampled level")
    if rows is not None:
        for name, values in sampled.items():
            there = np.full(len(x), np.nan)
            there[rows] = values[rows]
            found[name] = ranks(there) * np.float32(np.sqrt(len(x) / len(rows)))
    return found


def outcomes(sample: Sample) -> dict[str, np.ndarray]:
    """What of the outcome, of up, of down and of their difference was not known at t, as `unit`:
    what completed outcomes, past volatility and trailing means of moves, their size and the spread
    do not explain."""
    known = [ranks(sample.labels[name]) for name in PAST_COLUMNS]
    past = trailing_design(moves_and_spread(sample).values(), lag=0)
    design = np.column_stack((past, *known))
    up, down, outcome = (sample.labels[name] for name in OUTCOME_COLUMNS)
    return {
        name: unit(unexplained(np.where(np.isnan(values), np.nan, ranks(values)), design))
        for name, values in {"outcome": outcome, "up": up, "down": down, "side": up - down}.items()
    }


def figures(sample: Sample) -> pd.DataFrame:
    """One line a feature, in the sample's order. Of the surprise and the view that know most of
    it: `ahead`, the R² of the feature by what comes; `ahead_of`, which these are, `ahead_seconds`,
    how far it reaches; and `behind`, the R² by what came. `edge` and `edge_seconds`; `outcome_ic`,
    the largest partial rank IC with an outcome, `outcome_of`, with which, and `outcome_kink`. That
    with the outcome of a feature so many rows late, `ic_…_late`, fades if it is honest, and ends at
    its reach if not; `ic_by_chance` is the largest with outcomes that are rotated far away."""
    correlograms = Correlograms(surprises(sample), reach=sample.reach)
    of_outcomes = Correlograms(outcomes(sample), reach=sample.reach)
    both = correlograms, of_outcomes
    rows = parallel.each(lambda x: _figures(x, *both, sample), list(sample.features))
    return pd.DataFrame(rows, index=pd.Index(sample.names, name="feature"))


def _figures(
    x: np.ndarray, correlograms: Correlograms, of_outcomes: Correlograms, sample: Sample
) -> dict[str, Any]:
    seen = views(x.astype(np.float64), sample.seconds)
    share = float(np.mean(seen["size"] > np.min(seen["size"])))
    width = max(1, round(sample.horizon_seconds / 6 / sample.step_seconds))
    aheads, edges, kinks = [(0.0, "", 0.0, 0.0)], [(0.0, "", 0.0)], [(0.0, 0.0, "")]
    late: dict[str, float] = {}
    for view, values in seen.items():
        changes = view in ("change", "size")
        if not values.any() or (changes and share * len(x) < LEAST_CHANGES):
            continue
        of_view = max(share, _LEAST_SHARE) if changes else 1.0
        least = _SAMPLED if view.startswith("sampled") else 0.0
        for name, c in correlograms.of(values).items():
            ahead, null, lead = correlograms.ahead(c)
            if ahead > max(3 * null, least):
                behind = float(np.sum(c[-sample.reach :].astype(float) ** 2) + c[0] ** 2)
                seconds = lead * sample.step_seconds
                aheads.append((ahead / of_view, f"{name} {view}", seconds, behind / of_view))
            edge, lead = correlograms.edge(c)
            if edge > 0:
                edges.append((edge, f"{name} {view}", lead * sample.step_seconds))
        if view not in ("level", "missing"):
            continue
        for name, c in of_outcomes.of(values).items():
            if (view, name) == ("level", "outcome"):
                late = {f"ic_{rows}_late": c[rows] for rows in (0, 1, 2, 5, 10, 30, 60)}
                late["ic_by_chance"] = np.abs(c[of_outcomes.some]).max()
            ic, kink = of_outcomes.kink(c, width)
            if kink > 0:
                kinks.append((kink, ic, name))
    (ahead, ahead_of, reach, behind), (edge, edge_of, ends) = max(aheads), max(edges)
    kink, ic, outcome = max(kinks)
    return {
        "ahead": ahead, "ahead_of": ahead_of, "ahead_seconds": reach, "behind": behind,
        "edge": edge, "edge_of": edge_of, "edge_seconds": ends,
        "outcome_ic": ic, "outcome_of": outcome, "outcome_kink": kink, **late,
    }  # fmt: skip
