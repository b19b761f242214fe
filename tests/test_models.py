from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from alpha.core.errors import InputError
from alpha.core.params import Section
from alpha.data.params import Label
from alpha.learn.dataset import Dataset
from alpha.learn.kinds import MODELS, find, kind
from alpha.learn.known import Known
from alpha.learn.losses import Objective
from alpha.learn.params import Loss, run_folder, sections
from alpha.models.baselines import lines
from alpha.models.baselines.lines import Har
from alpha.models.baselines.naive import Mean, Median, Persistence, Zero
from alpha.models.baselines.params import Ridge
from alpha.models.networks import mlp
from alpha.models.networks.backend import tensorflow
from alpha.models.networks.network import Network, row_losses, targets
from alpha.models.networks.params import Mlp
from alpha.models.trees.lightgbm import Trees

LOSS = Loss(
    name="mse", huber_delta=1.0, quantile=0.9, tail_quantile=0.99, tail_weight=10.0,
    class_weights="none",
)  # fmt: skip
LABEL = Label(
    horizon_seconds=60, price="touch", target="up", max_gap_seconds=30,
    max_stale_seconds=None, threshold_bps=10, barrier_bps=10,
)  # fmt: skip
NO_PARAMETERS = Section()


def dataset_of(x: np.ndarray, y: np.ndarray, past: np.ndarray | None = None) -> Dataset:
    past = np.zeros((len(y), 3)) if past is None else past
    return Dataset(
        np.arange(len(y)), Known(x.astype(np.float32), past), y, np.zeros(len(y)),
        clipped=0, replaced=0, tz_aware=True,
    )  # fmt: skip


def random_dataset(rows=500, features=6, seed=0) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features))
    past = rng.normal(size=(rows, 3))
    past[:3] = np.nan
    return dataset_of(x, 3 + x @ np.arange(features) + rng.normal(size=rows), past)


def direction_dataset(rows=600, seed=0) -> Dataset:
    """Classes -1, 0 and +1 that the first feature and the last outcome give away in part."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    y = np.clip(np.round(x[:, 0] + 0.5 * rng.normal(size=rows)), -1, 1)
    past = np.column_stack((np.roll(y, 1), rng.normal(size=(rows, 2))))
    past[0] = np.nan
    return dataset_of(x, y, past)


def objective_of(data: Dataset, target="up", **loss) -> Objective:
    label = LABEL.model_copy(update={"target": target})
    return Objective.fit(data.y, label, LOSS.model_copy(update=loss))


def constant(model, data: Dataset, objective: Objective) -> float:
    value = model.fit(data, objective, NO_PARAMETERS).predict(data.known)
    assert (value == value[0]).all()
    return value[0]


def test_the_constants_are_zero_the_mean_and_the_median_of_train():
    data = random_dataset()
    objective = objective_of(data)
    assert constant(Zero, data, objective) == 0.0
    assert constant(Mean, data, objective) == data.y.mean()
    assert constant(Median, data, objective) == np.median(data.y)


def test_of_classes_the_constants_are_even_the_shares_and_the_mode():
    data = dataset_of(np.zeros((10, 1)), np.repeat([-1.0, 0.0, 1.0], [2, 5, 3]))
    objective = objective_of(data, "direction")
    known = data.known[:1]
    assert Zero.fit(data, objective, NO_PARAMETERS).predict(known).tolist() == [[1 / 3] * 3]
    assert Mean.fit(data, objective, NO_PARAMETERS).predict(known).tolist() == [[0.2, 0.5, 0.3]]
    assert Median.fit(data, objective, NO_PARAMETERS).predict(known).tolist() == [[0.25, 0.5, 0.25]]


def test_persistence_is_the_last_completed_window_s_outcome_or_the_mean_before_there_is_one():
    data = random_dataset()
    fitted = Persistence.fit(data, objective_of(data), NO_PARAMETERS)
    predicted = fitted.predict(data.known)
    assert (predicted[:3] == data.y.mean()).all()
    assert (predicted[3:] == data.known.past[3:, 0]).all()


def test_of_classes_persistence_is_how_often_each_followed_the_last():
    """Counts by hand, plus one line of the shares for what never followed."""
    y = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    past = np.column_stack(([np.nan, 0, 1, 1, 0], np.zeros((5, 2))))
    data = dataset_of(np.zeros((5, 1)), y, past)
    fitted = Persistence.fit(data, objective_of(data, "large_move"), NO_PARAMETERS)
    after_0, after_1 = np.array([0.4, 2.6]) / 3, np.array([1.4, 1.6]) / 3
    expected = [[0.4, 0.6], after_0, after_1, after_1, after_0]
    np.testing.assert_allclose(fitted.predict(data.known), expected)


def test_har_is_least_squares_on_past_outcomes_and_their_sizes():
    data = random_dataset()
    objective = objective_of(data)
    predicted = Har.fit(data, objective, NO_PARAMETERS).predict(data.known)
    past = np.where(np.isnan(data.known.past), data.y.mean(), data.known.past)
    inputs = np.column_stack((np.ones(len(past)), past, np.abs(past)))
    expected = inputs @ np.linalg.lstsq(inputs, data.y, rcond=None)[0]
    np.testing.assert_allclose(predicted, expected, rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 1e4), st.sampled_from(["mse", "tail_mse"]))
def test_ridge_solves_the_penalized_problem_with_a_free_intercept(seed, penalty, loss):
    """Against least squares on weighted rows augmented by √penalty · I, the textbook reduction."""
    data = random_dataset(rows=50, seed=seed)
    objective = objective_of(data, name=loss, tail_quantile=0.8)
    line = lines.Ridge.fit(data, objective, Ridge(penalty=penalty))
    x = data.x.astype(np.float64)
    weight = np.sqrt(objective.row_weights(data.y))
    top = np.column_stack((np.ones(len(x)), x)) * weight[:, None]
    bottom = np.column_stack((np.zeros(6), np.sqrt(penalty) * np.eye(6)))
    target = np.concatenate((weight * data.y, np.zeros(6)))
    expected = np.linalg.lstsq(np.vstack((top, bottom)), target, rcond=None)[0]
    found = [line.intercept[0], *line.weights[:, 0]]
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8)


def skewed_dataset(rows=400, seed=0) -> Dataset:
    """Outcomes whose skewed noise grows with the second feature, and with the last outcome."""
    rng = np.random.default_rng(seed)
    x, past = rng.normal(size=(rows, 3)), rng.normal(size=(rows, 3))
    noise = np.exp(1.5 * rng.normal(size=rows) + 0.5 * x[:, 1] + 0.5 * past[:, 0])
    return dataset_of(x, 0.3 * x[:, 0] + noise, past)


def least_loss(inputs: np.ndarray, data: Dataset, objective: Objective) -> float:
    """The mean loss of the best line: exactly, by a linear program, or of huber by descent."""
    rows, of = len(data.y), objective.loss
    inputs = np.column_stack((np.ones(rows), inputs))
    if of.name == "huber":
        delta = of.huber_delta * objective.sigma
        return minimize(
            lambda line: objective.losses(data.y, inputs @ line).mean(),
            np.zeros(inputs.shape[1]),
            jac=lambda line: -inputs.T @ np.clip(data.y - inputs @ line, -delta, delta) / rows,
        ).fun
    # Of an error above the line, and of one below it.
    costs = (of.quantile, 1 - of.quantile) if of.name == "quantile" else (1.0, 1.0)
    cost = np.concatenate((np.zeros(inputs.shape[1]), *(np.full(rows, each) for each in costs)))
    equal = np.hstack((inputs, np.eye(rows), -np.eye(rows)))
    bounds = [(None, None)] * inputs.shape[1] + [(0, None)] * (2 * rows)
    return linprog(cost, A_eq=equal, b_eq=data.y, bounds=bounds).fun / rows


@pytest.mark.parametrize(
    "loss",
    [
        {"name": "mae"},
        {"name": "huber", "huber_delta": 0.2},
        {"name": "quantile", "quantile": 0.9},
        {"name": "quantile", "quantile": 0.1},
    ],
    ids=["mae", "huber", "high", "low"],
)
@pytest.mark.parametrize("name", ["har", "ridge"])
def test_a_line_has_the_least_loss_of_all_lines_whatever_the_loss(name, loss):
    """Within a percent of the exact solution, and clearly below the least-squares line's."""
    data = skewed_dataset()
    objective, squares = objective_of(data, **loss), objective_of(data)
    parameters = Ridge(penalty=0.0) if name == "ridge" else NO_PARAMETERS
    fitted, square = (find(name).fit(data, of, parameters) for of in (objective, squares))
    past = np.where(np.isnan(data.known.past), objective.mean, data.known.past)
    inputs = data.x if name == "ridge" else np.column_stack((past, np.abs(past)))
    least = least_loss(inputs.astype(np.float64), data, objective)
    found, of_square = (
        objective.losses(data.y, model.predict(data.known)).mean() for model in (fitted, square)
    )
    assert least * (1 - 1e-6) <= found <= 1.01 * least
    assert found < 0.9 * of_square


@pytest.mark.parametrize("loss", ["mae", "huber", "quantile"])
def test_a_penalty_means_the_same_whatever_the_loss(loss):
    """A huge one leaves the best constant; a tiny one, the line without penalty."""
    data = skewed_dataset()
    objective = objective_of(data, name=loss)
    free, tiny, huge = (
        lines.Ridge.fit(data, objective, Ridge(penalty=penalty)).predict(data.known)
        for penalty in (0.0, 1e-6, 1e9)
    )
    np.testing.assert_allclose(tiny, free, atol=1e-4 * objective.sigma)
    np.testing.assert_allclose(huge, objective.constant, atol=0.03 * objective.sigma)


@pytest.mark.parametrize("loss", ["mae", "huber", "quantile"])
def test_outcomes_on_a_line_are_met_whatever_the_loss(loss):
    data = random_dataset()
    data = dataset_of(data.x, 3 + data.x.astype(np.float64) @ np.arange(6), data.known.past)
    for outcomes in (data.y, np.full(len(data.y), 0.1)):
        exact = dataset_of(data.x, outcomes)
        fitted = lines.Ridge.fit(exact, objective_of(exact, name=loss), Ridge(penalty=0.0))
        np.testing.assert_allclose(fitted.predict(exact.known), outcomes, atol=1e-6)


def test_ridge_takes_collinear_and_constant_features_without_penalty():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 1))
    data = dataset_of(np.column_stack((x, x, np.zeros(200))), 2 * x[:, 0] + 1)
    fitted = lines.Ridge.fit(data, objective_of(data), Ridge(penalty=0.0))
    np.testing.assert_allclose(fitted.predict(data.known), data.y, atol=1e-5)
    np.testing.assert_allclose(fitted.weights[:, 0], [1, 1, 0], atol=1e-5)


def test_a_ridge_prediction_does_not_depend_on_the_rows_beside_it():
    data = random_dataset(rows=40_000)
    fitted = lines.Ridge.fit(data, objective_of(data), Ridge(penalty=1.0))
    whole = fitted.predict(data.known)
    assert all(
        fitted.predict(data.known[row : row + 1])[0] == whole[row] for row in range(0, 40_000, 997)
    )


@pytest.mark.parametrize("name", ["persistence", "har", "ridge", "lightgbm"])
@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_of_classes_a_model_that_sees_something_beats_the_best_constant(params, name, weights):
    data = direction_dataset()
    if name in ("persistence", "har"):
        # What follows is what was.
        last = np.nan_to_num(data.known.past[:, 0])
        data = dataset_of(data.x, np.where(np.arange(600) % 4 > 0, last, data.y), data.known.past)
    objective = objective_of(data, "direction", class_weights=weights)
    model = find(name)
    if name == "lightgbm":
        fitted, _ = model.fit_watching(data, data, objective, params.lightgbm, seed=0)
    else:
        fitted = model.fit(data, objective, getattr(params, name))
    predicted = fitted.predict(data.known)
    np.testing.assert_allclose(predicted.sum(axis=1), 1.0)
    assert (predicted > 0).all()
    loss, least = (objective.losses(data.y, of).mean() for of in (predicted, objective.constant))
    assert loss < 0.9 * least


def test_an_mlp_starts_at_the_best_constant_and_has_the_layers_of_its_parameters():
    net = mlp.build(["a"] * 7, Mlp(hidden=(5, 3), dropout=0.1, weight_decay=0.0), 1)
    assert net.count_params() == (7 * 5 + 5) + (5 * 3 + 3) + (3 + 1)
    data = random_dataset(features=7)
    for loss in ("mse", "mae", "huber", "quantile", "tail_mse"):
        objective = objective_of(data, name=loss)
        assert (Network.about(net, objective).predict(data.known) == objective.constant).all()
    classes = direction_dataset()
    objective = objective_of(classes, "direction")
    net = mlp.build(["a"] * 4, Mlp(hidden=(5,), dropout=0.0, weight_decay=0.0), 3)
    predicted = Network.about(net, objective).predict(classes.known)
    np.testing.assert_allclose(predicted, np.tile(objective.constant, (600, 1)))


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "quantile", "tail_mse"])
def test_what_a_network_minimizes_is_the_objective_in_sigmas(loss):
    tf = tensorflow()
    data = random_dataset()
    objective = objective_of(data, name=loss, tail_quantile=0.8)
    model = Network(None, np.array([2.0]), objective.sigma)
    out = np.random.default_rng(3).normal(size=(500, 1)).astype(np.float32)
    found = row_losses(
        model, objective, tf.constant(out), tf.constant(targets(data.y, model, objective)),
        tf.constant(objective.row_weights(data.y), dtype=tf.float32),
    )  # fmt: skip
    expected = objective.losses(data.y, 2.0 + objective.sigma * out[:, 0])
    unit = objective.sigma if loss in ("mae", "quantile") else objective.sigma**2
    np.testing.assert_allclose(found.numpy() * unit, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_of_classes_a_network_minimizes_the_weighted_cross_entropy(weights):
    tf = tensorflow()
    data = direction_dataset()
    objective = objective_of(data, "direction", class_weights=weights)
    net = mlp.build(["a"] * 4, Mlp(hidden=(5,), dropout=0.0, weight_decay=0.0), 3)
    rng = np.random.default_rng(0)
    # Small enough that no probability falls below what a loss is bounded by.
    net.set_weights([0.3 * rng.normal(size=weight.shape) for weight in net.get_weights()])
    model = Network.about(net, objective)
    found = row_losses(
        model, objective, net(data.x), tf.constant(targets(data.y, model, objective)),
        tf.constant(objective.row_weights(data.y), dtype=tf.float32),
    )  # fmt: skip
    expected = objective.losses(data.y, model.predict(data.known))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "quantile", "tail_mse"])
def test_the_curves_of_lightgbm_are_the_objective_s_mean_losses(params, loss):
    data, valid = random_dataset(2000), random_dataset(1000, seed=1)
    objective = objective_of(data, name=loss, tail_quantile=0.8)
    parameters = params.lightgbm.model_copy(update={"n_estimators": 5})
    fitted, curves = Trees.fit_watching(data, valid, objective, parameters, seed=0)
    for split, last in zip((data, valid), curves[-1], strict=True):
        expected = objective.losses(split.y, fitted.predict(split.known)).mean()
        assert last == pytest.approx(expected, rel=1e-5)
    assert curves[-1][0] < curves[0][0]


@pytest.mark.parametrize("name", ["mlp", "silos"])
def test_a_network_s_prediction_depends_neither_on_the_rows_beside_it_nor_on_its_place(
    params, name
):
    """Whether it stands first, last, alone or in a batch that is not full."""
    data = random_dataset(rows=9001, features=12)
    net = find(name).build(["a", "b", "c"] * 4, getattr(params, name), 1)
    rng = np.random.default_rng(0)
    net.set_weights([rng.normal(size=weight.shape) for weight in net.get_weights()])
    model = Network.about(net, objective_of(data))
    whole = model.predict(data.known)
    order = rng.permutation(9001)
    moved = model.predict(Known(data.x[order], data.known.past[order]))
    assert (moved == whole[order]).all()
    for row in (0, 1, 4095, 4096, 9000):
        assert model.predict(data.known[row : row + 1])[0] == whole[row]


def test_trees_are_kept_up_to_the_best_on_valid(tmp_path, params):
    """Whose outcomes are in no order, so that soon no tree helps there."""
    train, valid = random_dataset(), random_dataset(rows=300, seed=1)
    valid = replace(valid, y=np.random.default_rng(2).permutation(valid.y))
    parameters = params.lightgbm.model_copy(update={"early_stopping_rounds": 5})
    fitted, losses = Trees.fit_watching(train, valid, objective_of(train), parameters, seed=0)
    fitted.save(tmp_path)
    best = int(np.argmin([of_valid for _, of_valid in losses])) + 1
    assert len(losses) == best + 5
    assert len(Trees.load(tmp_path).forest.roots) == best


def fitted_models(params):
    for data, target in ((random_dataset(), "up"), (direction_dataset(), "direction")):
        objective = objective_of(data, target)
        for name in ("zero", "mean", "median", "persistence", "har", "ridge"):
            yield name, data, find(name).fit(data, objective, getattr(params, name))
        parameters = params.lightgbm.model_copy(
            update={"n_estimators": 20, "early_stopping_rounds": 3}
        )
        yield "lightgbm", data, Trees.fit_watching(data, data, objective, parameters, seed=0)[0]
        for name in ("mlp", "silos"):
            families = ["a", "b"] * (data.x.shape[1] // 2)
            net = find(name).build(families, getattr(params, name), len(objective.classes) or 1)
            rng = np.random.default_rng(0)
            net.set_weights([rng.normal(size=weight.shape) for weight in net.get_weights()])
            yield name, data, Network.about(net, objective)


def test_a_model_read_back_predicts_the_same_bits_and_saves_the_same_bytes(tmp_path, params):
    for number, (name, data, fitted) in enumerate(fitted_models(params)):
        first, second = (tmp_path / f"{number}-{which}" for which in ("first", "second"))
        first.mkdir()
        second.mkdir()
        fitted.save(first)
        read = find(name).load(first)
        assert read.predict(data.known).tobytes() == fitted.predict(data.known).tobytes(), name
        (read if hasattr(read, "save") else fitted).save(second)
        for path in first.iterdir():
            assert path.read_bytes() == (second / path.name).read_bytes(), (name, path.name)


def test_a_model_that_does_not_exist_is_named():
    with pytest.raises(InputError, match="no such model 'oracle'"):
        find("oracle")


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_found_by_its_name_and_has_a_section_of_its_own(name):
    model = find(name)
    assert isinstance(model.FEATURES, bool)
    assert callable(model.load)
    ways = [way for way in ("fit", "fit_watching", "build") if hasattr(model, way)]
    assert len(ways) == 1
    assert name in sections(kind(name))


def test_a_run_has_a_folder_of_its_own():
    runs = ["ridge-0", "mlp-1", "silos-0", "lightgbm-12"]
    folders = ["baselines/ridge", "mlp/1", "silos/0", "lightgbm/12"]
    assert [str(run_folder(run)) for run in runs] == folders


def test_tensorflow_runs_deterministic_on_one_thread():
    tf = tensorflow()
    assert tf.config.threading.get_intra_op_parallelism_threads() == 1
    assert tf.config.threading.get_inter_op_parallelism_threads() == 1
