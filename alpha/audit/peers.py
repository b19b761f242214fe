"""Which features run ahead of the others. What happens in a market shows in many columns in the
same row; one in which it shows rows earlier than in quotes, or than in most others, is early."""

from collections.abc import Collection

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


def surprising_sizes(sample: Sample) -> np.ndarray:
    """How much more each of QUOTES and of the features changes at a row than it did on average
    before, (columns, rows) float32, as `unit`."""

    def of(x: np.ndarray) -> np.ndarray:
        size = ranks(np.abs(np.diff(x.astype(np.float64), prepend=np.nan)))
        surprise = unexplained(size, trailing_design([size], lag=1, spans=_SPANS))
        # A clock, or what is as smooth, surprises nobody.
        return unit(surprise if np.nanvar(surprise) > _LEAST_SURPRISE * np.var(size) else 0 * size)

    return np.stack(parallel.each(of, [sample.mid, sample.spread, *sample.features]))


def links(sizes: np.ndarray, reach: int) -> pd.DataFrame:
    """All clear relations between columns, the strongest first, each twice: column `one`, by
    number, is `lead` rows ahead of `other`; the largest c is the `strength`."""
    columns, rows = sizes.shape
    reach = min(reach, _SEGMENT // 4)
    padded = np.zeros((columns, -(-rows // _SEGMENT) * _SEGMENT), dtype=np.float32)
    padded[:, :rows] = sizes
    spectra = fft.rfft(padded.reshape(columns, -1, _SEGMENT), 2 * _SEGMENT)
    spectra = spectra.transpose(2, 0, 1)  # (frequencies, columns, segments)
    leads = np.arange(-reach, reach + 1)

    def of(piece: range) -> pd.DataFrame:
        mine = np.conj(spectra[:, piece.start : piece.stop]) @ spectra.transpose(0, 2, 1)
        # c(j) of leads −reach … reach; those of a segment with itself alone are missing few rows.
        c = np.abs(fft.irfft(mine.transpose(1, 2, 0), 2 * _SEGMENT)[..., leads])
        top = c.max(axis=-1)
        # Windows of features end, which shows too: the nearest of the largest.
        distance = np.where(c > 0.8 * top[..., None], np.abs(leads), reach + 1)
        lead = np.where(c[..., reach] < _IN_STEP * top, leads[distance.argmin(axis=-1)], 0)
        clear = top >= max(_LEAST, _CLEAR / np.sqrt(rows))
        one, other = np.nonzero(clear & (np.arange(columns) < np.array(piece)[:, None]))
        found = {"strength": top[one, other], "one": one + piece.start, "other": other}
        return pd.DataFrame(found | {"lead": lead[one, other]})

    found = pd.concat(parallel.each(of, parallel.cut(columns, 8)))
    both = pd.concat((found, found.rename(columns={"one": "other", "other": "one"})))
    both["lead"] = np.append(found["lead"], -found["lead"])
    return both.sort_values(["strength", "one", "other"], ascending=False, ignore_index=True)


def positions(found: pd.DataFrame, suspect: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By how many rows each column is ahead of the quotes, or of most columns of its group if none
    of these is related to quotes, (columns,), as the strongest of `links` that join all columns say
    (Kruskal, 1956), 0 where nothing does; and how strong the weakest of those between is. Columns
    that are `suspect`, (columns,) bool, place no others."""
    columns = len(suspect)
    group = np.arange(columns)
    position = np.zeros(columns, dtype=np.int64)
    joined = np.zeros(columns)
    group[: len(QUOTES)] = 0  # quotes are in step
    found = found[~suspect[found["other"]]]
    suspected = suspect[found["one"]]
    for strength, mine, its, lead in found[~suspected].itertuples(index=False, name=None):
        one, other = group[mine], group[its]
        # The smaller group moves, not the quotes'; each link comes from its other side too.
        if one in (other, 0) or (other != 0 and np.sum(group == one) > np.sum(group == other)):
            continue
        moving = group == one
        position[moving] += lead - position[mine] + position[its]
        joined[moving], group[moving] = strength, other
    last = found[suspected].drop_duplicates("one")
    one, other = last["one"], last["other"]
    position[one] = position[other] + last["lead"]
    joined[one], group[one] = last["strength"], group[other]
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
        mine = ranks(np.diff(sample.features[number, rows].astype(np.float64)))
        c = [np.abs(unit(np.diff(levels[:, rows + step])) @ mine) for step in steps]
        change = np.stack(c, axis=1) * trusted[:, None]
        change[len(QUOTES) + number] = 0.0
        other, at = np.unravel_index(np.argmax(change), change.shape)
        best, now = float(change[other, at]), float(change[other, len(steps) // 2])
        if steps[at] > 0 and best > max(_SAMPLED, _TIMES * now):
            found[number] = int(steps[at]), best
    return found


def figures(sample: Sample, suspects: Collection[str]) -> pd.DataFrame:
    """One line a feature, in the sample's order: by how many rows it is `early`, negative if it is
    late, and how strong the clearest `link` is that says so; both 0 if a link as strong as half of
    that says that it is in step. `in_step` is how strong the clearest of those is."""
    columns = pd.Index((*QUOTES, *sample.names), name="feature")
    suspect = columns.isin(suspects)
    found = links(surprising_sizes(sample), sample.reach)
    position, apart = positions(found, suspect)
    apart[apart < _CHAIN] = 0.0
    in_step = np.zeros(len(columns))
    strength, one, other, lead = (found[name] for name in ("strength", "one", "other", "lead"))
    agree = (position[one] - position[other] == lead) & (lead != 0)
    np.maximum.at(apart, one[agree], strength[agree])
    agree = (position[other] == 0) & (lead == 0)
    np.maximum.at(in_step, one[agree], strength[agree])
    early = np.where((position != 0) & (apart > 2 * in_step), position, 0)
    link, in_step = np.where(early, apart, 0.0), np.where(early, 0.0, in_step)
    table = pd.DataFrame({"early": early, "link": link, "in_step": in_step}, columns)[len(QUOTES) :]
    trusted = (position == 0) & ~suspect
    for number, early_and_link in samples_ahead(sample, trusted, sample.reach // 4).items():
        table.iloc[number, :2] = early_and_link
    return table
