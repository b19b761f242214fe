"""Several symbols, a folder each: none of them sees another but where they are pooled."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT, day_frame
from ruamel.yaml import YAML

from alpha import Scorer, check
from alpha.__main__ import main
from alpha.core.artifacts import write_json
from alpha.core.errors import InputError
from alpha.data.features import open_symbols
from alpha.data.splits import splits_digest
from alpha.evaluate import details, figures, inputs

ROWS = 3000
# Both symbols have the same fractions of the same time.
TIMES = {"train": ("2024-01-01T00:00:00", "2024-01-01T00:30:00"),
         "valid": ("2024-01-01T00:30:00", "2024-01-01T00:40:00"),
         "test": ("2024-01-01T00:40:00", "2024-01-01T00:50:00")}  # fmt: skip
RUNS = {"mean": "baselines/mean", "ridge": "baselines/ridge", "lightgbm": "lightgbm/0"}


def frame_of(symbol: str) -> pd.DataFrame:
    """AAA has a column more; BBB moves more, and half a second later."""
    frame = day_frame(ROWS, seed=ord(symbol[0]))
    if symbol == "AAA":
        return frame.assign(only_here=np.float32(1))
    frame.index += pd.Timedelta("500ms")
    frame["best_bid"] += 4 * (frame["best_bid"] - 100)
    frame["best_ask"] = frame["best_bid"] + 0.5
    return frame


class Run:
    """Every step of the chain on a folder of feature files, with these params."""

    def __init__(self, folder: Path, features: Path, **changes: Any) -> None:
        self.folder = folder
        folder.mkdir()
        params = YAML(typ="safe").load(PARAMS_TEXT)
        params["data"]["dir"] = str(features)
        params |= {"networks": [], "baselines": ["mean", "ridge"], "seeds": [0]}
        params["label"] |= {"horizon_seconds": 10, "target": "end_return"}
        params["split"] |= {"fractions": None, "times": TIMES, "embargo_seconds": 20}
        params["lightgbm"] |= {"n_estimators": 5}
        params["evaluate"]["fees"]["taker_bps"] = -100  # so that any trade pays
        for section, change in changes.items():
            params[section] |= change
        YAML().dump(params, folder / "params.yaml")
        self("label", features=features, out="label")
        given = {"features": features, "labels": "label/labels"}
        self("split", **given, out="split")
        self("normalize", splits="split", out="normalize")
        fold = {"normalization": "normalize/0.json"}
        splits = {"train": "split/0/train", "valid": "split/0/valid"}
        self("train", kind="baselines", **splits, **fold, out="train/0/baselines")
        self("train", model="lightgbm", seed=0, **splits, **fold, out="train/0/lightgbm/0")
        for models in ("baselines", "lightgbm"):
            paths = {"models": f"train/0/{models}", "out": f"predict/0/{models}"}
            self("predict", **paths, splits="split/0", **fold)
        self("trade", features=features, splits="split", predictions="predict", out="trade")
        (folder / "audit").mkdir()
        audited = {"findings": [], "splits": splits_digest(folder / "split")}
        write_json(folder / "audit" / "findings.json", audited)
        paths = {"models": "train", "predictions": "predict", "splits": "split", "trade": "trade"}
        self("evaluate", features=features, audit="audit", **paths, out="evaluate")

    def __call__(self, step: str, **options: Any) -> None:
        words = [step, "--params", str(self.folder / "params.yaml")]
        for name, value in options.items():
            inside = name not in ("model", "seed", "kind")
            words += [f"--{name}", str(self.folder / value if inside else value)]
        assert main(words) == 0


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for symbol in ("AAA", "BBB"):
        (folder / symbol).mkdir()
        path = folder / symbol / f"{symbol}-data-01-01-2024.h5"
        frame_of(symbol).to_hdf(path, key="df", mode="w")
    return folder


@pytest.fixture(scope="module")
def apart(tmp_path_factory, data) -> Run:
    """Each symbol normalized and trained by itself."""
    by_itself = {"normalize": {"pool": False}, "train": {"pool": False}}
    return Run(tmp_path_factory.mktemp("apart") / "run", data, **by_itself)


@pytest.fixture(scope="module")
def pooled(tmp_path_factory, data) -> Run:
    return Run(tmp_path_factory.mktemp("pooled") / "run", data)


@pytest.fixture(scope="module")
def alone(tmp_path_factory, data) -> dict[str, Run]:
    """Each symbol as if there were no other."""
    folder, excluded = tmp_path_factory.mktemp("alone"), {"data": {"exclude": ["^only_here$"]}}
    return {of: Run(folder / of, data / of, **excluded) for of in ("AAA", "BBB")}


def test_features_are_those_that_all_symbols_have_and_what_is_left_out_is_said(data, apart, capsys):
    folders = open_symbols(data, check.load(apart.folder / "params.yaml").data)
    assert [of.symbol for of in folders] == ["AAA", "BBB"]
    assert [of.left_out for of in folders] == [("only_here",), ()]
    assert "only_here" not in folders[0].features == folders[1].features
    assert main(["check", "--params", str(apart.folder / "params.yaml")]) == 0
    assert "AAA: left out, as not all symbols have them: only_here" in capsys.readouterr().out
    summary = json.loads((apart.folder / "split/0/summary.json").read_bytes())
    assert summary["left_out"] == {"AAA": ["only_here"]}


@pytest.mark.parametrize("symbol", ["AAA", "BBB"])
def test_a_symbol_by_itself_is_as_if_there_were_no_other(apart, alone, symbol):
    """Labels, rows of splits, contract and predictions have the same bits."""
    one, [file] = alone[symbol].folder, (apart.folder / "label/labels" / symbol).iterdir()
    assert file.read_bytes() == (one / "label/labels" / file.name).read_bytes()
    for split in TIMES:
        kept = apart.folder / "split/0" / split / symbol / file.name
        assert kept.read_bytes() == (one / "split/0" / split / file.name).read_bytes()
        for run in RUNS.values():
            found = apart.folder / "predict/0" / run / split / f"{symbol}.h5"
            assert found.read_bytes() == (one / "predict/0" / run / f"{split}.h5").read_bytes()
    contracts = (json.loads((of / "normalize/0.json").read_bytes()) for of in (apart.folder, one))
    of_both, own = contracts
    assert all(of_both["symbols"][symbol][key] == own[key] for key in ("mean", "sigma", "rows"))


def test_pooled_normalization_is_of_the_rows_of_both(pooled, data):
    contract = json.loads((pooled.folder / "normalize/0.json").read_bytes())
    parts = (pooled.folder / "split/0/train" / of for of in ("AAA", "BBB"))
    rows = pd.concat(pd.read_hdf(path, "df") for part in parts for path in part.iterdir())
    assert contract["rows"] == len(rows)
    wanted = rows[contract["names"]].astype(float)
    np.testing.assert_allclose(contract["mean"], wanted.mean(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(contract["sigma"], wanted.std(ddof=0), rtol=1e-12)


@pytest.mark.parametrize("kind", ["pooled", "apart"])
def test_skill_is_against_the_best_constant_of_each_row_s_symbol(kind, request):
    """By hand: else to tell symbols apart by their level would pass for skill."""
    run = request.getfixturevalue(kind)
    found = details.read(run.folder / "evaluate")
    for model, folder in RUNS.items():
        losses, constants = [], []
        for symbol in ("AAA", "BBB"):
            train, test = (
                pd.read_hdf(run.folder / "predict/0" / folder / split / f"{symbol}.h5", "df")
                for split in ("train", "test")
            )
            losses.append((test["alpha_outcome"] - test["prediction"]) ** 2)
            constants.append((test["alpha_outcome"] - train["alpha_outcome"].mean()) ** 2)
            own = found.on(model).slices("symbol")[["AAA", "BBB"].index(symbol)]
            assert own["skill"].value == pytest.approx(
                1 - losses[-1].sum() / constants[-1].sum(), abs=1e-9
            )
            assert own["rows"].value == len(test)
        skill = 1 - pd.concat(losses).sum() / pd.concat(constants).sum()
        assert found.on(model)["skill"].value == pytest.approx(skill, abs=1e-9)


def test_rows_of_both_stand_in_time_order_each_with_its_symbol(pooled):
    columns = inputs.read_predictions(pooled.folder / "predict/0/baselines/ridge/test.h5", ())
    assert np.all(np.diff(columns.time_ns) > 0)
    assert (columns.time_ns[columns.symbol == 1] % 10**9 == 500_000_001).all()


def test_trades_of_a_symbol_are_those_at_its_own_quotes(apart, alone):
    trades = pd.read_csv(apart.folder / "trade/trades/ridge-0.csv")
    assert set(trades["symbol"]) == {"AAA", "BBB"}
    for symbol, own in trades.groupby("symbol"):
        other = pd.read_csv(alone[symbol].folder / "trade/trades/ridge-0.csv")
        columns = ["entry_time", "side", "entry_price", "exit_price", "net_bps"]
        pd.testing.assert_frame_equal(own[columns].reset_index(drop=True), other[columns])
    table = figures.read(apart.folder / "trade/figures.csv")
    count = {one.name: one["trades"].value for one in table.of("ridge").slices("symbol")}
    assert count == trades.groupby("symbol").size().to_dict()


def test_a_model_of_a_symbol_scores_its_files_as_it_predicted_them(apart, data):
    path = apart.folder / "train/0/lightgbm/0/BBB"
    scorer = Scorer.load(path)
    frame = frame_of("BBB")
    wanted = pd.read_hdf(apart.folder / "predict/0/lightgbm/0/test/BBB.h5", "df")["prediction"]
    assert scorer.predict(frame).loc[wanted.index].tolist() == wanted.tolist()
    with pytest.raises(InputError, match="must be the model's own, BBB, found 'CCC'"):
        Scorer.load(path, symbol="CCC")


def test_a_symbol_without_rows_in_a_split_is_named(tmp_path, data, capsys):
    for symbol in ("AAA", "BBB"):
        (tmp_path / "data" / symbol).mkdir(parents=True)
        frame = frame_of(symbol).iloc[: 2000 if symbol == "BBB" else ROWS]
        frame.to_hdf(tmp_path / "data" / symbol / "a.h5", key="df", mode="w")
    with pytest.raises(AssertionError):
        Run(tmp_path / "run", tmp_path / "data")
    found = (
        "split: test (2024-01-01T00:40:00 to 2024-01-01T00:50:00) must keep at least one row of BBB"
    )
    assert found in capsys.readouterr().err
    # And before anything is labelled.
    assert main(["check", "--params", str(tmp_path / "run" / "params.yaml")]) == 2
    assert found in capsys.readouterr().err


def test_symbols_without_a_common_feature_are_refused(tmp_path, params):
    for symbol in ("AAA", "BBB"):
        (tmp_path / symbol).mkdir()
        frame = day_frame(50)[["best_bid", "best_ask"]].assign(**{f"of_{symbol}": 1.0})
        frame.to_hdf(tmp_path / symbol / "a.h5", key="df", mode="w")
    with pytest.raises(InputError, match="at least one feature in common"):
        open_symbols(tmp_path, params.data)
