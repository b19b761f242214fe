"""Records in ascending order, sorted in one bucket or in many: against a plain sort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_parts import unordered

from alpha.core.scratch import Dealt
from alpha.evaluate.buckets import Visitor, visit

NUMBERED = np.dtype([("value", "f8"), ("row", "i4")], align=True)
# Few values that are frequent, among many that are not.
VALUES = st.sampled_from([0.0, -0.0, 1.0, np.inf, -np.inf]) | st.floats(allow_nan=False)


class Groups(Visitor):
    """The rows of each group of equals, as they are shown."""

    def __init__(self) -> None:
        self.found: list[list[int]] = []
        self.largest = self.counted_rows = 0

    def groups(self, records, order, starts):
        self.largest = max(self.largest, len(records))
        for row, new in zip(records["row"][order].tolist(), starts.tolist(), strict=True):
            if new:
                self.found.append([])
            self.found[-1].append(row)

    def count(self, records):
        self.largest = max(self.largest, len(records))
        self.counted_rows += len(records)

    def counted(self):
        self.found.append([])

    def equal(self, records):
        self.found[-1] += records["row"].tolist()


@pytest.fixture(params=[(3, 5), (7, 40), (1 << 16, 1 << 18)], ids=["tiny", "small", "one"])
def size(request, monkeypatch) -> int:
    """The most rows that are in memory."""
    part, bucket = request.param
    monkeypatch.setattr("alpha.core.scratch.PART_ROWS", part)
    monkeypatch.setattr("alpha.evaluate.buckets.BUCKET_ROWS", bucket)
    return max(part, bucket)


def shown(values) -> Groups:
    found = Groups()
    visit(unordered(NUMBERED, value=values, row=np.arange(len(values))), [found])
    return found


@pytest.mark.usefixtures("size")
class TestAnySize:
    @given(hnp.arrays(float, st.integers(0, 200), elements=VALUES))
    def test_groups_are_those_of_a_plain_sort(self, values):
        """Of equal values, each whole, in ascending order, its rows as they came."""
        expected = {}
        for row in np.argsort(values + 0.0, kind="stable").tolist():
            expected.setdefault(float(values[row]) + 0.0, []).append(row)
        assert shown(values).found == list(expected.values())

    def test_nothing_is_shown_of_nothing(self):
        assert shown(np.empty(0)).found == []


def test_no_more_rows_are_in_memory_than_a_bucket_has(size: int):
    """Whatever their values are: all equal, most equal, one far more frequent in the part that
    a sample misses, ascending."""
    rng = np.random.default_rng(0)
    for values in (
        np.zeros(1000),
        np.maximum(rng.normal(size=1000), 0),
        np.where(np.arange(1000) % 2, 5.0, rng.normal(size=1000)),
        np.arange(1000.0),
        np.repeat([1.0, 2.0], 500),
    ):
        found = shown(values)
        assert found.largest <= size
        assert sum(len(group) for group in found.found) == 1000


def test_what_ascends_in_time_is_dealt_out_twice_at_most(monkeypatch):
    """However little the first records say of the later ones."""
    monkeypatch.setattr("alpha.core.scratch.PART_ROWS", 50)
    monkeypatch.setattr("alpha.evaluate.buckets.BUCKET_ROWS", 100)
    dealt = []
    monkeypatch.setattr(
        "alpha.evaluate.buckets.Dealt", lambda *given: dealt.append(Dealt(*given)) or dealt[-1]
    )
    values = np.arange(5000.0)
    assert shown(values).found == [[row] for row in range(5000)]
    assert len(dealt) == 2


def test_a_group_larger_than_a_bucket_comes_twice(monkeypatch):
    """In parts: first all are counted."""
    monkeypatch.setattr("alpha.core.scratch.PART_ROWS", 30)
    monkeypatch.setattr("alpha.evaluate.buckets.BUCKET_ROWS", 100)
    found = shown(np.concatenate((np.zeros(250), np.arange(1.0, 50.0))))
    assert found.counted_rows == 250
    assert found.found[0] == list(range(250))
