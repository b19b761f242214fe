from pathlib import Path

import pytest
from conftest import ROOT

from alpha.__main__ import main
from alpha.predict import tidy


def made(folder: Path, *runs: str) -> None:
    """What steps wrote of a run, by which a model of one's own is known, whose file may be gone."""
    for run in runs:
        (folder / run).mkdir(parents=True, exist_ok=True)
        (folder / run / "model.json").touch()


@pytest.mark.parametrize("fold", ["0", "12"])
def test_only_runs_and_models_that_params_no_longer_name_are_removed(tmp_path, fold: str):
    there = """mlp/0 mlp/1 mlp/best silos/0 silos/notes lightgbm/0/plots baselines/ridge
    baselines/zero baselines/mine mine/0 7 mlp-1"""
    train = tmp_path / "train" / fold
    for name in there.split():
        (train / name).mkdir(parents=True)
    made(train, "mlp/0", "mlp/1", "silos/0", "gone/0", "baselines/zero")
    (train / "notes.txt").write_text("mine")
    (train / "mlp" / "2").write_text("mine")
    folders = (tmp_path / "train", tmp_path / "not there")
    removed = tidy.run(["zero-0", "mlp-0", "lightgbm-0"], [0, 12], folders=folders)
    assert [str(path.relative_to(train)) for path in removed] == [
        "gone",
        "mlp/1",
        "silos",
    ]
    paths = train.rglob("*")
    left = {str(path.relative_to(train)) for path in paths if path.suffix != ".json"}
    assert left == {
        "7", "baselines", "baselines/mine", "baselines/ridge", "baselines/zero", "lightgbm",
        "lightgbm/0", "lightgbm/0/plots", "mine", "mine/0", "mlp", "mlp-1", "mlp/0",
        "mlp/2", "mlp/best",
        "notes.txt",
    }  # fmt: skip


def test_folds_that_params_no_longer_name_are_removed(tmp_path, capsys):
    """Only those that a step wrote; what a matched MLP left in an older layout is no fold."""
    for folder in ("train", "predict"):
        made(tmp_path / folder, "0/mlp/0", "0/baselines/mean", "1/mlp/0", "2/baselines/mean")
        made(tmp_path / folder, "mlp/0/matched_mlp")
        (tmp_path / folder / "3").mkdir()
    folders = {"--params": ROOT / "tests" / "params.yaml"}
    folders |= {"--models": tmp_path / "train", "--predictions": tmp_path / "predict"}
    assert main(["tidy", *(str(word) for pair in folders.items() for word in pair)]) == 0
    for folder in ("train", "predict"):
        left = {path.name for path in (tmp_path / folder).iterdir()}
        assert left == {"0", "3", "mlp"}
        assert (tmp_path / folder / "0" / "baselines" / "mean").is_dir()
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 4
    assert told[0] == f"removed {tmp_path / 'predict' / '1'}: params name no such fold or run"
