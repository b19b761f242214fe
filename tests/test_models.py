import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha import models
from alpha.dataset import Dataset
from alpha.errors import InputError
from alpha.models import mean, mlp, ridge
from alpha.models.network import Network, tensorflow
from alpha.params import Mean, Mlp, Ridge


def dataset_of(x: np.ndarray, y: np.ndarray) -> Dataset:
    x = x.astype(np.float32)
    return Dataset(np.arange(len(y)), x, y, clipped=0, replaced=0, aware=True)


def random_dataset(rows=500, features=6, seed=0) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features))
    return dataset_of(x, 3 + x @ np.arange(features) + rng.normal(size=rows))


def test_mean_is_the_constant_with_the_least_squared_error():
    data = random_dataset()
    fitted = mean.fit(data, Mean())
    losses = [np.mean((data.y - value) ** 2) for value in fitted.value + np.array([-0.01, 0, 0.01])]
    assert np.argmin(losses) == 1
    assert (fitted.predict(data.x) == fitted.value).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 1e4))
def test_ridge_solves_the_penalized_problem_with_a_free_intercept(seed, penalty):
    """Against least squares on rows augmented by √penalty · I, the textbook reduction."""
    data = random_dataset(rows=50, seed=seed)
    fitted = ridge.fit(data, Ridge(penalty=penalty))
    x = data.x.astype(np.float64)
    top = np.column_stack((np.ones(len(x)), x))
    bottom = np.column_stack((np.zeros(6), np.sqrt(penalty) * np.eye(6)))
    target = np.concatenate((data.y, np.zeros(6)))
    expected = np.linalg.lstsq(np.vstack((top, bottom)), target, rcond=None)[0]
    np.testing.assert_allclose([fitted.intercept, *fitted.weights], expected, rtol=1e-8, atol=1e-9)


def test_ridge_takes_collinear_and_constant_features_without_penalty():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 1))
    data = dataset_of(np.column_stack((x, x, np.zeros(200))), 2 * x[:, 0] + 1)
    fitted = ridge.fit(data, Ridge(penalty=0.0))
    np.testing.assert_allclose(fitted.predict(data.x), data.y, atol=1e-5)
    np.testing.assert_allclose(fitted.weights, [1, 1, 0], atol=1e-5)


def test_a_ridge_prediction_does_not_depend_on_the_rows_beside_it():
    data = random_dataset(rows=40_000)
    fitted = ridge.fit(data, Ridge(penalty=1.0))
    whole = fitted.predict(data.x)
    assert all(
        fitted.predict(data.x[row : row + 1])[0] == whole[row] for row in range(0, 40_000, 997)
    )


def test_an_mlp_starts_at_the_train_mean_and_has_the_layers_of_its_knobs():
    net = mlp.build(7, Mlp(hidden=(5, 3), dropout=0.1, weight_decay=0.0))
    assert net.count_params() == (7 * 5 + 5) + (5 * 3 + 3) + (3 + 1)
    x = np.random.default_rng(0).normal(size=(9, 7)).astype(np.float32)
    assert (Network(net, 0.25, 2.0).predict(x) == 0.25).all()


def fitted_models():
    data = random_dataset()
    net = mlp.build(6, Mlp(hidden=(5,), dropout=0.0, weight_decay=0.0))
    rng = np.random.default_rng(0)
    net.set_weights([rng.normal(size=weight.shape) for weight in net.get_weights()])
    return {
        "mean": mean.fit(data, Mean()),
        "ridge": ridge.fit(data, Ridge(penalty=1.0)),
        "mlp": Network(net, 0.1, 3.0),
    }


@pytest.mark.parametrize("name", ["mean", "ridge", "mlp"])
def test_a_model_read_back_predicts_the_same_bits_and_saves_the_same_bytes(tmp_path, name):
    fitted = fitted_models()[name]
    x = random_dataset(seed=5).x
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    fitted.save(tmp_path / "first")
    read = models.rung(name).load(tmp_path / "first")
    assert read.predict(x).tobytes() == fitted.predict(x).tobytes()
    read.save(tmp_path / "second")
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_a_rung_that_does_not_exist_is_named():
    with pytest.raises(InputError, match="no such rung 'oracle'"):
        models.rung("oracle")


def test_tensorflow_runs_deterministic_on_one_thread():
    tf = tensorflow()
    assert tf.config.threading.get_intra_op_parallelism_threads() == 1
    assert tf.config.threading.get_inter_op_parallelism_threads() == 1
