import csv

import numpy as np
import pytest

from alpha import train
from alpha.artifacts import read_json
from alpha.dataset import Dataset
from alpha.errors import InputError
from alpha.models import mlp
from alpha.models.network import tensorflow
from alpha.params import Mlp, Train

KNOBS = {"learning_rate": 0.01, "batch_size": 64, "epochs": 8, "patience": 3}


def dataset_of(rows: int, seed: int) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    y = 0.001 + 0.0005 * np.maximum(x[:, 0], 0) + 0.0001 * rng.normal(size=rows)
    return Dataset(np.arange(rows), x, y, clipped=0, replaced=0, aware=True)


def fit(seed=0, *, hidden=(8,), **knobs):
    tensorflow().keras.utils.set_random_seed(seed)
    net = mlp.build(4, Mlp(hidden=hidden, dropout=0.0, weight_decay=0.0))
    knobs = Train(**{**KNOBS, **knobs})
    return train.fit_network(net, dataset_of(600, 1), dataset_of(300, 2), knobs, seed=seed)


def test_the_loop_learns_what_there_is_to_learn():
    _, history = fit()
    assert history[0].valid_loss == pytest.approx(1.0, abs=0.2)
    assert min(epoch.valid_loss for epoch in history) < 0.25


def test_the_same_seed_gives_the_same_bits_and_another_seed_other_ones():
    x = dataset_of(50, 3).x
    first, again, other = (fit(seed, epochs=2)[0].predict(x) for seed in (4, 4, 5))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_training_stops_after_patience_epochs_and_keeps_the_best_weights():
    """A learning rate this high soon makes valid worse."""
    model, history = fit(learning_rate=1.0, epochs=50, patience=2)
    best = min(history, key=lambda epoch: epoch.valid_loss)
    assert len(history) - 1 == best.epoch + 2 < 50
    valid = dataset_of(300, 2)
    loss = np.mean((model.predict(valid.x) - valid.y) ** 2) / dataset_of(600, 1).y.var()
    assert loss == pytest.approx(best.valid_loss, rel=1e-12)


def test_a_history_line_is_what_numpy_says_of_the_predictions():
    model, history = fit(epochs=1)
    data, valid = dataset_of(600, 1), dataset_of(300, 2)
    prediction = model.predict(valid.x)
    line = history[1]
    assert line.train_loss == pytest.approx(
        np.mean((model.predict(data.x) - data.y) ** 2) / data.y.var()
    )
    assert line.prediction_mean == pytest.approx(prediction.mean())
    assert line.prediction_std == pytest.approx(prediction.std())
    assert line.prediction_max == prediction.max()
    near = np.abs(prediction - data.y.mean()) <= 0.01 * data.y.std()
    assert line.near_mean_share == near.mean()


def test_before_training_every_prediction_is_the_train_mean():
    _, history = fit(epochs=1)
    assert history[0].near_mean_share == 1.0
    assert history[0].train_loss == pytest.approx(1.0)


def test_a_batch_larger_than_the_data_is_the_whole_data():
    _, history = fit(epochs=1, batch_size=10**6)
    assert history[1].train_loss < history[0].train_loss


def test_outcomes_that_are_all_equal_do_not_divide_by_zero():
    assert train.Scale.of(np.full(5, 2.0)) == train.Scale(2.0, 1.0)


@pytest.mark.parametrize("model", ["mean", "ridge", "mlp"])
def test_every_rung_writes_a_model_and_a_history_with_the_same_bytes_twice(chain, tmp_path, model):
    folder, params = chain
    for out in ("first", "second"):
        train.run(
            params.train.model_copy(update={"epochs": 2}), getattr(params, model), model=model,
            seed=3, train=folder / "splits" / "train", valid=folder / "splits" / "valid",
            normalization=folder / "contract.json", out=tmp_path / out,
        )  # fmt: skip
    names = {path.name for path in (tmp_path / "first").iterdir()}
    assert {"model.json", "history.csv"} < names
    for name in names:
        first, second = (tmp_path / out / name for out in ("first", "second"))
        assert first.read_bytes() == second.read_bytes(), name
    about = read_json(tmp_path / "first" / "model.json")
    assert (about["model"], about["seed"]) == (model, 3)
    with (tmp_path / "first" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == (3 if model == "mlp" else 1)
    assert set(rows[0]) == {
        "epoch", "train_loss", "valid_loss", "prediction_mean", "prediction_std",
        "prediction_max", "near_mean_share",
    }  # fmt: skip


def test_a_split_that_is_missing_is_refused_and_nothing_is_written(chain, tmp_path):
    folder, params = chain
    with pytest.raises(InputError, match="must be a split's folder"):
        train.run(params.train, params.ridge, model="ridge", seed=0, train=folder / "none",
                  valid=folder / "none", normalization=folder / "contract.json",
                  out=tmp_path / "out")  # fmt: skip
    assert list(tmp_path.iterdir()) == []
