"""Records in a scratch file: what was added comes back, in parts of any size."""

import numpy as np

from alpha.core.scratch import Dealt, Scratch

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


def test_a_bucket_has_what_was_dealt_to_it_in_that_order(tmp_path, monkeypatch):
    """Of three, one of which nothing is dealt to; in parts of no more rows than asked for."""
    monkeypatch.setattr("alpha.core.scratch.PART_ROWS", 20)
    rng = np.random.default_rng(0)
    number, whole = rng.choice([0, 2], 300), records(300)
    with Dealt(tmp_path, PAIR) as dealt:
        for rows in np.array_split(np.arange(300), 40):
            order = rows[np.argsort(number[rows], kind="stable")]
            dealt.add(whole[order], np.searchsorted(number[order], [0, 1, 2, 3]))
        assert dealt.sizes.tolist() == np.bincount(number).tolist()
        for bucket in range(3):
            parts = list(dealt.parts(bucket))
            assert all(len(part) < 28 for part in parts)
            found = [row for part in parts for row in part["row"].tolist()]
            assert found == np.flatnonzero(number == bucket).tolist()
        assert list(tmp_path.iterdir()) == []
