import numpy as np
import pandas as pd
import pytest

from alpha import dataset, normalization, predict, train
from alpha.artifacts import read_json, write_json
from alpha.errors import InputError


@pytest.fixture
def ridge(chain, tmp_path):
    folder, params = chain
    train.run(params.train, params.ridge, model="ridge", seed=0, train=folder / "splits" / "train",
              valid=folder / "splits" / "valid", normalization=folder / "contract.json",
              out=tmp_path / "model")  # fmt: skip
    return folder, tmp_path / "model"


def test_predictions_stand_beside_the_outcomes_of_every_row_of_every_split(ridge, tmp_path):
    folder, model = ridge
    out = tmp_path / "out"
    predict.run(model=model, splits=folder / "splits", normalization=folder / "contract.json",
                out=out)  # fmt: skip
    contract = normalization.read_contract(folder / "contract.json")
    counted = read_json(out / "inputs.json")
    for name in ("train", "valid", "test"):
        split = pd.read_hdf(folder / "splits" / name / "a.h5", "df")
        written = pd.read_hdf(out / f"{name}.h5", "df")
        assert (written.index == split.index).all()
        assert (written.alpha_outcome == split.alpha_outcome).all()
        weights = read_json(model / "parameters.json")
        z = (split[list(contract.names)].to_numpy(float) - contract.mean) / contract.sigma
        expected = weights["intercept"] + z @ np.array(weights["weights"])
        np.testing.assert_allclose(written.prediction, expected, atol=1e-9)
        assert counted[name] == {"rows": len(split), "clipped": 0, "replaced": 0}


def test_a_model_of_another_contract_is_refused(ridge, tmp_path):
    folder, model = ridge
    content = read_json(folder / "contract.json")
    content["clip"] = 5.0
    del content["hash"]
    changed = normalization.Contract(
        **{key: np.array(content[key]) for key in ("mean", "sigma", "finite", "nan", "inf")},
        names=tuple(content["names"]), families=tuple(content["families"].values()),
        clip=5.0, rows=content["rows"],
    )  # fmt: skip
    with pytest.raises(InputError, match="was trained under another normalization contract"):
        predict.load_model(model, changed)


def test_a_folder_that_is_no_model_is_named(tmp_path, ridge):
    folder, _ = ridge
    contract = normalization.read_contract(folder / "contract.json")
    with pytest.raises(InputError, match=r"model\.json: cannot be read"):
        predict.load_model(tmp_path / "none", contract)
    (tmp_path / "odd").mkdir()
    write_json(tmp_path / "odd" / "model.json", {"model": "oracle", "normalization": contract.hash})
    with pytest.raises(InputError, match="no such rung 'oracle'"):
        predict.load_model(tmp_path / "odd", contract)


def test_what_a_model_predicts_does_not_depend_on_the_split_it_is_asked_for(ridge):
    """Prediction has no state: test alone gives what all splits together give."""
    folder, model = ridge
    contract = normalization.read_contract(folder / "contract.json")
    fitted = predict.load_model(model, contract)
    test = dataset.load(folder / "splits" / "test", contract)
    everything = np.concatenate([test.x[::-1], test.x])
    assert (fitted.predict(everything)[len(test.x) :] == fitted.predict(test.x)).all()
