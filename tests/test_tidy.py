from alpha.predict import tidy


def test_only_runs_and_models_that_params_no_longer_name_are_removed(tmp_path):
    there = """mlp/0 mlp/1 mlp/best silos/0 silos/notes lightgbm/0/plots baselines/ridge
    baselines/zero baselines/mine mine/0 7 mlp-1"""
    for name in there.split():
        (tmp_path / "train" / name).mkdir(parents=True)
    # A model of one's own, whose file may be gone, is known by what steps wrote.
    for name in ("mlp/0", "mlp/1", "silos/0", "gone/0", "baselines/zero"):
        (tmp_path / "train" / name / "model.json").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "train" / name / "model.json").touch()
    (tmp_path / "train" / "notes.txt").write_text("mine")
    (tmp_path / "train" / "mlp" / "2").write_text("mine")
    folders = (tmp_path / "train", tmp_path / "not there")
    removed = tidy.run(["zero-0", "mlp-0", "lightgbm-0"], folders=folders)
    assert [str(path.relative_to(tmp_path / "train")) for path in removed] == [
        "gone",
        "mlp/1",
        "silos",
    ]
    paths = (tmp_path / "train").rglob("*")
    left = {str(path.relative_to(tmp_path / "train")) for path in paths if path.suffix != ".json"}
    assert left == {
        "7", "baselines", "baselines/mine", "baselines/ridge", "baselines/zero", "lightgbm",
        "lightgbm/0", "lightgbm/0/plots", "mine", "mine/0", "mlp", "mlp-1", "mlp/0",
        "mlp/2", "mlp/best",
        "notes.txt",
    }  # fmt: skip
