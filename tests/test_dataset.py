import numpy as np
import pytest
from sealing import seal_split

from alpha.core.errors import InputError
from alpha.core.frames import Block, write_frame
from alpha.data.columns import OUTCOME_COLUMNS, PAST_COLUMNS
from alpha.data.contract import Contract
from alpha.learn import dataset

TIMES = np.arange(5) * 10**9


def contract(*names) -> Contract:
    ones = np.ones(len(names))
    zeros = np.zeros(len(names), dtype=np.int64)
    families = ("other",) * len(names)
    return Contract(names, families, 0 * ones, 2 * ones, zeros, zeros, zeros, 10.0, 0)


@pytest.fixture
def split(tmp_path):
    folder = tmp_path / "train"
    folder.mkdir()
    # The later day has the name that sorts first.
    for name, day in (("31-01.h5", 0), ("01-02.h5", 1)):
        values = np.array([[2.0, 4.0], [np.nan, 1000.0], [6.0, np.inf], [0, 0], [day, day]])
        labels = np.column_stack((np.zeros((5, 2)), day + np.arange(5) / 10))
        past = np.column_stack((labels, day + np.full(5, np.nan)))
        write_frame(
            folder / name,
            TIMES + day * 86_400 * 10**9,
            [
                Block(("a", "b"), values),
                Block(OUTCOME_COLUMNS, labels),
                Block(PAST_COLUMNS, past),
                Block(("status",), np.zeros((5, 1), dtype=np.int8)),
            ],
            tz_aware=True,
        )
    seal_split(folder)
    return folder


def test_a_split_is_loaded_in_time_order_normalized_and_finite(split):
    data = dataset.load(split, contract("a", "b"))
    assert (np.diff(data.time_ns) > 0).all()
    assert data.y.tolist() == [0.0, 0.1, 0.2, 0.3, 0.4, 1.0, 1.1, 1.2, 1.3, 1.4]
    assert data.x[:5].tolist() == [[1, 2], [0, 10], [3, 0], [0, 0], [0, 0]]
    assert data.x.dtype == np.float32
    assert (data.clipped, data.replaced) == (2, 4)
    assert data.known.past[5].tolist() == [0.0, 0.0, 1.0]
    assert np.isnan(data.volatility).all()


def test_without_features_the_past_alone_is_loaded(split):
    """The rungs that look at no feature need not wait for them."""
    data, bare = (dataset.load(split, contract("a", "b"), features=on) for on in (True, False))
    assert bare.x.shape == (10, 0)
    np.testing.assert_array_equal(bare.known.past, data.known.past)
    np.testing.assert_array_equal(bare.y, data.y)


def test_a_split_with_other_features_than_the_contract_is_refused(split):
    with pytest.raises(InputError, match=r"h5: must have the features .* found another order"):
        dataset.load(split, contract("b", "a"))
    with pytest.raises(InputError, match="c missing and b unknown"):
        dataset.load(split, contract("a", "c"))


def test_a_folder_that_is_no_split_is_named(tmp_path):
    with pytest.raises(InputError, match="rows.json: cannot be read"):
        dataset.load(tmp_path, contract("a"))
