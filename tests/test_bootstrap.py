"""Moving blocks of time: against a slow resample of rows, against theory, and for coverage."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from alpha.evaluate.bootstrap import Blocks, block_sums, first_rows, ratio

SECOND = 1_000_000_000


def cut(time_ns, **changes) -> Blocks:
    defaults = {"seconds": 100.0, "resamples": 200, "level": 0.95, "seed": 0}
    return Blocks(np.asarray(time_ns), **(defaults | changes))


def by_cell(blocks: Blocks, values, keep=None) -> np.ndarray:
    """Sums over the rows of each cell, of those that are kept."""
    values = np.array(values, dtype=float)
    if keep is not None:
        values[~keep] = 0.0
    return blocks.by_cell(values)


def resampled(blocks: Blocks, statistics) -> np.ndarray:
    """Resampled sums of statistics of all rows."""
    return blocks.sums([by_cell(blocks, values) for values in statistics])


def gappy_times(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Ascending times with steps of 1 to 4 s, and now and then an hour."""
    steps = rng.integers(1, 5, rows) + 3600 * (rng.random(rows) < 0.01)
    return np.cumsum(steps) * SECOND


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_sums_are_those_of_an_obvious_resample_of_rows(seed: int, masked: bool):
    """Draw block starts, gather the rows of their cells one by one, and add them up."""
    rng = np.random.default_rng(seed)
    time_ns = gappy_times(rng, 400)
    blocks = cut(time_ns, resamples=100, seed=seed)
    keep = rng.random(400) < 0.8 if masked else None
    rows = np.arange(400) if keep is None else np.flatnonzero(keep)
    values = rng.normal(size=(2, 400))
    found = blocks.sums([by_cell(blocks, one, keep) for one in values])

    numbers = (time_ns - time_ns[0]) // (10 * SECOND)
    cells = [np.flatnonzero(numbers[rows] == number) for number in np.unique(numbers)]
    length = max(10, round(0.75 * len(cells) ** (2 / 3)))
    drawn = math.ceil(len(cells) / length)
    starts = np.random.default_rng(seed).integers(0, len(cells), size=(100, drawn))
    for resample in (0, 1, 99):
        taken = [
            row
            for start in starts[resample]
            for step in range(length)
            for row in cells[(start + step) % len(cells)]
        ]
        assert found[:, resample] == pytest.approx(values[:, rows[taken]].sum(axis=1), abs=1e-9)


def test_block_sums_by_hand_go_round():
    """Twelve cells, of which the k-th holds k: the last block starts over at the first."""
    found = block_sums(np.arange(12.0), 10)
    assert found[0] == sum(range(10))
    assert found[2] == sum(range(2, 12))
    assert found[11] == 11 + sum(range(9))


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 399), max_size=4, unique=True))
def test_no_block_is_of_two_parts_and_every_cell_is_drawn_as_often(seed: int, inner: list[int]):
    """By an obvious resample: a block of a cell goes on around its own part, over and over where
    that is short; and the cells of a part begin with its first row."""
    time_ns = gappy_times(np.random.default_rng(seed), 400)
    edges = [0, *sorted(inner), 400]
    blocks = cut(time_ns, resamples=50, seed=seed, parts=edges[:-1])
    parts, of_cell = [], []
    for first, end in itertools.pairwise(edges):
        numbers = (time_ns[first:end] - time_ns[first]) // (10 * SECOND)
        parts.append([first + np.flatnonzero(numbers == one) for one in np.unique(numbers)])
        of_cell += [(len(parts) - 1, at) for at in range(len(parts[-1]))]
    assert blocks.cells == len(of_cell)
    values = np.random.default_rng(seed).normal(size=400)
    sums = [values[cell].sum() for part in parts for cell in part]
    assert blocks.by_cell(values) == pytest.approx(sums)
    taken = np.zeros((blocks.cells, 400))  # by its first cell, how often a block holds each row
    for at, (part, start) in enumerate(of_cell):
        for step in range(blocks.length):
            rows = parts[part][(start + step) % len(parts[part])]
            taken[at, rows] += 1
    assert (taken.sum(axis=0) == blocks.length).all()
    drawn = math.ceil(blocks.cells / blocks.length)
    starts = np.random.default_rng(seed).integers(0, blocks.cells, size=(50, drawn))
    expected = taken[starts].sum(axis=1) @ values
    assert blocks.sums([blocks.by_cell(values)])[0] == pytest.approx(expected, abs=1e-9)


def test_one_part_is_the_whole_to_the_last_bit():
    values = np.random.default_rng(3).normal(size=1000)
    time_ns = gappy_times(np.random.default_rng(4), 1000)
    whole, part = (resampled(cut(time_ns, **of), (values,)) for of in ({}, {"parts": [0]}))
    assert whole.tobytes() == part.tobytes()


def test_cells_in_a_gap_are_no_time():
    """An hour without rows adds nothing to resample, and blocks reach over it."""
    time_ns = np.concatenate((np.arange(300), 4000 + np.arange(300))) * SECOND
    blocks = cut(time_ns)
    assert blocks.cells == 60
    assert blocks.reason is None


def test_independent_rows_get_their_standard_error():
    """With white noise, the resampled means of 100 series spread by sigma / sqrt(n), less what is
    lost as the ten blocks of each are held against their own mean, a tenth of the variance."""
    rng, blocks = np.random.default_rng(1), cut(np.arange(5000) * SECOND)
    variances = []
    for _ in range(100):
        count, total = resampled(blocks, (np.ones(5000), rng.normal(size=5000)))
        variances.append(np.var(total / count))
    assert np.mean(variances) * 5000 == pytest.approx(9 / 10, rel=0.1)


@pytest.mark.parametrize("kind", ["overlap", "spells"])
def test_intervals_cover_a_known_mean_at_their_level(kind: str):
    """Labels that overlap (a moving average of 60 rows), and spells that fade (AR(1)): of 300
    series the interval holds the mean 0 nearly as often as it says; one of single rows would
    in a third of them at most."""
    rng = np.random.default_rng(5)
    rows, covered, naive = 20_000, 0, 0
    time_ns = np.arange(rows) * SECOND
    for _ in range(300):
        noise = rng.normal(size=rows + 60)
        if kind == "overlap":
            sums = np.cumsum(noise)
            series = (sums[60:] - sums[:-60]) / 60
        else:
            series = lfilter([1.0], [1.0, -0.95], noise)[60:]
        blocks = cut(time_ns, seconds=600.0, resamples=300)
        low, high = blocks.ends(ratio(*resampled(blocks, (series, np.ones(rows)))))
        covered += low <= 0 <= high
        naive += abs(series.mean()) <= 1.96 * series.std() / math.sqrt(rows)
    assert 0.91 <= covered / 300 <= 0.98
    assert naive / 300 < 0.4


def test_differences_are_paired_by_the_same_draws():
    """Two statistics that differ by a constant differ by it in every resample."""
    values = np.random.default_rng(2).normal(size=1000)
    blocks = cut(np.arange(1000) * SECOND)
    count, of_one = resampled(blocks, (np.ones(1000), values))
    [of_other] = resampled(blocks, (values + 3.0,))
    assert of_other == pytest.approx(of_one + 3.0 * count)


def test_draws_depend_on_the_seed_and_on_nothing_else():
    """The same seed again, the same bytes; another, others."""
    values = np.random.default_rng(3).normal(size=1000)
    time_ns = np.arange(1000) * SECOND
    first, again, other = (resampled(cut(time_ns, seed=seed), (values,)) for seed in (0, 0, 1))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_chunks_of_draws_do_not_show(monkeypatch):
    """However few block starts are drawn at once, the sums are the same."""
    values = np.random.default_rng(3).normal(size=1000)
    blocks = cut(np.arange(1000) * SECOND)
    whole = resampled(blocks, (values,))
    monkeypatch.setattr("alpha.evaluate.bootstrap._CHUNK", 7)
    assert resampled(blocks, (values,)).tobytes() == whole.tobytes()


def test_fewer_than_five_blocks_give_no_interval_but_a_reason():
    """499 s are less than five blocks of 100 s."""
    assert cut(np.arange(490) * SECOND).reason == "the split spans fewer than 5 blocks of 100 s"
    assert cut(np.arange(500) * SECOND).reason is None
    assert cut(np.empty(0, dtype=np.int64)).reason is not None


def test_effective_blocks_are_all_of_an_even_sum_and_one_of_a_single_spike():
    """Ten blocks."""
    blocks = cut(np.arange(1000) * SECOND)
    assert blocks.effective(by_cell(blocks, np.ones(1000))) == pytest.approx(10.0)
    assert blocks.effective(by_cell(blocks, np.arange(1000) == 500)) == pytest.approx(1.0)
    assert blocks.effective(by_cell(blocks, np.zeros(1000))) == 0.0


def test_ends_are_percentiles_expanded_for_half_the_number_of_blocks():
    """1,000 cells, 75 a block, are 13 1/3 blocks, which count as 6 2/3: at the 90 % level Student's
    t is 1.966, times sqrt(20 / 17) is 2.132; a normal variable falls below −2.132 with a chance
    of 1.65 %. Of a million cells there are 133 1/3: t is 1.668, times sqrt(200 / 197) is 1.681, and
    the chance 4.64 %."""
    blocks = cut(np.arange(10_000) * SECOND, level=0.9)
    assert blocks.ends(np.arange(101.0)) == pytest.approx((1.65, 98.35), abs=0.01)
    many = cut(np.arange(1_000_000) * SECOND, seconds=10.0, level=0.9)
    assert many.ends(np.arange(101.0)) == pytest.approx((4.64, 95.36), abs=0.01)


def test_the_longer_a_split_the_longer_its_blocks_and_the_more_of_them():
    """Of 8 times as many cells a block has 4 times as many; no fewer than ten."""
    for cells, length in ((50, 10), (125, 19), (1000, 75), (8000, 300), (64_000, 1200)):
        assert cut(np.arange(cells * 10) * SECOND).length == length


def test_resamples_that_are_not_defined_are_left_out_unless_they_are_half():
    """NaN and infinite ones."""
    blocks = cut(np.arange(1000) * SECOND)
    whole = np.arange(101.0)
    assert blocks.ends(np.append(whole, [np.nan, np.inf])) == blocks.ends(whole)
    assert blocks.ends(np.array([1.0, np.nan])) is None
    assert blocks.ends(None) is None


def test_a_ratio_to_nothing_is_not_a_number():
    """And no warning."""
    found = ratio(np.array([1.0, 1.0]), np.array([0.0, 2.0]))
    assert np.isnan(found[0])
    assert found[1] == 0.5


@given(
    st.lists(st.integers(-500, 2000), unique=True).map(sorted),
    st.integers(1, 300),
    st.sampled_from([None, 0, -7]),
)
def test_stretches_are_pandas_groups(times, length, origin):
    """From the origin or the first row on; those without rows do not count."""
    first = first_rows(np.array(times, dtype=np.int64), length, origin)
    if not times:
        assert first.tolist() == [0]
        return
    number = (np.array(times) - (times[0] if origin is None else origin)) // length
    assert np.diff(first).tolist() == pd.Series(times).groupby(number).size().tolist()


def test_sums_by_cell_are_of_the_rows_of_each():
    """Ten seconds a cell, one of which is empty."""
    blocks = cut(np.array([0, 5, 12, 31, 39]) * SECOND)
    assert blocks.of_rows.tolist() == [0, 0, 1, 2, 2]
    assert blocks.by_cell(np.array([1, 2, 4, 8, 16])).tolist() == [3.0, 4.0, 24.0]
    assert blocks.by_cell(np.array([True, True, False, False, True])).tolist() == [2.0, 0.0, 1.0]
