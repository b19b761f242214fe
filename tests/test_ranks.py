"""Centered ranks among all rows and among those of each slot, against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_parts import outcome_ranks
from scipy.stats import rankdata

SIZES = [(3, 5), (7, 40), (1 << 16, 1 << 18)]


def centered(values: np.ndarray) -> np.ndarray:
    return 2 * rankdata(values) - (len(values) + 1)


@pytest.mark.parametrize(("part", "bucket"), SIZES, ids=["tiny", "small", "one"])
@given(st.integers(0, 120), st.sampled_from([2, 9, 10**6]), st.integers(0, 2**32 - 1))
def test_ranks_are_scipys_in_every_slot(part, bucket, rows, distinct, seed):
    """Few values or many, sorted in one bucket or in several, in the rows' own order."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, distinct, rows) / 7
    slots = np.column_stack((rng.integers(1, 4, rows), np.sort(rng.integers(4, 9, rows))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("alpha.core.scratch.PART_ROWS", part)
        patch.setattr("alpha.evaluate.buckets.BUCKET_ROWS", bucket)
        patch.setattr("alpha.evaluate.ranks._MOST_STRETCHES", 4)
        found = outcome_ranks(values, slots.reshape(rows, 2))
    assert found[:, 0].tolist() == centered(values).tolist()
    for at in range(2):
        for slot in np.unique(slots[:, at]):
            those = slots[:, at] == slot
            assert found[those, 1 + at].tolist() == centered(values[those]).tolist()
