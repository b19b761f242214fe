"""Every step refuses what is not as the step before wrote it, or not of the same run."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT, day_frame
from ruamel.yaml import YAML

from alpha.__main__ import main
from alpha.core.artifacts import read_json, write_json, write_manifest
from alpha.core.errors import InputError
from alpha.data.splits import check_split, split_pieces

MODELS = ("mean", "ridge")


class Run:
    """Results in a folder, and the steps on them, by their command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.capture: Any = None

    def __call__(self, step: str, **options: str) -> int:
        words = [step, "--params", str(self.folder / "params.yaml")]
        for name, value in options.items():
            words += [f"--{name}", value if name == "kind" else str(self.folder / value)]
        return main(words)

    def label(self) -> int:
        return self("label", features="features", out="label")

    def split(self) -> int:
        return self("split", features="features", labels="label/labels", out="split")

    def normalize(self) -> int:
        return self("normalize", splits="split", out="normalize")

    def audit(self) -> int:
        given = {"features": "features", "labels": "label/labels", "splits": "split"}
        return self("audit", **given, normalization="normalize", out="audit")

    def train(self, contract: str = "normalize/0.json") -> int:
        given = {"train": "split/0/train", "valid": "split/0/valid", "normalization": contract}
        return self("train", kind="baselines", **given, out="train/0/baselines")

    def predict(self) -> int:
        given = {"splits": "split/0", "normalization": "normalize/0.json"}
        return self("predict", models="train/0/baselines", **given, out="predict/0/baselines")

    def trade(self) -> int:
        given = {"features": "features", "splits": "split", "predictions": "predict"}
        return self("trade", **given, out="trade")

    def evaluate(self) -> int:
        given = {"features": "features", "splits": "split", "predictions": "predict"}
        given |= {"models": "train", "audit": "audit", "trade": "trade"}
        return self("evaluate", **given, out="evaluate")

    def report(self) -> int:
        given = {"features": "features", "labels": "label", "guard": "guard", "audit": "audit"}
        given |= {"splits": "split", "normalization": "normalize", "predictions": "predict"}
        return self("report", **given, evaluation="evaluate", trade="trade", out="report.html")

    def guard(self) -> int:
        return self("guard", labels="label", pins="pins", out="guard")

    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    def change(self, **label: Any) -> None:
        params = YAML(typ="safe").load(self.folder / "params.yaml")
        params["label"] |= label
        YAML().dump(params, self.folder / "params.yaml")


STEPS = (
    "label", "guard", "split", "normalize", "audit", "train", "predict", "trade", "evaluate",
    "report",
)  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Run:
    """Two days, of which the later has the name that sorts first, and every step on them."""
    run = Run(tmp_path_factory.mktemp("whole"))
    params = YAML(typ="safe").load(PARAMS_TEXT)
    params |= {"networks": [], "trees": [], "baselines": [*MODELS], "seeds": [0]}
    params["label"] |= {"horizon_seconds": 10, "target": "end_return"}
    YAML().dump(params, run.folder / "params.yaml")
    (run.folder / "features").mkdir()
    for name, start in (("b.h5", "2024-01-01T23:30:00"), ("a.h5", "2024-01-02T00:00:00")):
        frame = day_frame(1800, start=start, seed=ord(name[0]))
        frame.to_hdf(run.folder / "features" / name, key="df", mode="w")
    assert [getattr(run, step)() for step in STEPS] == [0] * len(STEPS)
    return run


@pytest.fixture
def run(whole: Run, tmp_path) -> Run:
    """A copy of it to spoil."""
    return Run(Path(shutil.copytree(whole.folder, tmp_path / "run")))


def flip(path: Path, dataset: str = "df/block0_values") -> None:
    """The lowest bit of a value in the middle."""
    with h5py.File(path, "r+") as file:
        values = file[dataset][()]
        values.view(np.uint8).reshape(-1)[values.nbytes // 2] ^= 1
        file[dataset][...] = values


def reprice(path: Path) -> None:
    frame = pd.read_hdf(path, "df")
    frame[["best_bid", "best_ask"]] += 0.5
    frame.to_hdf(path, key="df", mode="w")


def swap(one: Path, other: Path) -> None:
    one.rename(aside := one.with_name("aside"))
    other.rename(one)
    aside.rename(other)


def without_values(path: Path) -> None:
    """A label of NaN, with digests as if the step had written it."""
    with h5py.File(path, "r+") as file:
        file["df/block0_values"][5, 2] = np.nan
    made = path.parent / "made_from.json"
    write_manifest(made, read_json(made))


def retrain(run: Run) -> None:
    params = YAML(typ="safe").load(run.folder / "params.yaml")
    params["loss"]["name"] = "mae"
    YAML().dump(params, run.folder / "params.yaml")
    assert run.train() == 0


def other_rows(run: Run) -> None:
    """Of all that is made of the features, splits alone are made of others."""
    shutil.copytree(run.folder, other := run.folder / "other")
    reprice(other / "features" / "a.h5")
    Run(other).label()
    Run(other).split()
    shutil.rmtree(run.folder / "split")
    (other / "split").rename(run.folder / "split")
    shutil.rmtree(other)


LABELS, SPLIT, PREDICT = "label/labels", "split/0", "predict/0/baselines"
CASES: dict[str, tuple[str, Callable[[Run], Any], str]] = {
    "labels of another horizon": (
        "split", lambda run: run.change(horizon_seconds=20),
        "labels: must be labelled with label.horizon_seconds 20.0, found 10.0; label again",
    ),
    "labels of other prices": (
        "split", lambda run: reprice(run.folder / "features" / "a.h5"),
        "labels: must be of the feature files that are given, of a.h5 found one of other "
        "timestamps or quotes; label again",
    ),
    "labels of a day that is gone": (
        "split", lambda run: (run.folder / "features" / "b.h5").unlink(),
        "labels: must be of the feature files that are given, of b.h5 found no such file",
    ),
    "labels that were changed": (
        "split", lambda run: flip(run.folder / LABELS / "a.h5"),
        "labels/a.h5: was changed after it was written (its digest does not match made_from.json)",
    ),
    "labels that the audit is given": (
        "audit", lambda run: flip(run.folder / LABELS / "b.h5"),
        "labels/b.h5: was changed after it was written",
    ),
    "a label without a value": (
        "split", lambda run: without_values(run.folder / LABELS / "b.h5"),
        "labels/b.h5: row 5: must have a finite outcome where status is 0, found nan",
    ),
    "a day of labels that is missing": (
        "split", lambda run: (run.folder / LABELS / "a.h5").unlink(),
        "labels/a.h5: is missing: made_from.json has its digest",
    ),
    "a feature of train": (
        "normalize", lambda run: flip(run.folder / SPLIT / "train" / "b.h5"),
        "train/b.h5: was changed after it was written (the digest of its rows does not match",
    ),
    "an outcome of valid": (
        "train", lambda run: flip(run.folder / SPLIT / "valid" / "a.h5", "df/block1_values"),
        "valid/a.h5: was changed after it was written",
    ),
    "a row's time of test": (
        "predict", lambda run: flip(run.folder / SPLIT / "test" / "a.h5", "df/axis1"),
        "test/a.h5: was changed after it was written",
    ),
    "a file of a split that is missing": (
        "normalize", lambda run: (run.folder / SPLIT / "train" / "b.h5").unlink(),
        "train/b.h5: no such file",
    ),
    "a file more in a split": (
        "train",
        lambda run: shutil.copy(
            run.folder / SPLIT / "test" / "a.h5", run.folder / SPLIT / "train" / "c.h5"
        ),
        "train/c.h5: must be a file of ",
    ),
    "a split that the audit is given": (
        "audit", lambda run: flip(run.folder / SPLIT / "test" / "a.h5"),
        "test/a.h5: was changed after it was written",
    ),
    "a split of another label": (
        "train", lambda run: run.change(target="abs_max"),
        "must be labelled with label.target abs_max, found end_return; label again",
    ),
    "a contract of other rows": (
        "train", other_rows, "0.json: must be of the rows in ",
    ),
    "a model of other rows": (
        "predict", lambda run: (other_rows(run), run.normalize(), swap_contract(run)),
        "mean: must be trained on the rows in ",
    ),
    "a model without its model.json": (
        "predict", lambda run: (run.folder / "train/0/baselines/mean/model.json").unlink(),
        "mean/model.json: cannot be read: No such file",
    ),
    "a prediction": (
        "evaluate", lambda run: flip(run.folder / PREDICT / "ridge" / "test.h5"),
        "ridge/test.h5: was changed after it was written (its digest does not match inputs.json)",
    ),
    "a prediction that is traded": (
        "trade", lambda run: flip(run.folder / PREDICT / "ridge" / "valid.h5"),
        "ridge/valid.h5: was changed after it was written",
    ),
    "predictions of another model": (
        "evaluate",
        lambda run: (swap(*(run.folder / PREDICT / name for name in MODELS)), run.trade()),
        "mean: must be predictions of the model in ",
    ),
    "predictions of another training": (
        "evaluate", retrain, "mean: must be predictions of the model in ",
    ),
    "trades at other quotes": (
        "trade", lambda run: reprice(run.folder / "features" / "b.h5"),
        "paths.json: must be of the feature files that are given, of b.h5 found one of other",
    ),
    "predictions of other rows": (
        "trade", other_rows, "mean: must be predictions of the rows in ",
    ),
    "an audit of other rows": (
        "evaluate", other_rows, "audit: must be of the splits in ",
    ),
    "a report of other predictions": (
        "report", lambda run: (retrain(run), run.predict()),
        "evaluate: must be of the predictions in ",
    ),
    "a report of other labels": (
        "report", lambda run: other_labels(run),
        "label: must be of the feature files that are split in ",
    ),
    "a report of another audit": (
        "report", other_rows, "audit: must be of the splits in ",
    ),
    "paths that were changed": (
        "evaluate", lambda run: shorten(run.folder / "split" / "paths.json"),
        "audit: must be of the splits in ",
    ),
    "a loss in the history of a training": (
        "evaluate", lambda run: edit(run.folder / "train/0/baselines/ridge/history.csv"),
        "history.csv: was changed after it was written (its digest does not match model.json)",
    ),
    "predictions of labels of another horizon": (
        "evaluate", lambda run: run.change(horizon_seconds=20),
        "train: must be labelled with label.horizon_seconds 20.0, found 10.0; label again",
    ),
    "trades by labels at another price": (
        "trade", lambda run: run.change(price="mid"), "must be labelled with label.price mid",
    ),
    "a report of another label": (
        "report", lambda run: run.change(max_gap_seconds=60),
        "test: must be labelled with label.max_gap_seconds 60.0",
    ),
    "a summary of a split that was edited": (
        "audit", lambda run: edit(run.folder / SPLIT / "summary.json"),
        "summary.json: was changed after it was written",
    ),
    "trades on other predictions": (
        "evaluate", lambda run: (retrain(run), run.predict()),
        "trade: must be trades on the predictions in ",
    ),
}  # fmt: skip


def edit(path: Path) -> None:
    """Another digit."""
    text = path.read_text()
    at = next(at for at in range(len(text) // 2, len(text)) if text[at] in "12345678")
    path.write_text(text[:at] + str(int(text[at]) + 1) + text[at + 1 :])


def other_labels(run: Run) -> None:
    shutil.copytree(run.folder / "features", run.folder / "others")
    reprice(run.folder / "others" / "a.h5")
    run("label", features="others", out="label")
    run.guard()


def shorten(paths: Path) -> None:
    """Test begins an hour later."""
    content = read_json(paths)
    content["paths"][0][0]["start_ns"] += 3600 * 10**9
    write_json(paths, content)


def swap_contract(run: Run) -> None:
    """Models say that they are of the contract that there is now."""
    contract = read_json(run.folder / "normalize" / "0.json")["hash"]
    for name in MODELS:
        path = run.folder / "train" / "0" / "baselines" / name / "model.json"
        write_json(path, read_json(path) | {"normalization": contract})


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_as_it_was_written_or_not_of_the_same_run_is_refused(run, capsys, case):
    step, spoil, message = CASES[case]
    spoil(run)
    before = run.files()
    capsys.readouterr()
    assert getattr(run, step)() == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert message in line
    assert run.files() == before


def test_steps_take_what_was_not_touched_again_and_write_the_same_bytes(run, whole):
    before = {path.relative_to(whole.folder): content for path, content in whole.files().items()}
    assert [getattr(run, step)() for step in STEPS] == [0] * len(STEPS)
    assert {path.relative_to(run.folder): of for path, of in run.files().items()} == before


def test_a_split_s_files_are_in_time_order_whatever_their_names(whole):
    pieces = split_pieces(whole.folder / "split" / "0" / "train")
    assert [piece.path.name for piece in pieces] == ["b.h5", "a.h5"]


def test_what_dvc_and_snakemake_leave_in_a_folder_is_no_file_of_it(run):
    (run.folder / LABELS / ".snakemake_timestamp").touch()
    (run.folder / SPLIT / "train" / ".snakemake_timestamp").touch()
    assert run.split() == run.train() == 0


def test_a_manifest_without_digests_is_none(run, capsys):
    write_json(run.folder / LABELS / "made_from.json", {"label": {}, "features": {}})
    assert run.split() == 2
    assert "made_from.json: must have the digests of files, found none" in capsys.readouterr().err


def test_rows_have_one_digest_however_they_are_read(run, monkeypatch):
    train = run.folder / "split" / "0" / "train"
    found = check_split(train)
    monkeypatch.setattr("alpha.data.splits._PART_ROWS", 7)
    assert check_split(train) == found
    with pytest.raises(InputError, match="must be labelled with label.price"):
        from alpha import check

        label = check.load(run.folder / "params.yaml").label
        check_split(train, label.model_copy(update={"price": "mid"}))


@pytest.mark.parametrize("name", ["guard", "evaluate"])
def test_a_json_artifact_or_figures_that_were_edited_are_refused(run, capsys, name):
    path, step = {
        "guard": (run.folder / "label" / "profile.json", run.guard),
        "evaluate": (run.folder / "evaluate" / "figures.csv", run.report),
    }[name]
    edit(path)
    assert step() == 2
    assert f"{path}: was changed after it was written" in capsys.readouterr().err
