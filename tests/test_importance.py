from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha.learn import importance
from alpha.learn.dataset import Known

FAMILIES = {"flow": [0, 2], "book": [1, 4], "spread": [3]}


def split(rows=2000, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 5)).astype(np.float32), np.arange(rows) * 10


def by_group(predict, x, time_ns, y, *, constant_loss=1.0, block_ns=500, seed=0):
    return importance.by_group(
        lambda known: float(np.mean((predict(known.x) - y) ** 2)) / constant_loss,
        Known(x, np.full((len(x), 3), np.nan)), FAMILIES,
        importance.block_rows(time_ns, block_ns=block_ns), seed=seed,
    )  # fmt: skip


def line(*weights):
    return lambda x: x @ np.array(weights, dtype=np.float64)


def test_a_family_that_the_model_ignores_gives_exactly_nothing():
    x, time_ns = split()
    y = np.random.default_rng(1).normal(size=len(x))
    found = by_group(line(1, 0, -2, 0.5, 0), x, time_ns, y)
    assert found["book"] == 0.0
    assert found["flow"] != 0.0
    assert found["spread"] != 0.0


def of_model(model, x, y, contract, *, cuts=()):
    """Of a model of normalized features, whose valid comes in parts that are cut at `cuts`."""
    parts = [Known(part, np.zeros((len(part), 3))) for part in np.split(x, cuts)]
    valid = SimpleNamespace(y=y, time_ns=np.arange(len(y)) * 10**9, parts=lambda: iter(parts))
    objective = SimpleNamespace(losses=lambda y, prediction: (prediction - y) ** 2, constant=0.0)
    fitted = SimpleNamespace(predict=lambda known: model(known.x))
    return importance.of_model(fitted, valid, objective, contract, block_ns=10**12, seed=0)


CONTRACT = SimpleNamespace(
    names=("a", "b", "c", "d", "e"), families=("flow", "book", "flow", "spread", "book")
)


def test_a_model_has_the_importance_of_each_feature_and_of_each_family():
    """By name, families in the order of their first feature; alone, a family is its feature."""
    x, _ = split(3000)
    found = of_model(line(1, 0, -2, 3, 0), x, x @ np.array([1, 0, -2, 3, 0]), CONTRACT)
    assert list(found["families"]) == ["flow", "book", "spread"]
    assert list(found["features"]) == list(CONTRACT.names)
    assert found["features"]["b"] == found["families"]["book"] == 0.0
    assert found["features"]["d"] == found["families"]["spread"] > 1.0
    assert found["features"]["c"] > found["features"]["a"] > 0.1


@settings(max_examples=20)
@given(st.lists(st.integers(1, 39_999), max_size=5).map(sorted))
def test_of_many_rows_every_third_counts_however_they_come_in_parts(cuts):
    x, _ = split(40_000)
    y, model = np.random.default_rng(1).normal(size=len(x)), line(1, 0.5, -2, 0.5, 3)
    found = of_model(model, x, y, CONTRACT, cuts=cuts)
    third = slice(None, None, 3)
    time_ns = np.arange(len(y))[third] * 10**9
    expected = by_group(
        model, x[third], time_ns, y[third], constant_loss=np.mean(y[third] ** 2), block_ns=10**12
    )
    assert found["families"] == expected


def test_what_a_linear_model_gives_is_what_the_formula_says():
    """y = w·x and independent features of variance 1: permuting a family leaves the error
    w·(x' − x) over its features, whose mean square is 2 Σ w²."""
    x, time_ns = split(200_000)
    weights = (1.0, 0.5, -2.0, 3.0, 0.25)
    predict = line(*weights)
    found = by_group(predict, x, time_ns, predict(x), constant_loss=4.0, block_ns=10_000)
    expected = {"flow": 1 + 4, "book": 0.25 + 0.0625, "spread": 9}
    for family, squares in expected.items():
        assert found[family] == pytest.approx(2 * squares / 4.0, rel=0.02)


def test_the_rows_of_a_family_move_as_one():
    """A model of the difference of two equal features does not notice that both moved."""
    x, time_ns = split()
    x[:, 2] = x[:, 0]
    assert by_group(line(1, 0, -1, 0, 0), x, time_ns, 0.0)["flow"] == 0.0


def test_what_drifts_slower_than_a_block_stays():
    x, time_ns = split()
    drift = time_ns // 500
    x[:, 3] = drift
    predict = line(0, 0, 0, 1, 0)
    assert by_group(predict, x, time_ns, drift, block_ns=500)["spread"] == 0.0
    assert by_group(predict, x, time_ns, drift, block_ns=1000)["spread"] > 0.1


def test_blocks_start_at_the_first_row_and_are_as_long_as_asked():
    time_ns = np.array([107, 108, 116, 117, 126, 127, 200])
    assert importance.block_rows(time_ns, block_ns=10).tolist() == [0, 0, 0, 1, 1, 2, 3]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40).map(sorted), st.integers(0, 99))
def test_a_permutation_stays_within_its_blocks(numbers, seed):
    blocks = np.array(numbers)
    order = importance.permutation_within(blocks, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(blocks)))
    assert (blocks[order] == blocks).all()


def test_every_order_of_a_block_is_drawn_as_often_and_a_lone_row_stays():
    blocks = np.array([0, 1, 1, 1])
    drawn = [
        tuple(importance.permutation_within(blocks, np.random.default_rng(seed)))
        for seed in range(3000)
    ]
    assert {order[0] for order in drawn} == {0}
    counts = np.unique(drawn, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert np.all(np.abs(counts - 500) < 5 * np.sqrt(500))


def test_the_seed_decides_and_the_features_are_left_as_they_were():
    x, time_ns = split()
    before = x.copy()
    predict, y = line(1, 1, 1, 1, 1), np.zeros(len(x))
    first, again, other = (by_group(predict, x, time_ns, y, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert x.tobytes() == before.tobytes()


def test_the_features_are_left_as_they_were_when_the_model_fails():
    x, time_ns = split(50)
    before, calls = x.copy(), []

    def predict(x):
        calls.append(len(x))
        if len(calls) > 1:
            raise RuntimeError("out of memory")
        return x[:, 0]

    with pytest.raises(RuntimeError, match="out of memory"):
        by_group(predict, x, time_ns, 0.0)
    assert x.tobytes() == before.tobytes()
