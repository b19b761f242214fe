import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from alpha.data.params import classes
from alpha.learn.known import expected
from alpha.learn.losses import Objective

REGRESSIONS = ["mse", "mae", "huber", "quantile", "tail_mse"]


def fit(params, outcome, target="abs_max", **loss) -> Objective:
    label = params.label.model_copy(update={"target": target})
    return Objective.fit(outcome, label, params.loss.model_copy(update=loss))


@pytest.mark.parametrize("name", REGRESSIONS)
def test_no_constant_scores_better_on_train_than_the_best_one(params, name):
    outcome = np.random.default_rng(0).standard_t(3, size=2001) ** 2
    objective = fit(params, outcome, name=name, tail_quantile=0.9)

    def loss(constant):
        return objective.losses(outcome, np.array(constant)).mean()

    found = minimize_scalar(loss, bounds=(outcome.min(), outcome.max()), method="bounded")
    assert loss(objective.constant) <= found.fun + 1e-9


@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_no_constant_probabilities_score_better_on_train_than_the_best(params, weights):
    rng = np.random.default_rng(0)
    outcome = rng.choice([-1.0, 0.0, 1.0], size=900, p=[0.1, 0.7, 0.2])
    objective = fit(params, outcome, "direction", class_weights=weights)
    least = objective.losses(outcome, objective.constant).mean()
    for other in rng.dirichlet([1, 1, 1], size=300):
        assert objective.losses(outcome, other).mean() >= least
    if weights == "balanced":
        np.testing.assert_allclose(objective.constant, 1 / 3)
        assert objective.row_weights(outcome).mean() == pytest.approx(1.0)


def test_losses_by_hand(params):
    """Outcomes 0 and 2 with sigma 1, predicted as 1 and 5: errors −1 and −3."""
    outcome, prediction = np.array([0.0, 2.0]), np.array([1.0, 5.0])
    expected_losses = {
        "mse": [1.0, 9.0],
        "mae": [1.0, 3.0],
        "huber": [0.5, 2.5],
        "quantile": [0.1, 0.3],
        "tail_mse": [1.0, 90.0],
    }
    for name, losses in expected_losses.items():
        objective = fit(params, outcome, name=name, huber_delta=1.0, quantile=0.9,
                        tail_quantile=0.5, tail_weight=10.0)  # fmt: skip
        np.testing.assert_allclose(objective.losses(outcome, prediction), losses, err_msg=name)


def test_the_tail_is_on_both_sides(params):
    """Half of the outcomes are more than 2.5 away from 0."""
    outcome = np.array([-4.0, -1.0, 1.0, 4.0])
    objective = fit(params, outcome, name="tail_mse", tail_quantile=0.5, tail_weight=10.0)
    assert objective.row_weights(outcome).tolist() == [10.0, 1.0, 1.0, 10.0]


def test_error_weights_by_hand(params):
    """Errors 0, 2 and −4 at sigma 2: an error under 0.002 counts as that much."""
    error = np.array([0.0, 2.0, -4.0])
    by_hand = {
        "mae": [1 / 0.002, 1 / 2, 1 / 4],
        "huber": [1.0, 1.0, 3 / 4],
        "quantile": [0.1 / 0.002, 0.9 / 2, 0.1 / 4],
    }
    for name, weights in by_hand.items():
        objective = fit(params, np.array([0.0, 4.0]), name=name, huber_delta=1.5, quantile=0.9)
        found = objective.error_weights(error)
        np.testing.assert_allclose(found, weights / np.mean(weights), err_msg=name)


@pytest.mark.parametrize("name", ["mae", "huber", "quantile"])
def test_under_the_error_weights_a_square_has_the_slope_of_the_loss(params, name):
    """Up to one factor for all rows, by finite differences."""
    outcome = np.random.default_rng(0).standard_t(3, size=200)
    objective = fit(params, outcome, name=name, huber_delta=0.5)
    # Neither near 0, where a square has no corner, nor at delta.
    error = outcome[np.abs(outcome) > 0.01]
    losses = [objective.losses(error + step, np.array(0.0)) for step in (1e-6, -1e-6)]
    slope = (losses[0] - losses[1]) / 2e-6
    ratio = slope / (error * objective.error_weights(error))
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)


def test_an_impossible_class_that_comes_true_costs_much_but_not_everything(params):
    objective = fit(params, np.array([0.0, 1.0]), "large_move")
    losses = objective.losses(np.array([1.0, 1.0]), np.array([[1.0, 0.0], [0.5, 0.5]]))
    np.testing.assert_allclose(losses, [-np.log(1e-6), np.log(2)])


def test_outcomes_that_are_all_equal_have_their_value_as_mean_and_no_sigma_of_zero(params):
    objective = fit(params, np.full(7, 0.1))
    assert (objective.mean, objective.sigma, objective.constant) == (0.1, 1.0, 0.1)
    for name in REGRESSIONS:
        assert fit(params, np.full(7, 0.1), name=name).constant == pytest.approx(0.1)


def test_a_class_that_train_never_showed_weighs_nothing(params):
    objective = fit(params, np.array([0.0, 0.0, 1.0]), "direction", class_weights="balanced")
    np.testing.assert_allclose(objective.class_weights, [0.0, 0.75, 1.5])
    np.testing.assert_allclose(objective.constant, [0.0, 0.5, 0.5])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=20), st.sampled_from(REGRESSIONS))
def test_a_perfect_prediction_costs_nothing_and_no_other_less(outcomes, name):
    from conftest import PARAMS_TEXT

    from alpha.check import parse

    outcome = np.array(outcomes)
    objective = fit(parse(PARAMS_TEXT, source="params.yaml"), outcome, name=name)
    assert (objective.losses(outcome, outcome) == 0).all()
    assert (objective.losses(outcome, outcome + 1.0) > 0).all()


def test_classes_are_those_of_the_label_s_target(params):
    assert classes(params.label) == ()
    for target, codes in (
        ("direction", (-1, 0, 1)),
        ("large_move", (0, 1)),
        ("triple_barrier", (-1, 0, 1)),
    ):
        assert classes(params.label.model_copy(update={"target": target})) == codes


def test_the_expected_class_code_is_the_mean_over_probabilities():
    probabilities = np.array([[0.2, 0.3, 0.5]])
    assert expected(probabilities, (-1.0, 0.0, 1.0)) == pytest.approx([0.3])
    assert expected(np.array([4.0]), ()).tolist() == [4.0]
