"""Verify, on a project of small steps that a real DVC has recorded."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

import alpha
from alpha.core.errors import InputError
from alpha.history import verify
from alpha.history.differences import files_of, where

# Each step copies what the test made for it.
STEPS = """
import shutil, sys, time
from pathlib import Path

step, source, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
out.parent.mkdir(parents=True, exist_ok=True)
if step == "fail":
    print("some words")
    sys.exit("alpha fail: error: must not be so")
elif step == "wait":
    Path("waiting").write_text("")
    time.sleep(60)
elif source.name != "-":
    assert next(source.glob("*"))
if out.suffix:
    shutil.copy(Path("made", step), out)
else:
    shutil.copytree(Path("made", step), out)
"""

DVC_YAML = """
stages:
  # Not in the order of the flow.
  evaluate:
    cmd: python steps.py evaluate results/predict results/evaluate/metrics.json
    deps: [results/predict/mlp, results/label, steps.py]
    metrics:
      - results/evaluate/metrics.json:
          cache: false
  simulate:
    cmd: python steps.py market - results/simulate
    deps: [steps.py]
    outs: [results/simulate]
  label:
    cmd: python steps.py label '${data.dir}' results/label
    deps: ["${data.dir}", steps.py]
    params: [label]
    outs: [results/label]
  train_networks:
    matrix:
      model: ${networks}
    cmd: python steps.py ${item.model} results/label results/train/${item.model}
    deps: [results/label, steps.py]
    params: ["${item.model}"]
    outs: ["results/train/${item.model}"]
  predict:
    cmd: python steps.py predict results/train/mlp results/predict/mlp
    deps: [results/train/mlp, steps.py]
    outs: [results/predict/mlp]
"""

PARAMS = {
    "data": {"dir": "results/simulate"},
    "label": {"horizon": 60, "more": {"price": "touch"}},
    "networks": ["mlp"],
    "mlp": {},
}
SAME = "5 artifacts of 5 stages: all the same bytes"


class Project:
    """A checkout with its results, its dvc.lock and a commit."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def results(self) -> Path:
        return self.root / "results"

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def params(self, content: dict[str, Any]) -> None:
        YAML().dump(content, self.root / "params.yaml")

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.root, check=True, capture_output=True)
        return done.stdout.decode()

    def record(self) -> "Project":
        """Write dvc.lock about the results as they are."""
        with Repo(str(self.root)) as repo:
            repo.commit(force=True)
        return self

    def edit(self, name: str, **changes: Any) -> None:
        """Record another JSON file than the steps make."""
        path = self.results / name
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
        self.record()

    def verify(self, **options: Any) -> str:
        params = YAML(typ="safe").load(self.root / "params.yaml")
        lock = Path("dvc.lock")
        return verify.run(self.root, self.root / lock, data=[params["data"]["dir"]], **options)

    def refusal(self, **options: Any) -> str:
        with pytest.raises(InputError) as raised:
            self.verify(**options)
        line = str(raised.value)
        assert "\n" not in line
        return line.replace(f"{self.root}/", "")


def make(folder: Path) -> None:
    """What the steps copy."""
    for step in ("market", "label", "mlp", "predict"):
        (folder / step).mkdir(parents=True)
    for name in ("a.h5", "b.h5"):
        with h5py.File(folder / "market" / name, "w") as file:
            file["df/values"] = np.arange(40.0).reshape(20, 2)
            file["df"].attrs["symbol"] = "SIM"
    summary = {"days": {"a": 1, "b": [1, 2]}, "total": 1}
    (folder / "label" / "summary.json").write_text(json.dumps(summary))
    np.savez(folder / "mlp" / "weights.npz", kernel=[1.0, 2.0])
    with h5py.File(folder / "predict" / "test.h5", "w") as file:
        file["prediction"] = [2.0, 4.0]
    verdicts = {"best": {"verdict": "no_skill"}, "mlp": {"verdict": "no_skill"}}
    (folder / "evaluate").write_text(json.dumps(verdicts))


@pytest.fixture(scope="module")
def _built(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("verify") / "built"
    root.mkdir()
    project = Project(root)
    project.git("init", "--quiet")
    Repo.init(str(root)).close()
    make(root / "made")
    project.write("steps.py", STEPS)
    project.write("dvc.yaml", DVC_YAML)
    project.write(".gitignore", "results/*\nprivate\ndata/\n!results/evaluate/\n")
    project.params(PARAMS)
    python = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = [sys.executable, "-m", "dvc", "repro"]
    subprocess.run(command, cwd=root, check=True, env=os.environ | {"PATH": python})
    project.git("add", "--all")
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@localhost")
    project.git(*who, "commit", "--quiet", "--message", "a run")
    return root


@pytest.fixture
def project(_built, tmp_path, monkeypatch) -> Project:
    """A project that was built, recorded and committed."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    shutil.copytree(_built, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture
def same_steps(_built, monkeypatch) -> None:
    """Steps are not run again: they would make what they made in `_built`. For speed, in tests of
    what is said of a record that has something else."""

    def rebuilt(place: Path, log: Path) -> Iterator[str]:
        shutil.rmtree(place / "results", ignore_errors=True)
        shutil.copytree(_built / "results", place / "results")
        yield "all"

    monkeypatch.setattr(verify, "_rebuilt", rebuilt)


# -- the same ----------------------------------------------------------------------------------


def test_the_same_bytes_are_said_to_be_so_and_nothing_is_left_behind(project, tmp_path):
    """Without results and cache too."""
    shutil.rmtree(project.results)
    shutil.rmtree(project.root / ".dvc" / "cache")
    before = project.git("status", "--porcelain", "--ignored")
    assert project.verify() == SAME
    assert project.git("status", "--porcelain", "--ignored") == before
    assert project.git("worktree", "list").count("\n") == 1
    assert list((tmp_path / "temporary").iterdir()) == []


def test_the_copy_has_what_is_not_committed_and_stays_where_it_is_asked_for(project, tmp_path):
    project.write("private", "")
    project.write("notes", "new")
    project.write("steps.py", f"{STEPS}# edited\n")
    project.record()
    assert project.verify(keep=tmp_path / "kept") == SAME
    place = tmp_path / "kept" / "checkout"
    assert files_of(place / "results") == files_of(project.results)
    assert (place / "steps.py").read_text().endswith("# edited\n")
    assert (place / "notes").read_text() == "new"
    assert not (place / "private").exists()
    assert project.refusal(keep=tmp_path / "kept").startswith("--keep must be a new or empty")


def test_a_checkout_that_is_no_repository_is_refused(project):
    shutil.rmtree(project.root / ".git")
    assert project.refusal() == "project: must be in a git repository that has a commit"


def test_a_stage_that_left_the_project_does_not_count(project):
    left = project.root / "dvc.yaml"
    text = left.read_text()
    left.write_text(text[: text.index("  evaluate:")] + text[text.index("  simulate:") :])
    assert project.verify() == "4 artifacts of 4 stages: all the same bytes"


def test_a_project_in_a_folder_of_its_repository_is_verified(project, tmp_path):
    shutil.move(project.root, tmp_path / "whole" / "inner")
    whole, inner = Project(tmp_path / "whole"), Project(tmp_path / "whole" / "inner")
    shutil.move(inner.root / ".git", whole.root / ".git")
    os.chdir(inner.root)
    assert inner.verify() == SAME


def test_a_signal_ends_what_runs_and_removes_the_copy(project, tmp_path):
    project.params(PARAMS | {"networks": ["wait"], "wait": {}})
    text = DVC_YAML.replace("results/train/mlp", "results/train/wait")
    project.write("dvc.yaml", text)
    (project.results / "train" / "mlp").rename(project.results / "train" / "wait")
    project.record()
    code = "import alpha.history.verify as v, argparse, pathlib, types; v.command(" \
        "types.SimpleNamespace(data=types.SimpleNamespace(dir='results/simulate')," \
        "ingest=types.SimpleNamespace(sources=()))," \
        "argparse.Namespace(lock=pathlib.Path('dvc.lock'), keep=None))"  # fmt: skip
    environment = os.environ | {
        "TMPDIR": str(tmp_path / "temporary"),
        "PYTHONPATH": str(Path(alpha.__file__).parents[1]),
    }
    process = subprocess.Popen([sys.executable, "-c", code], cwd=project.root, env=environment)
    while not list((tmp_path / "temporary").glob("*/checkout/waiting")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 128 + signal.SIGTERM
    assert list((tmp_path / "temporary").iterdir()) == []
    assert project.git("worktree", "list").count("\n") == 1


# -- another content ---------------------------------------------------------------------------


def change(path: Path, name: str, value: Any) -> None:
    with h5py.File(path, "a") as file:
        del file[name]
        file[name] = value


@pytest.mark.usefixtures("same_steps")
def test_the_first_file_that_differs_is_named_with_its_stage(project):
    values = np.arange(40.0).reshape(20, 2)
    values[7, 1] = np.nan
    change(project.results / "simulate" / "b.h5", "df/values", values)
    project.edit("label/summary.json", days={"a": 1, "b": [1, 3]})
    assert project.refusal() == (
        "stage simulate does not give what dvc.lock records: results/simulate/b.h5: "
        "node /df/values: the value at [7, 1] is 15.0, recorded nan"
    )


@pytest.mark.usefixtures("same_steps")
def test_a_file_that_came_and_one_that_went_are_named(project):
    (project.results / "simulate" / "a.h5").rename(project.results / "simulate" / "c.h5")
    project.record()
    assert project.refusal().endswith("a.h5 is made, and is not in the record")


@pytest.mark.usefixtures("same_steps")
def test_a_key_of_json_is_named(project):
    project.edit("label/summary.json", days={"a": 1, "b": [1, 3]})
    (project.results / "label" / "summary.json").unlink()
    line = "stage label does not give what dvc.lock records: results/label/summary.json: "
    assert project.refusal() == f"{line}key days.b[1] is 2, recorded 3"


@pytest.mark.usefixtures("same_steps")
def test_with_neither_results_nor_cache_only_that_they_differ_is_known(project):
    project.edit("label/summary.json", total=-1)
    shutil.rmtree(project.root / ".dvc" / "cache")
    (project.results / "label" / "summary.json").unlink()
    assert project.refusal().endswith(
        "results/label differs, and neither DVC's cache nor the workspace has the recorded one "
        "to look inside"
    )


@pytest.mark.usefixtures("same_steps")
def test_without_a_cache_the_workspace_has_what_was_recorded(project):
    project.edit("label/summary.json", total=-1)
    shutil.rmtree(project.root / ".dvc" / "cache")
    assert project.refusal().endswith("summary.json: key total is 1, recorded -1")


@pytest.mark.usefixtures("same_steps")
def test_what_follows_from_weights_of_networks_is_told_apart(project):
    np.savez(project.results / "train" / "mlp" / "weights.npz", kernel=[1.0, 2.5])
    change(project.results / "predict" / "mlp" / "test.h5", "prediction", [2.0, 5.0])
    project.edit("evaluate/metrics.json", zero={})
    line = (
        "stage train_networks@mlp does not give what dvc.lock records, but only what follows from "
        "network weights differs: results/train/mlp/weights.npz: array kernel: the "
        "value at [1] is 2.0, recorded 2.5 (by at most 2.0e-01 of it); predictions differ by at "
        "most 1.0e+00; "
    )
    assert project.refusal() == f"{line}every verdict is the same"
    project.edit("evaluate/metrics.json", mlp={"verdict": "collapsed"})
    assert project.refusal() == f"{line}verdicts differ (mlp: collapsed → no_skill)"
    project.edit("label/summary.json", total=-1)
    assert project.refusal().startswith("stage label does not give what dvc.lock records: ")


# -- another container -------------------------------------------------------------------------


def other_container(path: Path) -> None:
    with h5py.File(path) as file:
        values, symbol = file["df/values"][:], file["df"].attrs["symbol"]
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset("df/values", data=values, chunks=(3, 1), compression="gzip")
        file["df"].attrs["symbol"] = symbol


@pytest.mark.usefixtures("same_steps")
def test_files_that_only_another_library_wrote_are_the_same(project):
    """And do not hide another content."""
    for name in ("a.h5", "b.h5"):
        other_container(project.results / "simulate" / name)
    project.record()
    assert "5 artifacts of 5 stages: all the same content; only the container differs in " \
        "results/simulate/a.h5 and 1 more, as another HDF5 library would write it (here HDF5 " \
        in project.verify()  # fmt: skip
    project.edit("label/summary.json", total=-1)
    assert project.refusal().endswith("summary.json: key total is 1, recorded -1")


@pytest.fixture
def pair(tmp_path) -> Callable[..., str]:
    """Where the second of two HDF5 files differs; each is made by a function."""

    def compared(*makers: Callable[[h5py.File], Any]) -> str:
        for name, make in zip("ab", makers, strict=True):
            with h5py.File(tmp_path / f"{name}.h5", "w") as file:
                file["df/values"] = [[1.0, np.nan], [3.0, 4.0]]
                file["df"].attrs["symbol"] = "SIM"
                make(file)
        return where(tmp_path / "a.h5", tmp_path / "b.h5")

    return compared


def put(value: Any) -> Callable[[h5py.File], None]:
    def make(file: h5py.File) -> None:
        del file["df/values"]
        file["df/values"] = value

    return make


@pytest.mark.parametrize(
    ("then", "now", "says"),
    [
        (lambda file: None, lambda file: None, ""),
        (
            lambda file: None,
            put([[1.0, np.nan], [3.0, 4.0 + 4e-12]]),
            r"node /df/values: the value at \[1, 1\] is 4.0\d*, recorded 4.0 "
            r"\(by at most 1.0e-12 of it\)",
        ),
        (
            lambda file: None,
            lambda file: file["df"].attrs.update(symbol="XBT"),
            'node /df: attribute \'symbol\' is "XBT", recorded "SIM"',
        ),
        (lambda file: file.update(more=1), lambda file: None, "node /more is missing"),
        (lambda file: None, lambda file: file.update(more=1), "node /more is not in the record"),
        (put(np.zeros((20, 3))), put(np.zeros((20, 2))), r".*its shape is \(20, 2\), .*"),
        (put(np.zeros(3)), put(np.zeros(3, np.float32)), ".*its dtype is float32, .* float64"),
        (put([np.nan, 1.0]), put([np.nan, 1.0]), ""),
        (put(2.0), put(3.0), r"node /df/values: the value at \[\] is 3.0, recorded 2.0 .*"),
        (put(["a", "b"]), put(["a", "b"]), ""),
        (put(["a", "b"]), put(["a", "c"]), r".*the value at \[1\] is b'c', recorded b'b'"),
    ],
)
def test_values_and_attributes_of_hdf5_are_compared(pair, then, now, says):
    assert re.fullmatch(says, pair(then, now))


@pytest.mark.parametrize("name", ["profile.json", "report.html"])
def test_digests_may_differ_where_files_are_stored_otherwise(tmp_path, name):
    """Of the bytes of those files; and nothing else may, nor may digests elsewhere."""
    then, now = (tmp_path / side / name for side in ("then", "now"))
    for path, content in ((then, {"digest": "a" * 64}), (now, {"digest": "b" * 64})):
        path.parent.mkdir()
        path.write_text(json.dumps(content | {"total": 1}))
    assert where(then, now, digests=False) == ""
    assert "bbb" in where(then, now)
    now.write_text(json.dumps({"digest": "b" * 64, "total": 2}))
    assert re.search(r"total.* 2", where(then, now, digests=False))


def test_a_long_line_is_shown_from_shortly_before_the_difference(tmp_path):
    for name, letter in (("a", "x"), ("b", "y")):
        (tmp_path / name).write_text("-" * 500 + letter + "+" * 500)
    said = where(tmp_path / "a", tmp_path / "b")
    assert said.startswith(f'line 1 has "{"-" * 30}y+++')
    assert len(said) < 160


# -- data of one's own -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where", ["absolute", pytest.param("../../my data", marks=pytest.mark.slow), "data"]
)
def test_data_of_ones_own_is_linked_wherever_it_is(project, tmp_path, where):
    """And never copied: inside of the checkout it may be large too."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    project.root = project.root.rename(tmp_path / "deep" / "er" / "project")
    os.chdir(project.root)
    data = str(tmp_path / "elsewhere") if where == "absolute" else where
    shutil.move(project.results / "simulate", os.path.normpath(project.root / data))
    start, stop = DVC_YAML.index("  simulate:"), DVC_YAML.index("  label:")
    project.write("dvc.yaml", DVC_YAML[:start] + DVC_YAML[stop:])
    project.params(PARAMS | {"data": {"dir": data}})
    shutil.rmtree(project.root / "made" / "market")
    project.record()
    assert project.verify(keep=tmp_path / "kept") == "4 artifacts of 4 stages: all the same bytes"
    copied = [path for path in (tmp_path / "kept").rglob("[ab].h5") if not path.is_symlink()]
    assert copied == []


# -- a record of another checkout --------------------------------------------------------------


def stale(project: Project) -> str:
    line = project.refusal()
    start, end = "dvc.lock: is not of this checkout: ", "; run `snakemake --cores all` first"
    assert line.startswith(start)
    assert line.endswith(end)
    return line.removeprefix(start).removesuffix(end)


def test_code_that_has_changed_or_is_gone_is_named(project):
    project.write("steps.py", STEPS + "\n")
    assert stale(project) == "stage simulate: steps.py has changed since"
    (project.root / "steps.py").unlink()
    assert stale(project) == "stage simulate: steps.py is missing"


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ({"horizon": 90, "more": {"price": "touch"}}, "label.horizon is 90, and was 60"),
        ({"horizon": 60, "more": {"price": "mid"}}, "label.more.price is 'mid', and was 'touch'"),
        ({"horizon": 60, "more": {"price": "touch"}, "new": 1}, "label.new is new"),
        ({"horizon": 60}, "label.more is gone"),
    ],
)
def test_a_parameter_that_has_changed_is_named(project, label, says):
    project.params(PARAMS | {"label": label})
    assert stale(project) == f"stage label: params.yaml's {says}"


def test_a_stage_that_has_not_been_run_is_named(project):
    project.params(PARAMS | {"networks": ["mlp", "silos"], "silos": {}})
    assert stale(project) == "stage train_networks@silos: it has not been run"


def test_a_stage_of_another_command_is_named(project):
    project.write("dvc.yaml", DVC_YAML.replace("steps.py market -", "steps.py market +"))
    assert stale(project) == "stage simulate: it was run with another command than dvc.yaml's"


def test_a_stage_that_has_not_followed_an_earlier_one_is_named(project):
    yaml = YAML()
    before = yaml.load(project.root / "dvc.lock")
    project.edit("label/summary.json", total=-1)
    lock = yaml.load(project.root / "dvc.lock")
    lock["stages"]["train_networks@mlp"] = before["stages"]["train_networks@mlp"]
    yaml.dump(lock, project.root / "dvc.lock")
    assert stale(project) == (
        "stage train_networks@mlp: it was run on another results/label than an earlier stage left"
    )


# -- what else is one line ---------------------------------------------------------------------


def test_a_step_that_fails_is_named_with_its_last_line(project, tmp_path):
    """Nothing runs on after it."""
    project.params(PARAMS | {"networks": ["mlp", "fail"], "fail": {}})
    (project.results / "train" / "fail").write_text("")
    project.record()
    assert project.refusal() == (
        "stage train_networks@fail failed: alpha fail: error: must not be so"
    )
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    "dvc",
    [
        "[]",
        "stages: 3",
        "stages: {a: {cmd: 'x ${no.such}'}}",
        "stages: [",
        "stages: {a: {cmd: x, deps: [one], outs: [two]}, b: {cmd: x, deps: [two], outs: [one]}}",
    ],
)
def test_a_flow_that_cannot_be_followed_is_one_line(project, dvc):
    project.write("dvc.yaml", dvc)
    assert "dvc" in project.refusal()
