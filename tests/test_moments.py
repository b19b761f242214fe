import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alpha.core import parallel
from alpha.normalize.moments import Moments


def exact(values):
    """Mean and population sigma by exact summation."""
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def moments_of(blocks) -> Moments:
    moments = Moments(blocks[0].shape[1])
    for block in blocks:
        moments.add(block)
    return moments


def test_statistics_of_float32_prices_are_exact_where_naive_ones_are_far_off():
    rng = np.random.default_rng(0)
    prices = (10_000 + rng.normal(size=200_000)).astype(np.float32)[:, None]
    moments = moments_of(np.array_split(prices, 7))
    mean, sigma = exact(prices[:, 0].tolist())
    assert abs(moments.mean[0] - mean) < 1e-9 * sigma
    assert abs(moments.sigma[0] - sigma) < 1e-9 * sigma
    # What the project must not do: the naive float32 mean is off by more than a sigma.
    naive = np.add.accumulate(prices[:, 0])[-1] / np.float32(len(prices))
    assert abs(naive - mean) > sigma


@settings(max_examples=200)
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 40), st.just(2)),
        elements=st.floats(-1e6, 1e6, width=32) | st.sampled_from([np.nan, np.inf, -np.inf]),
    ),
    st.integers(1, 40),
)
def test_any_cut_into_blocks_gives_the_exact_statistics_of_the_finite_values(block, size):
    moments = moments_of([block[at : at + size] for at in range(0, len(block), size)])
    for column in range(2):
        values = block[:, column].astype(float)
        finite = values[np.isfinite(values)].tolist()
        assert moments.finite[column] == len(finite)
        assert moments.nan[column] == np.isnan(values).sum()
        assert moments.inf[column] == np.isinf(values).sum()
        if finite:
            mean, sigma = exact(finite)
            scale = max(abs(value) for value in finite)
            assert abs(moments.mean[column] - mean) <= 1e-12 * scale
            assert abs(moments.sigma[column] - sigma) <= 1e-9 * max(sigma, 1e-6 * scale)


def wild(rows: int, dtype) -> np.ndarray:
    """Columns of a price, of noise, of nothing known, and one that is known late."""
    rng = np.random.default_rng(3)
    found = np.stack(
        [10_000 + np.cumsum(rng.normal(size=rows)) / 50, *rng.normal(size=(3, rows))], axis=1
    ).astype(dtype)
    found[rng.random(found.shape) < 0.01] = np.nan
    found[rng.random(found.shape) < 0.001] = np.inf
    found[:, 2] = -np.inf
    found[: rows - 5, 3] = np.nan
    return found


def test_blocks_that_lie_far_apart_and_a_far_first_value_lose_no_digits():
    """Sums are about what came before, which may have been far from what comes."""
    rng = np.random.default_rng(4)
    rows = 70_001
    noise = rng.normal(size=(rows, 4))
    steps = 1e7 * rng.integers(0, 9, rows // 700 + 1).repeat(700)[:rows]
    columns = np.stack(
        [
            steps + 1e-3 * noise[:, 0],  # a level for a while, and then another
            np.where(np.arange(rows) == 0, 1e9, noise[:, 1]),  # one value far from all others
            np.where(np.arange(rows) % (1 << 14) == 0, 1e9, noise[:, 2]),  # and now and again
            1e3 * np.arange(rows) + noise[:, 3],
        ],
        axis=1,
    )
    found = moments_of([columns])
    for column, values in enumerate(columns.T):
        mean, sigma = exact(values.tolist())
        assert abs(found.mean[column] - mean) <= 1e-12 * sigma
        assert abs(found.sigma[column] / sigma - 1) <= 1e-12


@pytest.mark.parametrize("value", [0.1, 10_000.1, -1e300])
def test_a_column_of_one_value_has_no_sigma_whatever_is_missing(value):
    column = np.full((40_000, 1), value)
    column[np.random.default_rng(5).random(40_000) < 0.3] = np.nan
    assert moments_of([column]).sigma[0] == 0.0
    assert moments_of([column]).mean[0] == value


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_rows_with_holes_have_exact_statistics(dtype):
    rows = wild(70_001, dtype)
    found = moments_of([rows])
    for column in (0, 1, 3):
        values = rows[:, column].astype(float)
        mean, sigma = exact(values[np.isfinite(values)].tolist())
        assert abs(found.mean[column] - mean) <= 1e-11 * sigma
        assert abs(found.sigma[column] - sigma) <= 1e-11 * sigma
    assert found.finite.tolist() == np.isfinite(rows).sum(axis=0).tolist()
    assert found.nan.tolist() == np.isnan(rows).sum(axis=0).tolist()
    assert found.inf.tolist() == np.isinf(rows).sum(axis=0).tolist()
    assert (found.mean[2], found.sigma[2]) == (0, 0)


def test_one_thread_gives_the_bits_of_many(monkeypatch):
    rows = wild(70_001, np.float32)
    found = []
    for cores in (1, 2, 5):
        monkeypatch.setattr(parallel, "cores", lambda cores=cores: cores)
        found.append(moments_of([rows]))
    for other in found[1:]:
        np.testing.assert_array_equal(other.mean, found[0].mean)
        np.testing.assert_array_equal(other.sigma, found[0].sigma)


def test_rows_may_be_of_any_layout_and_numeric_type():
    rows = np.arange(24).reshape(6, 4)
    for same in (rows, np.asfortranarray(rows), rows.astype(np.float16), rows[:, ::1]):
        np.testing.assert_array_equal(moments_of([same]).mean, rows.mean(axis=0))
