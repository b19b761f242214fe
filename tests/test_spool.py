import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha.core.spool import Spool

LEVELS = (0.0, 0.001, 0.1, 1 / 3, 0.5, 0.9, 0.999, 1.0)


@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 5e-324]),
        min_size=1,
        max_size=60,
    ),
    st.lists(st.integers(0, 60), max_size=3),
)
def test_quantiles_are_numpy_s_however_values_come(tmp_path_factory, values, cuts):
    with Spool(tmp_path_factory.getbasetemp()) as spool:
        for part in np.split(np.array(values), sorted(cuts)):
            spool.add(part)
        assert spool.count == len(values)
        with np.errstate(over="ignore", invalid="ignore"):
            expected = np.quantile(np.array(values), LEVELS)
        np.testing.assert_array_equal(spool.quantiles(LEVELS), expected)


def test_more_values_than_are_read_at_once_have_numpy_s_quantiles(tmp_path, monkeypatch):
    monkeypatch.setattr("alpha.core.scratch.PART_ROWS", 1000)
    values = np.round(np.random.default_rng(0).normal(size=25_001), 2)
    with Spool(tmp_path) as spool:
        spool.add(values)
        np.testing.assert_array_equal(spool.quantiles(LEVELS), np.quantile(values, LEVELS))


def test_no_values_have_no_quantiles_and_nothing_is_left_on_disk(tmp_path):
    with Spool(tmp_path) as spool, pytest.raises(ValueError, match="no quantiles"):
        spool.quantiles(LEVELS)
    assert list(tmp_path.iterdir()) == []
