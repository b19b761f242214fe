"""Which features run ahead of the others. What happens in a market shows in many columns in the
same row; one in which it shows rows earlier than in quotes, or than in most others, is early."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import fft

from alpha.audit.sample import Sample, ranks, regular_rows, trailing_design, unexplained, unit
from alpha.core import parallel

# Rows whose spectra are averaged.
_SEGMENT = 4096
_SPANS = (1, 2, 8, 32, 256)  # of trailing means, in rows
# Two columns are compared if they are related so clearly.
_LEAST = 0.05
_CLEAR = 8.0  # in standard deviations of chance
# Columns that have no link with one in step are placed by links at least so strong.
_CHAIN = 0.1
# c(0) of columns in step is at least this share of the largest c.
_IN_STEP = 0.6
# The rank correlation of samples with the column that they are of, and how much larger it is than
# at their own row. Others may follow them: a sum of the last minute has in it what a sum of ten
# seconds had, but at once.
_SAMPLED, _TIMES = 0.4, 2.0
# What its own past does not explain of how much a column changes.
_LEAST_SURPRISE = 0.02
# Without quotes, so many columns in step are believed to be right.
_LEAST_COLUMNS = 5
QUOTES = ("mid", "spread")


class Link(NamedTuple):
    """Two columns, by number: the first is `lead` rows ahead of the second; c is `strength`."""

    strength: float
    one: int
    other: int
    lead: int

    @property
    def both_ways(self) -> tuple[tuple[int, int, int], ...]:
        return (self.one, self.other, self.lead), (self.other, self.one, -self.lead)


def surprising_sizes(sample: Sample) -> np.ndarray:
    """How much more each of QUOTES and of the features changes at a row than it did on average
    before, (columns, rows) float32, as `unit`."""
    quotes = np.log(sample.mid), np.log(np.maximum(sample.spread, 1e-300))

    def of(x: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            size = ranks(np.abs(np.diff(x.astype(np.float64), prepend=np.nan)))
        surprise = unexplained(size, trailing_design([size], lag=1, spans=_SPANS))
        # A clock, or what is as smooth, surprises nobody.
        return unit(surprise if np.nanvar(surprise) > _LEAST_SURPRISE * np.var(size) else 0 * size)

    return np.stack(parallel.each(of, [*quotes, *sample.features]))


def links(sizes: np.ndarray, reach: int) -> list[Link]:
    """All clear relations between columns, the strongest first."""
    columns, rows = sizes.shape
    reach = min(reach, _SEGMENT // 4)
    padded = np.zeros((columns, -(-rows // _SEGMENT) * _SEGMENT), dtype=np.float32)
    padded[:, :rows] = sizes
    segments = padded.reshape(columns, -1, _SEGMENT)
    spectra = fft.rfft(segments, 2 * _SEGMENT).transpose(
        2, 0, 1
    )  # (frequencies, columns, segments)
    clear = max(_LEAST, _CLEAR / np.sqrt(rows))

    def of(piece: range) -> list[Link]:
        mine = np.conj(spectra[:, piece.start : piece.stop]) @ spectra.transpose(0, 2, 1)
        found = fft.irfft(mine.transpose(1, 2, 0), 2 * _SEGMENT)
        # c(j) of leads −reach … reach; those of a segment with itself alone are missing few rows.
        near = np.abs(np.concatenate((found[..., -reach:], found[..., : reach + 1]), axis=-1))
        made = []
        for number, one in enumerate(piece):
            for other in range(one):
                c = near[number, other]
                top = float(c.max())
                if top < clear:
                    continue
                lead = 0
                if c[reach] < _IN_STEP * top:
                    # Windows of features end, which shows too: the nearest of the largest.
                    at = np.flatnonzero(c > 0.8 * top) - reach
                    lead = int(at[np.argmin(np.abs(at))])
                made.append(Link(top, one, other, lead))
        return made

    every = parallel.each(of, parallel.cut(columns, 8))
    return sorted((link for part in every for link in part), reverse=True)


def positions(found: Sequence[Link], suspect: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By how many rows each column is ahead of the quotes, or of most columns of its group if none
    of these is related to quotes, (columns,), as the strongest links that join all columns say
    (Kruskal, 1956), 0 where nothing does; and how strong the weakest of those between is. Columns
    that are `suspect`, (columns,) bool, place no others."""
    columns = len(suspect)
    group = np.arange(columns)
    position = np.zeros(columns, dtype=np.int64)
    joined = np.zeros(columns)
    group[: len(QUOTES)] = 0  # quotes are in step
    for link in found:
        one, other = group[link.one], group[link.other]
        if one == other or suspect[link.one] or suspect[link.other]:
            continue
        # A whole group moves, so that the two are `lead` rows apart: the smaller, not the quotes'.
        away = link.lead - position[link.one] + position[link.other]
        if one == 0 or (other != 0 and np.sum(group == one) > np.sum(group == other)):
            one, other, away = other, one, -away
        moving = group == one
        position[moving] += away
        joined[moving], group[moving] = link.strength, other
    for link in found:
        for mine, other, lead in link.both_ways:
            if suspect[mine] and not suspect[other] and not joined[mine]:
                position[mine] = position[other] + lead
                group[mine], joined[mine] = group[other], link.strength
    for name in np.unique(group):
        those = group == name
        values, counts = np.unique(position[those & ~suspect], return_counts=True)
        if those[0]:
            position[those] -= position[0]
        elif len(counts) and counts.max() >= max(_LEAST_COLUMNS, np.sum(counts) / 2 + 0.5):
            position[those] -= values[np.argmax(counts)]
        else:
            position[those] = 0  # nothing says who is right
    return position, joined


def samples_ahead(sample: Sample, trusted: np.ndarray, reach: int) -> dict[int, tuple[int, float]]:
    """Of features that are sampled at regular rows, by number, those of which a sample changes much
    more like another column, which is `trusted`, so many rows later than at its own row; and the
    rank correlation of these changes. `trusted` (columns,) bool is of QUOTES and features."""
    sampled = {
        number: rows
        for number, x in enumerate(sample.features)
        if (rows := regular_rows(x.astype(np.float64), sample.seconds)) is not None
    }
    if not sampled:
        return {}
    levels = np.stack(parallel.each(ranks, [sample.mid, sample.spread, *sample.features]))
    found, steps = {}, np.arange(-reach, reach + 1, max(1, reach // 64))
    for number, rows in sampled.items():
        rows = rows[(rows >= reach) & (rows < len(sample.mid) - reach)]
        mine = _standard(ranks(np.diff(sample.features[number][rows].astype(np.float64))))
        c = [np.abs(_standard(np.diff(levels[:, rows + step])) @ mine) for step in steps]
        change = np.stack(c, axis=1) * trusted[:, None]
        change[len(QUOTES) + number] = 0.0
        other, at = np.unravel_index(np.argmax(change), change.shape)
        best, now = float(change[other, at]), float(change[other, len(steps) // 2])
        if steps[at] > 0 and best > max(_SAMPLED, _TIMES * now):
            found[number] = int(steps[at]), best
    return found


def _standard(values: np.ndarray) -> np.ndarray:
    centered = values - values.mean(axis=-1, keepdims=True)
    length = np.sqrt(np.sum(centered * centered, axis=-1, keepdims=True))
    return np.asarray(centered / np.maximum(length, 1e-9))


def figures(sample: Sample, suspects: Collection[str]) -> pd.DataFrame:
    """One line a feature, in the sample's order: by how many rows it is `early`, negative if it is
    late, and how strong the clearest `link` is that says so; both 0 if a link as strong as half of
    that says that it is in step. `in_step` is how strong the clearest of those is."""
    sizes = surprising_sizes(sample)
    found = links(sizes, sample.reach)
    suspect = np.isin((*QUOTES, *sample.names), list(suspects))
    position, apart = positions(found, suspect)
    apart[apart < _CHAIN] = 0.0
    in_step = np.zeros(len(sizes))
    for link in found:
        for mine, other, lead in link.both_ways:
            if position[other] == 0 and lead == 0:
                in_step[mine] = max(in_step[mine], link.strength)
            elif position[mine] - position[other] == lead != 0:
                apart[mine] = max(apart[mine], link.strength)
    early = np.where((position != 0) & (apart > 2 * in_step), position, 0)
    table: Mapping[str, Any] = {
        "early": early,
        "link": np.where(early, apart, 0.0),
        "in_step": np.where(early == 0, in_step, 0.0),
    }
    index = pd.Index(sample.names, name="feature")
    made = pd.DataFrame({name: of[len(QUOTES) :] for name, of in table.items()}, index=index)
    for number, (lead, relation) in samples_ahead(
        sample, (position == 0) & ~suspect, sample.reach // 4
    ).items():
        made.iloc[number, :2] = lead, relation
    return made
