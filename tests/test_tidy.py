from alpha.predict import tidy


def test_only_runs_that_params_no_longer_name_are_removed(tmp_path):
    for name in ("mlp-0", "mlp-1", "ridge-0", "mine", "mlp-best", "mlp"):
        (tmp_path / "train" / name).mkdir(parents=True)
    (tmp_path / "train" / "notes.txt").write_text("mine")
    folders = (tmp_path / "train", tmp_path / "not there")
    assert tidy.run(["mlp-0"], folders=folders) == [
        tmp_path / "train" / "mlp-1",
        tmp_path / "train" / "ridge-0",
    ]
    left = {path.name for path in (tmp_path / "train").iterdir()}
    assert left == {"mlp-0", "mine", "mlp-best", "mlp", "notes.txt"}
