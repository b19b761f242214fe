import hashlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from zipfile import ZipFile

import numpy as np
import pytest
import skops.io
from adding_models import EXAMPLES, write_examples
from conftest import PARAMS_TEXT, ROOT
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer
from test_models import direction_dataset, objective_of, random_dataset

import alpha.models.own
from alpha.check import parse
from alpha.core.artifacts import read_json
from alpha.core.errors import InputError
from alpha.learn.dataset import Dataset, Known
from alpha.learn.kinds import KINDS, kind
from alpha.models.own import Estimator

TREE = "sklearn.tree._tree.Tree"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A second folder of models of one's own, with those of the page."""
    folder = tmp_path / "own"
    folder.mkdir()
    write_examples(folder)
    monkeypatch.setitem(KINDS, "own", {name: name for name in EXAMPLES})
    monkeypatch.setattr(alpha.models.own, "__path__", [*alpha.models.own.__path__, str(folder)])
    yield folder
    for name in EXAMPLES:
        sys.modules.pop(f"alpha.models.own.{name}", None)


def with_own(text: str) -> str:
    assert "\nown: {}\n" in PARAMS_TEXT
    return PARAMS_TEXT.replace("\nown: {}\n", f"\nown: {text}\n")


def model_of(make, trusted=()):
    class Model(Estimator):
        TRUSTED = tuple(trusted)

    Model.make = staticmethod(lambda parameters, objective: make())
    return Model


def fitted(make, data: Dataset, *, target="up", trusted=(), seed=0, **loss):
    model = model_of(make, trusted)
    return model.fit_watching(data, data, objective_of(data, target, **loss), None, seed=seed)[0]


def forest() -> ExtraTreesRegressor:
    return ExtraTreesRegressor(n_estimators=5, min_samples_leaf=20)


def pipeline():
    return make_pipeline(QuantileTransformer(n_quantiles=50), Ridge())


MADE = [
    (forest, "up", [TREE]),
    (lambda: Ridge(alpha=3.0), "up", []),
    (pipeline, "up", []),
    (lambda: KNeighborsRegressor(algorithm="brute"), "up", []),
    (lambda: RandomForestClassifier(5, min_samples_leaf=20), "direction", [TREE]),
    (lambda: LogisticRegression(), "direction", []),
]
NAMES = ["trees", "line", "pipeline", "neighbours", "forest", "logistic"]


@pytest.mark.parametrize(("make", "target", "trusted"), MADE, ids=NAMES)
def test_an_estimator_read_back_predicts_the_same_bits_of_a_row_wherever_it_stands(
    tmp_path, make, target, trusted
):
    data = random_dataset(5000) if target == "up" else direction_dataset(5000)
    model = fitted(make, data, target=target, trusted=trusted)
    whole = model.predict(data.known)
    assert whole.shape == ((5000,) if target == "up" else (5000, 3))
    if target != "up":
        np.testing.assert_allclose(whole.sum(axis=1), 1.0)
    model.save(tmp_path)
    read = type(model).load(tmp_path)
    assert read.predict(data.known).tobytes() == whole.tobytes()
    order = np.random.default_rng(0).permutation(5000)
    moved = read.predict(Known(data.x[order], data.known.past[order]))
    assert (moved == whole[order]).all()
    for row in (0, 1, 4095, 4096, 4999):
        assert (read.predict(data.known[row : row + 1])[0] == whole[row]).all()
    assert len(read.predict(data.known[:0])) == 0


def test_a_regression_is_of_outcomes_in_sigmas_about_the_mean():
    """Ridge's penalty on sigmas, by hand."""
    data = random_dataset()
    x, mean, sigma = data.x.astype(float), data.y.mean(), data.y.std()
    centered = x - x.mean(axis=0)
    weights = np.linalg.solve(
        centered.T @ centered + 3.0 * np.eye(6), centered.T @ ((data.y - mean) / sigma)
    )
    expected = mean + sigma * centered @ weights
    found = fitted(lambda: Ridge(alpha=3.0), data).predict(data.known)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_class_that_train_never_showed_has_the_probability_0_in_its_own_column():
    data = direction_dataset()
    without = data.y != 0
    seen = Dataset(
        data.time_ns[without], Known(data.x[without], data.known.past[without]), data.y[without],
        data.volatility[without], clipped=0, replaced=0, tz_aware=True,
    )  # fmt: skip
    found = fitted(LogisticRegression, seen, target="direction").predict(seen.known)
    assert (found[:, 1] == 0).all()
    assert ((found[:, 2] > found[:, 0]) == (seen.y > 0)).mean() > 0.9


def test_rows_weigh_as_they_do_in_the_loss():
    """Of two classes without a feature, balanced, each is as likely."""
    data = random_dataset(500, features=1)
    large = Dataset(
        data.time_ns, Known(0 * data.x, data.known.past), (np.arange(500) % 5 == 0) * 1.0,
        data.volatility, clipped=0, replaced=0, tz_aware=True,
    )  # fmt: skip
    for weights, share in (("none", 0.2), ("balanced", 0.5)):
        model = fitted(LogisticRegression, large, target="large_move", class_weights=weights)
        np.testing.assert_allclose(model.predict(large.known)[:, 1], share, atol=1e-3)


def test_another_seed_grows_other_trees_in_a_pipeline_too():
    data = random_dataset()
    for make in (forest, lambda: make_pipeline(forest())):
        first, again, other = (
            fitted(make, data, trusted=[TREE], seed=seed).predict(data.known) for seed in (1, 1, 2)
        )
        assert first.tobytes() == again.tobytes()
        assert first.tobytes() != other.tobytes()


def test_types_that_are_not_trusted_are_refused_in_training_and_in_loading(tmp_path):
    data = random_dataset()
    with pytest.raises(InputError, match=f"TRUSTED must list .*: {TREE}$"):
        fitted(forest, data).save(tmp_path)
    assert list(tmp_path.iterdir()) == []
    fitted(forest, data, trusted=[TREE]).save(tmp_path)
    with pytest.raises(InputError) as caught:
        model_of(forest).load(tmp_path)
    assert "estimator.skops: must hold a model of trusted types" in str(caught.value)
    assert TREE in str(caught.value)
    assert "\n" not in str(caught.value)


class Harm:
    """What pickle would run."""

    def __reduce__(self):
        return os.system, ("touch harm",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"\x80\x04}.",
        skops.io.dumps(Harm()),
        skops.io.dumps({"of": os.system}),
    ],
    ids=["empty", "no zip", "pickle", "reduce", "function"],
)
def test_a_file_that_was_tampered_with_is_refused_in_one_line(tmp_path, monkeypatch, content):
    """Though it is what model.json says."""
    monkeypatch.chdir(tmp_path)
    fitted(forest, random_dataset(), trusted=[TREE]).save(tmp_path)
    (tmp_path / "estimator.skops").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(InputError) as caught:
            model_of(forest, [TREE]).load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/estimator.skops: must hold a model of trusted")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "harm").exists()


def test_nothing_in_the_file_says_when_or_where_in_memory_it_was_made(tmp_path):
    fitted(forest, random_dataset(), trusted=[TREE]).save(tmp_path)
    with ZipFile(tmp_path / "estimator.skops") as file:
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert all(len(name) < 5 for name in file.namelist()[1:])
        numbers = []
        json.loads(
            file.read("schema.json"), object_hook=lambda node: numbers.append(node.get("__id__"))
        )
    found = [number for number in numbers if number is not None]
    assert found
    assert max(found) < 10_000


def test_the_page_s_examples_are_formatted_and_linted_as_all_code_is(own):
    for words in (["format", "--check"], ["check"]):
        command = ["ruff", *words, "--config", str(ROOT / "pyproject.toml"), str(own)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


# That networks of Keras do, tests of the workflow show of our own.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "wide")) for name in EXAMPLES]
)
def test_the_page_s_examples_give_the_same_bytes_and_predictions_in_every_process(
    chain, tmp_path, name
):
    """By the commands, from a copy of the package with one file more and a line of params."""
    folder, _ = chain
    shutil.copytree(ROOT / "alpha", tmp_path / "alpha")
    write_examples(tmp_path / "alpha/models/own")
    line = EXAMPLES[name][1].removeprefix("own: ").strip()
    text = with_own(line).replace("epochs: 12", "epochs: 2")
    (tmp_path / "params.yaml").write_text(text)
    digests = []
    for seed in "12":
        out = tmp_path / seed
        shared = [f"--normalization={folder}/normalize/0.json"]
        splits = f"{folder}/splits/0"
        train = ["train", "--model", name, "--seed", "3", f"--train={splits}/train",
                 f"--valid={splits}/valid", f"--out={out}/train/3", *shared]  # fmt: skip
        predict = ["predict", f"--models={out}/train", f"--splits={splits}"]
        predict += [f"--out={out}/predict", *shared]
        code = f"from alpha.__main__ import main; assert main({train}) == main({predict}) == 0"
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        )
        files = sorted(path for path in out.rglob("*") if path.is_file())
        digests.append(
            {
                str(path.relative_to(out)): hashlib.md5(path.read_bytes()).hexdigest()
                for path in files
            }
        )
    assert digests[0] == digests[1]
    assert {"train/3/model.json", "train/3/history.csv", "predict/3/test.h5"} <= set(digests[0])


def model_parameters(name, **values):
    [found] = parse(with_own(json.dumps({name: values})), source="p").own.values()
    return found


def test_params_of_one_s_own_are_validated_as_their_file_says(own):
    params = parse(with_own("{wide: {units: 3}, boosting: {max_iter: 1, learning_rate: 1.0}}"),
                   source="p")  # fmt: skip
    assert list(params.own) == ["wide", "boosting"]
    assert params.own["wide"].units == 3
    assert kind("wide") == "own"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{wide: {units: 0}}", r"own\.wide\.units: .*, found 0"),
        ("{wide: {}}", r"own\.wide\.units: is missing"),
        ("{wide: {units: 1, more: 2}}", r"own\.wide\.more: no such key"),
        ("{wide: }", r"own\.wide: .*, found"),
        ("[wide]", r"own: .*, found"),
        (
            "{wild: {}}",
            r"own\.wild.*: must be one of boosting, wide, deciles .* not taken.*, found 'wild'",
        ),
        (
            "{mlp: {}}",
            r"own\.mlp.*: must be one of boosting, wide, deciles .* not taken.*, found 'mlp'",
        ),
    ],
)
def test_what_is_wrong_with_them_is_said_in_one_line(own, text, message):
    """A name of the models that come with the project is taken."""
    with pytest.raises(InputError, match=f"p: {message}") as caught:
        parse(with_own(text), source="p")
    assert "\n" not in str(caught.value)


def test_without_a_file_of_one_s_own_there_is_none_to_name(monkeypatch):
    monkeypatch.setitem(KINDS, "own", {})
    with pytest.raises(
        InputError, match="own.wide.*: must be one of none .*alpha/models/own.*, found"
    ):
        parse(with_own("{wide: {}}"), source="p")


def test_a_model_of_one_s_own_without_parameters_needs_no_section_for_them(own):
    (own / "wide.py").write_text("class Model: ...\n")
    assert parse(with_own("{wide: {}}"), source="p").own["wide"].model_dump() == {}
    with pytest.raises(InputError, match=r"own\.wide\.units: no such key"):
        parse(with_own("{wide: {units: 1}}"), source="p")


def test_a_history_of_what_was_not_watched_has_the_line_of_the_end(chain, own, tmp_path):
    from alpha.train import run as train

    folder, params = chain
    train.run(
        params.label, params.loss, params.train,
        {"boosting": model_parameters("boosting", max_iter=2, learning_rate=0.1)}, seed=0,
        train=folder / "splits" / "0" / "train", valid=folder / "splits" / "0" / "valid",
        normalization=folder / "normalize" / "0.json", out=tmp_path / "out",
    )  # fmt: skip
    lines = (tmp_path / "out" / "history.csv").read_text().splitlines()
    assert len(lines) == 2
    assert all(lines[1].split(","))
    assert read_json(tmp_path / "out" / "model.json")["model"] == "boosting"


class MeanOfEach:
    """An estimator of nobody's library: the mean outcome, whatever the features."""

    def fit(self, x, y):
        self.mean = float(y.mean())
        return self

    def predict(self, x):
        return np.full(len(x), self.mean)


def test_whatever_has_fit_and_predict_is_an_estimator(tmp_path):
    train = random_dataset()
    model = fitted(MeanOfEach, train, trusted=[f"{MeanOfEach.__module__}.MeanOfEach"])
    model.save(tmp_path)
    again = type(model).load(tmp_path)
    assert again.predict(train.known) == pytest.approx(train.y.mean())


def test_a_file_without_a_model_is_refused_before_anything_runs(own):
    (own / "empty.py").write_text("x = 1\n")
    KINDS["own"]["empty"] = "empty"
    with pytest.raises(InputError, match=r"own: alpha/models/own/empty.py must have a class Model"):
        parse(with_own("{empty: {}}"), source="p")
