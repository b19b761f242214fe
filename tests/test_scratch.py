"""Records in a scratch file: what was added comes back, in parts of any size."""

import numpy as np

from alpha.scratch import Scratch

PAIR = np.dtype([("value", "f8"), ("row", "i4")], align=True)


def records(rows: int) -> np.ndarray:
    found = np.zeros(rows, dtype=PAIR)
    found["value"], found["row"] = np.arange(rows) / 7, np.arange(rows)
    return found


def test_what_was_added_comes_back_in_its_order_and_nothing_is_left_on_disk(tmp_path):
    """In parts, in one, between two additions; files have no names."""
    whole = records(1000)
    with Scratch(tmp_path, PAIR) as scratch:
        scratch.add(whole[:300])
        assert scratch.read(10, 20).tolist() == whole[10:20].tolist()
        scratch.add(whole[300:])
        assert scratch.count == 1000
        parts = list(scratch.parts(64))
        assert [len(part) for part in parts] == [64] * 15 + [40]
        assert np.concatenate(parts).tolist() == whole.tolist()
        assert next(scratch.parts()).tolist() == whole.tolist()
        assert list(tmp_path.iterdir()) == []


def test_a_sample_is_evenly_spaced_from_the_first_to_the_last(tmp_path):
    """And all there is if that is not much."""
    with Scratch(tmp_path, PAIR) as scratch:
        scratch.add(records(1001))
        assert scratch.sample(5)["row"].tolist() == [0, 250, 500, 750, 1000]
        assert len(scratch.sample(5000)) == 1001
