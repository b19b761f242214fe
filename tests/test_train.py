import csv
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT

from alpha.__main__ import main
from alpha.core.artifacts import read_json
from alpha.core.errors import InputError
from alpha.learn.dataset import Dataset, Known
from alpha.learn.history import Splits
from alpha.learn.kinds import KINDS, MODELS
from alpha.learn.losses import Objective
from alpha.learn.params import Train
from alpha.models.networks import mlp
from alpha.models.networks.backend import tensorflow
from alpha.models.networks.network import targets
from alpha.models.networks.params import Mlp
from alpha.models.networks.training import fit_network
from alpha.train import run as train

LOOP = {
    "pool": True,
    "learning_rate": 0.01,
    "batch_size": 64,
    "epochs": 8,
    "patience": 3,
    "threads": 1,
    "memory_mb": 100,
}


def dataset_of(rows: int, seed: int) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    y = 0.001 + 0.0005 * np.maximum(x[:, 0], 0) + 0.0001 * rng.normal(size=rows)
    return Dataset(
        np.arange(rows), Known(x, np.full((rows, 3), np.nan)), y, np.full(rows, np.nan),
        clipped=0, replaced=0, tz_aware=True,
    )  # fmt: skip


def splits(params, loss="mse"):
    data, valid = dataset_of(600, 1), dataset_of(300, 2)
    loss = params.loss.model_copy(update={"name": loss})
    return Splits(data, valid, Objective.fit(data.y, params.label, loss))


@pytest.fixture
def fit(params):
    def one(seed=0, *, hidden=(8,), loss="mse", **loop):
        tensorflow().keras.utils.set_random_seed(seed)
        net = mlp.build(["a"] * 4, Mlp(hidden=hidden, dropout=0.0, weight_decay=0.0), 1)
        return fit_network(net, splits(params, loss), Train(**{**LOOP, **loop}), seed=seed)

    return one


def test_the_loop_learns_what_there_is_to_learn(fit):
    _, history = fit()
    assert history[0].valid_loss == pytest.approx(1.0, abs=0.2)
    assert min(epoch.valid_loss for epoch in history) < 0.25


def test_the_same_seed_gives_the_same_bits_and_another_seed_other_ones(fit):
    known = dataset_of(50, 3).known
    first, again, other = (fit(seed, epochs=2)[0].predict(known) for seed in (4, 4, 5))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_training_stops_after_patience_epochs_and_keeps_the_best_weights(fit):
    """A learning rate this high soon makes valid worse."""
    model, history = fit(learning_rate=1.0, epochs=50, patience=2)
    best = min(history, key=lambda epoch: epoch.valid_loss)
    assert len(history) - 1 == best.epoch + 2 < 50
    valid = dataset_of(300, 2)
    loss = np.mean((model.predict(valid.known) - valid.y) ** 2) / dataset_of(600, 1).y.var()
    assert loss == pytest.approx(best.valid_loss, rel=1e-12)


def test_training_stops_by_valid_however_much_train_still_gains(params):
    """What raises outcomes on train lowers them on valid: nothing that is learnt helps there."""
    seen = splits(params)
    valid = replace(seen.valid, y=2 * seen.train.y.mean() - seen.valid.y)
    tensorflow().keras.utils.set_random_seed(0)
    net = mlp.build(["a"] * 4, Mlp(hidden=(8,), dropout=0.0, weight_decay=0.0), 1)
    model, history = fit_network(net, replace(seen, valid=valid), Train(**LOOP), seed=0)
    assert history[-1].train_loss < history[-2].train_loss < 1.0
    assert len(history) - 1 == LOOP["patience"]
    assert model.predict(valid.known) == pytest.approx(seen.train.y.mean())


# Train is twice as long as valid: it is measured on every second row, or on fewer where those
# would still be many.
@pytest.mark.parametrize(("watched", "every"), [(1 << 16, 2), (200, 3)])
def test_a_history_line_is_what_numpy_says_of_the_predictions(fit, watched, every, monkeypatch):
    monkeypatch.setattr("alpha.learn.history._WATCHED_ROWS", watched)
    model, history = fit(epochs=1)
    data, valid = dataset_of(600, 1), dataset_of(300, 2)
    prediction = model.predict(valid.known)
    line = history[1]
    some, y = data.known[::every], data.y[::every]
    constant = np.mean((data.y.mean() - y) ** 2)
    assert line.train_loss == pytest.approx(np.mean((model.predict(some) - y) ** 2) / constant)
    assert line.prediction_mean == pytest.approx(prediction.mean())
    assert line.prediction_std == pytest.approx(prediction.std())
    assert line.prediction_max == prediction.max()
    near = np.abs(prediction - data.y.mean()) <= 0.01 * data.y.std()
    assert line.near_mean_share == near.mean()


def test_before_training_every_prediction_is_the_train_mean(fit):
    _, history = fit(epochs=1)
    assert history[0].near_mean_share == 1.0
    assert history[0].train_loss == pytest.approx(1.0)


def test_a_batch_larger_than_the_data_is_the_whole_data(fit):
    _, history = fit(epochs=1, batch_size=10**6)
    assert history[1].train_loss < history[0].train_loss


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "quantile", "tail_mse"])
def test_every_loss_falls_below_that_of_its_best_constant(fit, loss):
    _, history = fit(loss=loss)
    assert history[0].train_loss == pytest.approx(1.0, abs=1e-5)
    assert history[-1].train_loss < 0.8


def test_one_epoch_at_a_tiny_learning_rate_hardly_leaves_the_mean(fit):
    """The loss falls all the same: this is what a collapsed model looks like in training."""
    _, history = fit(epochs=1, learning_rate=1e-6)
    assert history[1].train_loss < 1.0
    assert history[1].near_mean_share == 1.0


@pytest.mark.parametrize("model", MODELS)
def test_every_model_writes_a_model_and_a_history_with_the_same_bytes_twice(chain, tmp_path, model):
    """Whether it is watched live or not."""
    folder, params = chain
    for out, live in (("first", None), ("second", tmp_path / "live")):
        train.run(
            params.label, params.loss, params.train.model_copy(update={"epochs": 2}),
            {model: getattr(params, model)}, seed=3, train=folder / "splits" / "0" / "train",
            valid=folder / "splits" / "0" / "valid", normalization=folder / "normalize" / "0.json",
            out=tmp_path / out, live=live,
        )  # fmt: skip
    networks = {"mlp": ["metrics.json"], "silos": ["matched_mlp/metrics.json", "metrics.json"]}
    watched = [str(path.relative_to(live)) for path in sorted(live.rglob("metrics.json"))]
    assert watched == networks.get(model, [])
    files = [path for path in (tmp_path / "first").rglob("*") if path.is_file()]
    names = {str(path.relative_to(tmp_path / "first")) for path in files}
    assert {"model.json", "history.csv"} < names
    assert ("matched_mlp/model.json" in names) == (model == "silos")
    for name in names:
        first, second = (tmp_path / out / name for out in ("first", "second"))
        assert first.read_bytes() == second.read_bytes(), name
    about = read_json(tmp_path / "first" / "model.json")
    assert (about["model"], about["seed"]) == (model, 3)
    with (tmp_path / "first" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert (len(rows) > 1) == (model in ("mlp", "silos", "lightgbm"))
    assert set(rows[0]) == {
        "epoch", "train_loss", "valid_loss", "prediction_mean", "prediction_std",
        "prediction_max", "near_mean_share",
    }  # fmt: skip


def test_another_seed_starts_from_other_weights_and_grows_other_trees(chain, tmp_path):
    """Seen at a learning rate that moves no weight."""
    folder, params = chain
    still = params.train.model_copy(update={"epochs": 1, "learning_rate": 1e-12})
    for model in ("mlp", "lightgbm"):
        for seed in (0, 1):
            train.run(
                params.label, params.loss, still, {model: getattr(params, model)}, seed=seed,
                train=folder / "splits" / "0" / "train", valid=folder / "splits" / "0" / "valid",
                normalization=folder / "normalize" / "0.json", out=tmp_path / model / str(seed),
            )  # fmt: skip
    one, other = (np.load(tmp_path / "mlp" / seed / "weights.npz")["000"] for seed in "01")
    assert np.abs(one - other).max() > 0.01
    one, other = ((tmp_path / "lightgbm" / seed / "trees.txt").read_text() for seed in "01")
    assert one != other


def test_a_configuration_is_the_same_for_every_seed_and_another_for_other_parameters(
    chain, tmp_path
):
    folder, params = chain

    def configuration(seed, loop, penalty):
        train.run(params.label, params.loss, loop,
                  {"ridge": params.ridge.model_copy(update=penalty)}, seed=seed,
                  train=folder / "splits" / "0" / "train",
                  valid=folder / "splits" / "0" / "valid", out=tmp_path / "out",
                  normalization=folder / "normalize" / "0.json")  # fmt: skip
        return read_json(tmp_path / "out" / "model.json")["configuration"]

    first = configuration(0, params.train, {})
    assert configuration(1, params.train, {}) == first
    assert configuration(0, params.train, {"penalty": 7.0}) != first
    # A closed form has no epochs.
    assert configuration(0, params.train.model_copy(update={"epochs": 9}), {}) == first


def test_all_weights_in_one_vector_are_trained_as_each_by_itself(params):
    """Against the plain loop: a product and an update for each of the network's variables."""
    tf, seen = tensorflow(), splits(params)
    nets = [
        mlp.build(["a"] * 4, Mlp(hidden=(8, 5), dropout=0.0, weight_decay=0.01), 1) for _ in "ab"
    ]
    nets[1].set_weights(nets[0].get_weights())
    loop = Train(**{**LOOP, "epochs": 1, "patience": 9})
    model, _ = fit_network(nets[0], seen, loop, seed=3)
    x, y = seen.train.x, targets(seen.train.y, model, seen.objective)
    optimizer = tf.keras.optimizers.Adam(loop.learning_rate)
    order = np.random.default_rng(3).permutation(600)
    for start in range(0, 600 - 64 + 1, 64):
        chosen = order[start : start + 64]
        with tf.GradientTape() as tape:
            error = nets[1](x[chosen], training=True) - y[chosen]
            loss = tf.reduce_mean(tf.square(error)) + sum(nets[1].losses)
        variables = nets[1].trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
    for found, expected in zip(*(net.get_weights() for net in nets), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_all_baselines_at_once_are_each_by_itself(chain, tmp_path):
    folder, params = chain
    paths = {
        "train": folder / "splits" / "0" / "train",
        "valid": folder / "splits" / "0" / "valid",
        "normalization": folder / "normalize" / "0.json",
    }
    parameters = {model: getattr(params, model) for model in KINDS["baselines"]}
    both = {"seed": 0, **paths}
    train.run(params.label, params.loss, params.train, parameters, out=tmp_path / "all",
              in_folders=True, **both)  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == sorted(parameters)
    for model, of_model in parameters.items():
        out = tmp_path / model
        train.run(params.label, params.loss, params.train, {model: of_model}, out=out, **both)
        for path in out.iterdir():
            assert path.read_bytes() == (tmp_path / "all" / model / path.name).read_bytes()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "either --model or --kind must be given, found neither"),
        (
            ["--model", "ridge", "--seed", "0", "--kind", "baselines"],
            "either --model or --kind must be given, found both",
        ),
        (["--kind", "networks"], "--kind must be baselines, found 'networks'"),
        (["--kind", "baselines", "--seed", "1"], "--seed must be given with --model, and with it"),
        (["--model", "ridge"], "--seed must be given with --model, and with it alone"),
        (["--model", "oracle", "--seed", "0"], "no such model 'oracle'"),
    ],
)
def test_one_model_or_all_baselines_are_asked_for(capsys, words, problem):
    paths = [f"--{name}=none" for name in ("train", "valid", "normalization", "out")]
    assert main(["train", *words, *paths]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert problem in line


def test_only_networks_load_tensorflow(chain, tmp_path):
    folder, _ = chain
    program = (
        "import sys; from alpha.__main__ import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "print([name for name in ('tensorflow', 'dvc', 'dvclive') if name in sys.modules])\n"
    )
    found = {}
    for model in ("baselines", "mlp"):
        which = ["--kind", model] if model == "baselines" else ["--model", model, "--seed", "0"]
        paths = [
            f"--train={folder}/splits/0/train", f"--valid={folder}/splits/0/valid",
            f"--normalization={folder}/normalize/0.json", f"--out={tmp_path}/{model}",
            f"--live={tmp_path}/live", "--params=tests/params.yaml",
        ]  # fmt: skip
        command = [sys.executable, "-c", program, "train", *which, *paths]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        found[model] = done.stdout
    assert found == {"baselines": "[]\n", "mlp": "['tensorflow']\n"}


def test_a_split_that_is_missing_is_refused_and_nothing_is_written(chain, tmp_path):
    folder, params = chain
    with pytest.raises(InputError, match="none/rows.json: cannot be read"):
        train.run(params.label, params.loss, params.train, {"ridge": params.ridge}, seed=0,
                  train=folder / "none", valid=folder / "none",
                  normalization=folder / "normalize" / "0.json", out=tmp_path / "out")  # fmt: skip
    assert list(tmp_path.iterdir()) == []
