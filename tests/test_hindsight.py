"""The skill that a constant cannot have, and what a split could have shown."""

import numpy as np
import pytest
from conftest import PARAMS_TEXT
from hypothesis import given
from hypothesis import strategies as st
from made_columns import columns
from scipy.signal import lfilter
from sklearn.metrics import explained_variance_score, log_loss, mean_absolute_error, r2_score

from alpha.check import parse
from alpha.data.params import classes
from alpha.evaluate.assess import assess
from alpha.evaluate.bootstrap import Blocks, ratio
from alpha.evaluate.figures import Figures, Selection, table
from alpha.evaluate.hindsight import Part, best_losses, days, power
from alpha.evaluate.over_seeds import Widened
from alpha.evaluate.split_rows import SplitRows, Standard
from alpha.learn.kinds import FEATURELESS, KINDS, find
from alpha.learn.losses import Objective

SECOND = 1_000_000_000
PARAMS = parse(PARAMS_TEXT, source="params.yaml")
LOSSES = ("mse", "mae", "huber", "quantile", "tail_mse")


def objective(train, name: str = "mse", **label) -> Objective:
    of_label = PARAMS.label.model_copy(update=label)
    loss = PARAMS.loss.model_copy(update={"name": name})
    return Objective.fit(np.array(train, dtype=float), of_label, loss)


def figures(train, outcome, prediction, values=None, *, name: str = "mse", **label) -> Selection:
    """Of predictions of one split, a row a second in blocks of 20 s."""
    of_label = PARAMS.label.model_copy(update=label)
    loss = PARAMS.loss.model_copy(update={"name": name})
    bootstrap = PARAMS.evaluate.bootstrap.model_copy(
        update={"resamples": 200, "block_horizons": 20 / of_label.horizon_seconds}
    )
    evaluate = PARAMS.evaluate.model_copy(update={"bootstrap": bootstrap})
    standard = Standard(columns(np.arange(len(train)) * SECOND, train), of_label, loss, evaluate)
    time_ns = np.arange(len(outcome)) * SECOND
    split = SplitRows(columns(time_ns, outcome), standard)
    given = columns(time_ns, outcome, prediction, values=values)
    found = assess(split, given, {})
    return Figures(table(found.rows + found.alone)).of("", "")


def test_of_squared_error_it_is_the_r2_of_the_rows_and_its_parts_add_up():
    """scikit-learn's R² and explained variance; what the level gave and the rest are the skill."""
    rng = np.random.default_rng(0)
    train, outcome = rng.normal(3.0, 2.0, 500), rng.normal(2.0, 1.0, 400)
    prediction = 2.3 + 0.4 * (outcome - 2.0) + rng.normal(0, 0.3, 400)
    found = figures(train, outcome, prediction)
    assert found["hindsight"].value == pytest.approx(r2_score(outcome, prediction))
    explained = explained_variance_score(outcome, prediction)
    assert found["explained_variance"].value == pytest.approx(explained)
    moved = (outcome.mean() - train.mean()) ** 2 - (outcome.mean() - prediction.mean()) ** 2
    level = moved / np.mean((outcome - train.mean()) ** 2)
    assert found["level_skill"].value == pytest.approx(level)
    rest = explained * np.var(outcome) / np.mean((outcome - train.mean()) ** 2)
    assert found["skill"].value == pytest.approx(level + rest)
    hindsight = found["hindsight"]
    assert hindsight.low < hindsight.value < hindsight.high


def test_a_row_without_a_prediction_counts_as_trains_constant_in_every_part():
    train, outcome = [0.0, 4.0], np.array([1.0, 2.0, 3.0, 6.0])
    found = figures(train, outcome, [1.5, np.nan, 3.5, np.inf])
    filled = [1.5, 2.0, 3.5, 2.0]
    assert found["hindsight"].value == pytest.approx(r2_score(outcome, filled))
    explained = explained_variance_score(outcome, filled)
    assert found["explained_variance"].value == pytest.approx(explained)


def test_of_other_losses_it_is_against_their_own_best_constant():
    """The median's absolute error; the shares of classes in cross-entropy."""
    outcome = np.array([0.0, 0.0, 1.0, 5.0])
    found = figures([3.0, 3.0, 9.0], outcome, [0.0, 1.0, 1.0, 4.0], name="mae")
    best = mean_absolute_error(outcome, np.full(4, 0.5))
    assert found["hindsight"].value == pytest.approx(1 - 0.5 / best)
    assert found["explained_variance"].value is None
    codes = classes(PARAMS.label.model_copy(update={"target": "large_move"}))
    values = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    labels = [0.0, 0.0, 1.0]
    found = figures([0.0, 1.0], labels, values[:, 1], values, target="large_move")
    of_constant = log_loss(labels, np.tile([2 / 3, 1 / 3], (3, 1)), labels=codes)
    expected = 1 - log_loss(labels, values, labels=codes) / of_constant
    assert found["hindsight"].value == pytest.approx(expected)


@given(
    st.lists(st.floats(-5, 5), min_size=2, max_size=30),
    st.lists(st.floats(-5, 5), min_size=1, max_size=30),
    st.floats(-6, 6),
    st.sampled_from(LOSSES),
)
def test_no_constant_loses_less_than_the_best_one_in_hindsight(train, outcome, constant, name):
    """Under every loss, with what the loss knows of train: its sigma, its tail."""
    fitted, rows = objective(train, name), np.array(outcome)
    best = fitted.losses(rows, fitted.best_constant(rows)).sum()
    for other in (constant, fitted.constant, rows.mean(), np.median(rows)):
        assert best <= fitted.losses(rows, np.array(other)).sum() * (1 + 1e-9) + 1e-12


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=20), st.floats(0.01, 0.99))
def test_no_probabilities_lose_less_than_the_shares_of_the_rows(outcome, probability):
    fitted, rows = objective([0.0, 1.0], target="large_move"), np.array(outcome)
    best = fitted.losses(rows, fitted.best_constant(rows)).sum()
    assert best <= fitted.losses(rows, np.array([1 - probability, probability])).sum() + 1e-9


def test_where_the_level_falls_a_lower_constant_has_skill_but_none_in_hindsight():
    """By a quarter: the median of a skewed outcome beats train's mean, and knows nothing."""
    rng = np.random.default_rng(1)
    train = rng.gamma(4.0, 1.0, 4000)
    outcome = 0.75 * rng.gamma(4.0, 1.0, 4000)
    found = figures(train, outcome, np.full(4000, np.median(train)))
    assert found["skill"].low > 0.02
    assert found["hindsight"].value < 0
    assert found["level_skill"].value == pytest.approx(found["skill"].value)
    assert found.constant
    assert not found.proven


def test_a_flat_split_has_no_hindsight_and_a_split_of_few_blocks_no_interval():
    flat = figures([0.0, 1.0], [2.0] * 40, np.linspace(0, 1, 40))
    assert flat["hindsight"].value is None
    assert flat["hindsight"].reason == "the outcome is constant"
    few = figures([0.0, 1.0], np.linspace(0, 1, 40), np.linspace(0, 1, 40))
    assert few["hindsight"][:3] == (1.0, None, None)
    nothing = figures([0.0, 1.0], [], [])
    assert nothing["hindsight"].reason == "no rows"


# -- what could have been seen ------------------------------------------------------------------


def world(rng: np.random.Generator, skill: float, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of unit variance, correlated over 30 s, and predictions that explain `skill`."""
    keep = np.exp(-10 / 30)
    drawn = rng.normal(size=(2, rows + 50)) * np.sqrt(1 - keep**2)
    x, noise = lfilter([1.0], [1.0, -keep], drawn)[:, 50:]
    prediction = np.sqrt(skill) * x
    return prediction + np.sqrt(1 - skill) * noise, prediction


def in_hindsight(
    outcome: np.ndarray, prediction: np.ndarray, blocks: Blocks
) -> tuple[float, np.ndarray]:
    """The skill, and its resamples."""
    mse = objective([0.0, 9.0])
    parts = [Part(slice(None), mse, np.zeros(len(outcome)))]
    losses = (outcome - prediction) ** 2, best_losses(mse, parts, outcome, np.empty(0))
    model, constant = blocks.sums(map(blocks.by_cell, losses))
    return 1 - losses[0].sum() / losses[1].sum(), 1 - ratio(model, constant)


def judged(rng: np.random.Generator, skill: float, rows: int) -> tuple[float, np.ndarray, Widened]:
    """The skill in hindsight that is measured, its resamples, and the intervals."""
    outcome, prediction = world(rng, skill, rows)
    time_ns = np.arange(rows) * 10 * SECOND
    blocks = Blocks(time_ns, 400.0, resamples=300, level=0.95, seed=0)
    return *in_hindsight(outcome, prediction, blocks), Widened(blocks, 1)


def test_what_is_told_to_be_detectable_is_proven_four_times_in_five():
    """And half of it much less often, and twice of it nearly always."""
    rng = np.random.default_rng(3)
    least = np.median([power(*judged(rng, 0.01, 16000))["detectable"] for _ in range(20)])
    proven = {}
    for times in (0.5, 1.0, 2.0):
        found = [judged(rng, times * least, 16000) for _ in range(150)]
        proven[times] = np.mean([wide.ends(skill, of)[0] > 0 for skill, of, wide in found])
    assert 0.7 < proven[1.0] < 0.9
    assert proven[0.5] < 0.5
    assert proven[2.0] > 0.97


def test_the_days_that_a_skill_needs_grow_as_the_square_of_what_is_missing():
    """Four times the time halves what can be seen: a skill of half of `detectable` needs it."""
    skill, resampled, widened = judged(np.random.default_rng(0), 0.02, 4000)
    found = power(skill, resampled, widened)
    assert days(widened.blocks) == pytest.approx(4000 * 10 / 86400)
    expected = days(widened.blocks) * (found["detectable"] / skill) ** 2
    assert found["days_needed"] == pytest.approx(expected)
    four = power(*judged(np.random.default_rng(0), 0.02, 16000))
    assert four["detectable"] == pytest.approx(found["detectable"] / 2, rel=0.25)


def test_more_tries_make_less_detectable_and_without_an_interval_nothing_is_told():
    skill, resampled, widened = judged(np.random.default_rng(0), 0.02, 4000)
    once = power(skill, resampled, widened)["detectable"]
    assert power(skill, resampled, widened._replace(tries=100))["detectable"] > 1.3 * once
    below = power(-0.1, resampled - skill - 0.1, widened)
    assert below["days_needed"] is None
    assert below["detectable"] == pytest.approx(once)
    assert power(skill, None, widened) == {}
    assert power(None, resampled, widened) == {}


def test_the_low_end_in_hindsight_is_above_the_truth_no_more_often_than_it_may():
    """On levels that wander for hours, where a day fits a constant of its own."""
    above, worlds, rows, truth = 0, 150, 2160, 0.06 / 1.31
    rng = np.random.default_rng(5)
    for _ in range(worlds):
        keep = np.exp(-1 / 90)
        wander = rng.normal(size=rows) * np.sqrt(1 - keep**2)
        wander[0] = rng.normal()
        level = 0.5 * lfilter([1.0], [1.0, -keep], wander)
        x, noise = rng.normal(size=(2, rows))
        prediction = np.sqrt(0.06) * x
        outcome = level + prediction + noise
        blocks = Blocks(np.arange(rows) * 20 * SECOND, 1200.0, resamples=200, level=0.95, seed=0)
        _, resampled = in_hindsight(outcome, prediction, blocks)
        above += blocks.ends(resampled)[0] > truth
    assert above <= 0.06 * worlds


@pytest.mark.parametrize("model", KINDS["baselines"])
def test_the_baselines_that_look_at_no_features_are_known_by_name(model):
    assert (model in FEATURELESS) == (not find(model).FEATURES)
