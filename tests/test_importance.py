import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha.learn.dataset import Known
from alpha.models.networks import importance

FAMILIES = ("flow", "book", "flow", "spread", "book")


def split(rows=2000, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 5)).astype(np.float32), np.arange(rows) * 10


def parts(x, cuts=()):
    """The rows in parts that are cut before each of `cuts`."""
    for part in np.split(x, cuts):
        if len(part):
            yield Known(part, np.full((len(part), 3), np.nan))


def by_family(predict, x, time_ns, y, *, constant_loss=1.0, block_ns=500, seed=0, cuts=()):
    y = np.broadcast_to(y, len(x))
    return importance.by_family(
        lambda known: predict(known.x), parts(x, cuts), FAMILIES, time_ns=time_ns,
        losses=lambda rows, prediction: (prediction - y[rows]) ** 2,
        constant_loss=constant_loss, block_ns=block_ns, seed=seed,
    )  # fmt: skip


def line(*weights):
    return lambda x: x @ np.array(weights, dtype=np.float64)


def test_a_family_that_the_model_ignores_gives_exactly_nothing():
    x, time_ns = split()
    y = np.random.default_rng(1).normal(size=len(x))
    found = by_family(line(1, 0, -2, 0.5, 0), x, time_ns, y)
    assert found["book"] == 0.0
    assert found["flow"] != 0.0
    assert found["spread"] != 0.0


@settings(max_examples=50)
@given(
    st.lists(st.integers(1, 299), max_size=8).map(lambda cuts: tuple(sorted(cuts))),
    st.sampled_from([10, 70, 1000, 10_000]),
)
def test_how_rows_come_in_parts_changes_nothing_but_the_last_digits(cuts, block_ns):
    """A block of time may reach over many parts, or a part over many blocks."""
    x, time_ns = split(300)
    y = np.random.default_rng(1).normal(size=len(x))
    model = line(1, 0.5, -2, 0.5, 3)
    whole, cut = (
        by_family(model, x, time_ns, y, block_ns=block_ns, cuts=each) for each in ((), cuts)
    )
    assert cut == pytest.approx(whole, rel=1e-12, abs=1e-14)


def test_families_come_in_the_order_of_their_first_feature():
    x, time_ns = split(20)
    assert list(by_family(line(0, 0, 0, 0, 0), x, time_ns, 0.0)) == ["flow", "book", "spread"]


def test_what_a_linear_model_gives_is_what_the_formula_says():
    """y = w·x and independent features of variance 1: permuting a family leaves the error
    w·(x' − x) over its features, whose mean square is 2 Σ w²."""
    x, time_ns = split(200_000)
    weights = (1.0, 0.5, -2.0, 3.0, 0.25)
    predict = line(*weights)
    found = by_family(predict, x, time_ns, predict(x), constant_loss=4.0, block_ns=10_000)
    expected = {"flow": 1 + 4, "book": 0.25 + 0.0625, "spread": 9}
    for family, squares in expected.items():
        assert found[family] == pytest.approx(2 * squares / 4.0, rel=0.02)


def test_the_rows_of_a_family_move_as_one():
    """A model of the difference of two equal features does not notice that both moved."""
    x, time_ns = split()
    x[:, 2] = x[:, 0]
    assert by_family(line(1, 0, -1, 0, 0), x, time_ns, 0.0)["flow"] == 0.0


def test_what_drifts_slower_than_a_block_stays():
    x, time_ns = split()
    drift = time_ns // 500
    x[:, 3] = drift
    predict = line(0, 0, 0, 1, 0)
    assert by_family(predict, x, time_ns, drift, block_ns=500)["spread"] == 0.0
    assert by_family(predict, x, time_ns, drift, block_ns=1000)["spread"] > 0.1


def test_blocks_start_at_the_first_row_and_are_as_long_as_asked():
    time_ns = np.array([107, 108, 116, 117, 126, 127, 200])
    assert importance.block_rows(time_ns, block_ns=10).tolist() == [0, 0, 0, 1, 1, 2, 9]


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
    first, again, other = (by_family(predict, x, time_ns, y, seed=seed) for seed in (1, 1, 2))
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
        by_family(predict, x, time_ns, 0.0)
    assert x.tobytes() == before.tobytes()
