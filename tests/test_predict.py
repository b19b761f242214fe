import weakref
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from alpha.core.artifacts import read_json, write_json
from alpha.core.errors import InputError
from alpha.data import contract as normalization
from alpha.learn import dataset
from alpha.learn.dataset import Dataset, Known
from alpha.learn.kinds import MODELS, loader
from alpha.learn.saved import Model, load_model
from alpha.predict import run as predict
from alpha.train import run as train


@pytest.fixture
def ridge(chain, tmp_path):
    folder, _ = chain
    return folder, trained(chain, "ridge", tmp_path / "model")


def trained(chain, model, out, **label):
    """The folder of a model trained on the chain's splits."""
    folder, params = chain
    train.run(
        params.label.model_copy(update=label), params.loss,
        params.train.model_copy(update={"epochs": 2}), {model: getattr(params, model)}, seed=0,
        train=folder / "splits" / "0" / "train", valid=folder / "splits" / "0" / "valid",
        normalization=folder / "normalize" / "0.json", out=out,
    )  # fmt: skip
    return out


def test_predictions_stand_beside_the_outcomes_of_every_row_of_every_split(ridge, tmp_path):
    folder, model = ridge
    out = tmp_path / "out"
    predict.run(models=model, splits=folder / "splits" / "0", out=out,
                normalization=folder / "normalize" / "0.json")  # fmt: skip
    contract = normalization.read_contract(folder / "normalize" / "0.json")
    counted = read_json(out / "inputs.json")
    for name in ("train", "valid", "test"):
        split = pd.read_hdf(folder / "splits" / "0" / name / "a.h5", "df")
        written = pd.read_hdf(out / f"{name}.h5", "df")
        assert (written.index == split.index).all()
        assert (written.alpha_outcome == split.alpha_outcome).all()
        pd.testing.assert_series_equal(written.past_volatility, split.past_volatility)
        line = read_json(model / "parameters.json")
        z = (split[list(contract.names)].to_numpy(float) - contract.mean) / contract.sigma
        expected = line["intercept"] + z @ np.array(line["weights"])
        np.testing.assert_allclose(written.prediction, expected[:, 0], atol=1e-9)
        assert counted[name] == {"rows": len(split), "clipped": 0, "replaced": 0}


def test_a_model_of_another_contract_is_refused(ridge, tmp_path):
    folder, model = ridge
    content = read_json(folder / "normalize" / "0.json")
    content["clip"] = 5.0
    del content["hash"]
    changed = normalization.Contract(
        **{key: np.array(content[key]) for key in ("mean", "sigma", "finite", "nan", "inf")},
        names=tuple(content["names"]), families=tuple(content["families"].values()),
        clip=5.0, rows=content["rows"],
    )  # fmt: skip
    with pytest.raises(InputError, match="was trained under another normalization contract"):
        load_model(model, changed)


def test_a_folder_that_is_no_model_is_named(tmp_path, ridge):
    folder, _ = ridge
    contract = normalization.read_contract(folder / "normalize" / "0.json")
    with pytest.raises(InputError, match=r"model\.json: cannot be read"):
        load_model(tmp_path / "none", contract)
    (tmp_path / "odd").mkdir()
    about = read_json(ridge[1] / "model.json") | {"model": "oracle"}
    write_json(tmp_path / "odd" / "model.json", about)
    with pytest.raises(InputError, match="no such model 'oracle'"):
        load_model(tmp_path / "odd", contract)


@pytest.mark.parametrize("model", MODELS)
def test_a_file_of_a_model_that_is_damaged_or_missing_is_named_and_not_loaded(
    chain, tmp_path, monkeypatch, model
):
    out = trained(chain, model, tmp_path / "model")
    contract = normalization.read_contract(chain[0] / "normalize" / "0.json")
    assert load_model(out, contract)

    def load(folder):
        raise AssertionError("must not be loaded")

    monkeypatch.setattr(loader(model), "load", load)
    beside = {"model.json", "history.csv", "importance.json"}
    for folder in [path.parent for path in out.rglob("model.json")]:
        files = [path for path in folder.iterdir() if path.is_file() and path.name not in beside]
        assert {path.name for path in files} == set(read_json(folder / "model.json")["files"])
        for path in files:
            whole = path.read_bytes()
            flipped = whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]
            for damaged in (b"", whole[:-1], whole[: len(whole) // 2], flipped, whole + b"\n"):
                path.write_bytes(damaged)
                assert refusal(folder, contract) == (
                    f"{path}: was changed after training (its digest does not match model.json); "
                    "train again"
                )
            path.unlink()
            expected = f"{path}: cannot be read: No such file or directory"
            assert refusal(folder, contract) == expected
            path.mkdir()
            must = "must be a file, found a folder, a pipe or a device"
            assert refusal(folder, contract) == f"{path}: {must}"
            path.rmdir()
            path.write_bytes(whole)


def test_a_matched_mlp_that_is_damaged_is_refused_before_anything_is_written(chain, tmp_path):
    folder, _ = chain
    model = trained(chain, "silos", tmp_path / "model")
    (model / "matched_mlp" / "weights.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"matched_mlp/weights\.npz: was changed after training"):
        predict.run(models=model, splits=folder / "splits" / "0", out=tmp_path / "out",
                    normalization=folder / "normalize" / "0.json")  # fmt: skip
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ([], "model: must be the name of a model"),
        (None, "model: must be the name of a model"),
        ({"model": ...}, "model: must be the name of a model"),
        ({"model": 7}, "model: must be the name of a model"),
        ({"normalization": ...}, "normalization: must be the hash of a contract"),
        ({"normalization": None}, "normalization: must be the hash of a contract"),
        ({"classes": ...}, "classes: must be the codes of classes, ascending, or none"),
        ({"classes": ["up"]}, "classes: must be the codes of classes, ascending, or none"),
        ({"classes": [3.0]}, "classes: must be the codes of classes, ascending, or none"),
        ({"classes": [1.0, 0.0]}, "classes: must be the codes of classes, ascending, or none"),
        ({"files": ...}, "files: must be SHA-256 hashes by names of files"),
        ({"files": ["parameters.json"]}, "files: must be SHA-256 hashes by names of files"),
        ({"files": {}}, "files: must be SHA-256 hashes by names of files"),
        ({"files": {"a.\n json": 1}}, "files: must be SHA-256 hashes by names of files"),
        ({"files": {"a.json": 1}}, "files: must be SHA-256 hashes by names of files"),
        ({"files": {"../contract.json": "0" * 64}},
         "files: must be SHA-256 hashes by names of files"),
    ],
)  # fmt: skip
def test_a_malformed_model_json_is_named_with_its_first_problem(ridge, change, problem):
    folder, model = ridge
    about = change
    if isinstance(change, dict):
        about = read_json(model / "model.json") | change
        about = {key: value for key, value in about.items() if value is not ...}
    write_json(model / "model.json", about)
    contract = normalization.read_contract(folder / "normalize" / "0.json")
    assert refusal(model, contract) == f"{model / 'model.json'}: {problem}"


def refusal(folder, contract):
    with pytest.raises(InputError) as caught:
        load_model(folder, contract)
    return str(caught.value)


def test_what_a_model_predicts_does_not_depend_on_the_split_it_is_asked_for(ridge):
    """Prediction has no state: test alone gives what all splits together give."""
    folder, model = ridge
    contract = normalization.read_contract(folder / "normalize" / "0.json")
    fitted = load_model(model, contract).fitted
    test = dataset.load(folder / "splits" / "0" / "test", contract).known
    twice = Known(*(np.concatenate([part[::-1], part]) for part in (test.x, test.past)))
    assert (fitted.predict(twice)[len(test) :] == fitted.predict(test)).all()


def test_families_cannot_change_between_training_and_prediction(chain, tmp_path):
    """Which features a silo sees is part of what was trained."""
    folder, _ = chain
    model = trained(chain, "silos", tmp_path / "model")
    contract = normalization.read_contract(folder / "normalize" / "0.json")
    load_model(model, contract)
    swapped = replace(contract, families=contract.families[::-1])
    with pytest.raises(InputError, match="under another normalization contract"):
        load_model(model, swapped)
    with pytest.raises(InputError, match="under another normalization contract"):
        load_model(model / "matched_mlp", swapped)


def test_a_matched_mlp_s_predictions_stand_beside_its_model_s(chain, tmp_path):
    folder, _ = chain
    model = trained(chain, "silos", tmp_path / "model")
    predict.run(models=model, splits=folder / "splits" / "0", out=tmp_path / "out",
                normalization=folder / "normalize" / "0.json")  # fmt: skip
    contract = normalization.read_contract(folder / "normalize" / "0.json")
    known = dataset.load(folder / "splits" / "0" / "test", contract).known
    for of, at in ((model, "."), (model / "matched_mlp", "matched_mlp")):
        written = pd.read_hdf(tmp_path / "out" / at / "test.h5", "df")
        fitted = load_model(of, contract).fitted
        assert written.prediction.to_numpy().tobytes() == fitted.predict(known).tobytes()


def test_all_models_of_a_folder_are_predicted_with_as_each_by_itself(chain, tmp_path):
    """Splits are read once, with features as one of them looks at these; the others count none."""
    folder, _ = chain
    paths = {"splits": folder / "splits" / "0", "normalization": folder / "normalize" / "0.json"}
    names = ("baselines/zero", "baselines/ridge", "mlp/0")
    for name in names:
        model = next(part for part in name.split("/")[::-1] if not part.isdecimal())
        trained(chain, model, tmp_path / "models" / name)
    # What a killed training leaves.
    (tmp_path / "models" / "mlp" / "1.part").mkdir()
    (tmp_path / "models" / "mlp" / "1.part" / "model.json").write_text("")
    predict.run(models=tmp_path / "models", out=tmp_path / "all", **paths)
    for name in names:
        predict.run(models=tmp_path / "models" / name, out=tmp_path / "one" / name, **paths)
    found, expected = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "all", tmp_path / "one")
    )
    assert found == expected
    assert len(found) == 4 * len(names)


def test_a_folder_without_any_model_is_named(chain, tmp_path):
    folder, _ = chain
    with pytest.raises(InputError, match="must hold models that `alpha train` wrote, found none"):
        predict.run(models=tmp_path, splits=folder / "splits" / "0", out=tmp_path / "out",
                    normalization=folder / "normalize" / "0.json")  # fmt: skip


def test_of_classes_probabilities_and_the_expected_code_are_written(tmp_path):
    data = Dataset(
        time_ns=np.arange(2) * 10**9, known=Known(np.empty((2, 0)), np.empty((2, 3))),
        y=np.array([1.0, -1.0]), volatility=np.array([0.5, np.nan]), clipped=0, replaced=0,
        tz_aware=True,
    )  # fmt: skip
    probabilities = np.array([[0.25, 0.25, 0.5], [1.0, 0.0, 0.0]])
    fitted = SimpleNamespace(predict=lambda known: probabilities)
    model = Model(fitted, {"classes": [-1.0, 0.0, 1.0]}, features=False)
    predict.write_predictions({tmp_path / "a.h5": model}, [data], rows=2)
    written = pd.read_hdf(tmp_path / "a.h5", "df")
    assert written.prediction.tolist() == [0.25, -1.0]
    names = [f"probability_{at}" for at in range(3)]
    assert written[names].to_numpy().tolist() == probabilities.tolist()


@pytest.mark.parametrize("model", ["ridge", "mlp"])
def test_a_split_in_parts_is_predicted_as_a_whole_with_one_part_in_memory(chain, tmp_path, model):
    folder, _ = chain
    contract = normalization.read_contract(folder / "normalize" / "0.json")
    fitted = load_model(trained(chain, model, tmp_path / "model"), contract)
    whole = dataset.load(folder / "splits" / "0" / "train", contract)
    rows = len(whole.y)
    seen = []

    def parts(*cuts):
        for low, high in zip((0, *cuts), (*cuts, rows), strict=True):
            at = slice(low, high)
            known = Known(whole.x[at].copy(), whole.known.past[at])
            part = replace(
                whole, time_ns=whole.time_ns[at], known=known, y=whole.y[at],
                volatility=whole.volatility[at], clipped=1, replaced=low,
            )  # fmt: skip
            assert not any(reference() is not None for reference in seen)
            seen.append(weakref.ref(known.x))
            yield part
            del known, part

    one, other = tmp_path / "one.h5", tmp_path / "other.h5"
    counted = predict.write_predictions({one: fitted}, parts(), rows=rows)
    seen.clear()
    cut = predict.write_predictions({other: fitted}, parts(1, 777, 1500), rows=rows)
    assert one.read_bytes() == other.read_bytes()
    assert counted == {"rows": rows, "clipped": 1, "replaced": 0}
    assert cut == {"rows": rows, "clipped": 4, "replaced": 2278}
