"""Label shift by hand, and on data whose shift is known."""

import math

import numpy as np
import pytest
from scipy.stats import ks_2samp

from alpha.evaluate import distribution
from alpha.evaluate.distribution import LEAST_SHARE, Reference
from alpha.evaluate.metrics import Undefined


def psi(train, outcome, classes=()) -> float:
    return Reference(train, classes).stability_index(outcome)


def compare(train, outcome, *, train_blocks, blocks):
    """Each figure's row."""
    reference = Reference(train)
    rows = distribution.shift(reference, outcome, (train_blocks, blocks))
    return {row.figure: row for row in rows}


def test_psi_by_hand():
    """Shares of classes 0 and 1: 0.8 and 0.2 on train, 0.5 and 0.5 after."""
    train, after = np.array([0.0] * 8 + [1.0] * 2), np.array([0.0, 1.0])
    expected = (0.5 - 0.8) * math.log(0.5 / 0.8) + (0.5 - 0.2) * math.log(0.5 / 0.2)
    assert psi(train, after, (0.0, 1.0)) == pytest.approx(expected)


def test_zero_has_a_bin_of_its_own():
    """Half of train is zero; after, the same values without a zero: every share but that of
    zero doubles, and zero's falls to the least."""
    values = np.arange(1.0, 101.0)
    train = np.concatenate((np.zeros(100), values))
    expected = (1.0 - 0.5) * math.log(2) + (LEAST_SHARE - 0.5) * math.log(LEAST_SHARE / 0.5)
    assert psi(train, values) == pytest.approx(expected)


def test_clumps_that_drift_with_the_price_are_no_shift():
    """Outcomes of 1, 2, ... ticks at a price that has moved by one part in a hundred: a clump
    holds several deciles, and bins with sharp edges would see it leave them."""
    ticks = np.random.default_rng(0).geometric(0.4, size=20_000)
    noise = 1 + 0.001 * np.random.default_rng(1).normal(size=20_000)
    assert psi(0.5 * ticks * noise, 0.505 * ticks * noise) < 0.005
    assert psi(0.5 * ticks * noise, 0.5 * (ticks + 1) * noise) > 0.25


def test_the_same_distribution_has_no_psi_and_a_moved_one_has():
    """Nothing for train itself, next to nothing for a fresh draw, much for a doubled scale."""
    rng = np.random.default_rng(0)
    train = np.maximum(rng.normal(size=20_000), 0)
    assert psi(train, train) == pytest.approx(0.0, abs=1e-20)
    assert psi(train, np.maximum(rng.normal(size=20_000), 0)) < 0.002
    assert psi(train, 2 * train) > 0.1


def test_tied_deciles_are_merged():
    """A label of two values: the edge is the larger, whose clump it cuts in half."""
    train = np.array([1.0] * 50 + [2.0] * 950)
    after = np.array([1.0] * 500 + [2.0] * 500)
    p, q = np.array([0.525, 0.475]), np.array([0.75, 0.25])
    assert psi(train, after) == pytest.approx(np.sum((q - p) * np.log(q / p)))


def test_the_two_sample_test_is_scipys_on_blocks():
    """And it does not take overlapping rows for independent: rows alone would be sure of a
    shift between two stretches of the same slow series."""
    slow = np.repeat(np.random.default_rng(1).normal(size=200), 100)
    train, after = slow[:10_000], slow[10_000:]
    blocks = [one.reshape(100, 100).mean(axis=1) for one in (train, after)]
    found = compare(train, after, train_blocks=blocks[0], blocks=blocks[1])
    expected = ks_2samp(*blocks)
    assert found["ks"].value == expected.statistic
    assert found["p_value"].value == expected.pvalue
    assert found["blocks"].value == 100
    assert not found["ks"].reason
    assert found["p_value"].value > 0.01
    assert ks_2samp(train, after).pvalue < 1e-6


def test_a_constant_label_and_few_blocks_are_reasons():
    """Nothing is raised by `compare`."""
    constant, few = np.full(10, 2.0), np.array([2.0])
    with pytest.raises(Undefined, match="train's label is constant"):
        psi(constant, constant)
    found = compare(constant, constant, train_blocks=few, blocks=few)
    assert [found[name].value for name in ("psi", "ks", "p_value")] == [None, None, None]
    assert found["psi"].reason == (
        "no stability index: train's label is constant; "
        "no two-sample test: a split has fewer than 5 blocks"
    )


def test_how_many_rows_are_spread_at_once_does_not_show(monkeypatch):
    """But for the rounding of sums."""
    rng = np.random.default_rng(0)
    train, after = rng.normal(size=(2, 1000))
    after[::7] = 0.0
    expected = psi(train, after)
    monkeypatch.setattr("alpha.evaluate.distribution._PART_ROWS", 70)
    assert psi(train, after) == pytest.approx(expected, rel=1e-12)
