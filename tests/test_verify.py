"""Verify, on a project of small steps whose record is written by hand."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from ruamel.yaml import YAML

from alpha.core.errors import InputError
from alpha.core.store import record
from alpha.history.record.cache import files_of, md5_of
from alpha.history.record.lock import Entry
from alpha.history.record.recorded import Original
from alpha.history.verify import flow, inside
from alpha.history.verify import run as verify
from alpha.history.verify.differences import Differs, of_out

# Each step takes its inputs' values a little further.
STEPS = """
import json, sys, time
from pathlib import Path

step, source, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
out.parent.mkdir(parents=True, exist_ok=True)
if step in ("market", "labels"):
    import h5py, numpy as np
if step == "market":
    out.mkdir()
    for name in ("a.h5", "b.h5"):
        with h5py.File(out / name, "w") as file:
            file["df/values"] = np.arange(40.0).reshape(20, 2)
            file["df"].attrs["symbol"] = "SIM"
elif step == "labels":
    out.mkdir()
    total = 0.0
    for path in sorted(source.glob("*.h5")):
        with h5py.File(path) as file:
            total += float(file["df/values"][:].sum())
    (out / "summary.json").write_text(json.dumps({"days": {"a": 1, "b": [1, 2]}, "total": total}))
elif step == "slow":
    time.sleep(0.3)
    out.write_text("one,two\\n1,2\\n3,4\\n")
elif step == "words":
    out.write_text(" ".join(sorted(path.name for path in source.iterdir())))
elif step == "quick":
    out.write_bytes(bytes(range(256)))
elif step == "fail":
    print("some words")
    sys.exit("alpha fail: error: must not be so")
"""

DVC_YAML = """
stages:
  # Not in the order of the flow.
  report:
    cmd:
      - python steps.py words results/train results/report.txt
      - python -c "import os; assert 'report.txt' in os.listdir('results')"
    deps: [results/train, steps.py]
    outs: [results/report.txt]
  simulate:
    cmd: python steps.py market - results/simulate
    deps: [steps.py]
    outs: [results/simulate]
  labels:
    cmd: python steps.py labels '${data.dir}' results/label
    deps: ["${data.dir}", steps.py]
    params: [label]
    outs: [results/label]
  train:
    matrix:
      model: ${models}
      seed: [0]
    cmd: >-
      python steps.py ${item.model} results/label
      results/train/${item.model}-${item.seed}
    deps: [results/label, steps.py]
    params: ["${item.model}"]
    outs:
      - results/train/${item.model}-${item.seed}
"""

PARAMS = {
    "data": {"dir": "results/simulate"},
    "label": {"horizon": 60, "more": {"price": "touch"}},
    "models": ["slow", "quick"],
    "slow": {},
    "quick": {},
}


class Project:
    """A checkout with its results and its dvc.lock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)
        (root / "steps.py").write_text(STEPS)
        (root / "dvc.yaml").write_text(DVC_YAML)
        self.params(PARAMS)
        (root / ".gitignore").write_text("results/\n")
        subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)

    def params(self, content: dict[str, Any]) -> None:
        YAML().dump(content, self.root / "params.yaml")

    def build(self) -> "Project":
        """Run every stage in place, and record it."""
        for stage in flow.ordered(flow.declared(self.root)).values():
            subprocess.run(["sh", "-ec", stage.cmd], cwd=self.root, check=True)
        return self.record()

    def record(self) -> "Project":
        """Write dvc.lock about the results as they are."""
        stages = {
            name: {
                "cmd": stage.cmd,
                "deps": [self._entry(path) for path in stage.deps],
                "params": {"params.yaml": stage.params},
                "outs": [self._entry(path) for path in stage.outs],
            }
            for name, stage in flow.declared(self.root).items()
        }
        YAML().dump({"schema": "2.0", "stages": stages}, self.root / "dvc.lock")
        return self

    def _entry(self, path: str) -> dict[str, Any]:
        return {"path": path, "hash": "md5", "md5": md5_of(self.root / path)}

    def cache(self, *, only: Sequence[str] = ()) -> None:
        """Put the results into DVC's cache, as `dvc commit` does; or only those of these names."""
        for path in (self.root / "results").rglob("*"):
            if only and path.name not in only:
                continue
            if path.is_file():
                self._keep(path.read_bytes(), "")
            elif path.is_dir():
                files = [{"md5": md5, "relpath": name} for name, md5 in files_of(path).items()]
                self._keep(json.dumps(files, sort_keys=True).encode(), ".dir")

    def _keep(self, content: bytes, end: str) -> None:
        md5 = hashlib.md5(content).hexdigest()
        path = self.root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / (md5[2:] + end)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def verify(self, **knobs) -> str:
        params = YAML(typ="safe").load(self.root / "params.yaml")
        return verify.run(self.root, self.root / "dvc.lock", data=params["data"]["dir"], **knobs)

    def refusal(self, **knobs) -> str:
        with pytest.raises(InputError) as raised:
            self.verify(**knobs)
        line = str(raised.value)
        assert "\n" not in line
        return line


@pytest.fixture(scope="module")
def _built(tmp_path_factory) -> Path:
    return Project(tmp_path_factory.mktemp("verify") / "built").build().root


@pytest.fixture
def project(_built, tmp_path, monkeypatch) -> Project:
    """A project that was built and recorded."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    shutil.copytree(_built, tmp_path / "project")
    found = object.__new__(Project)
    found.root = tmp_path / "project"
    return found


def edit_json(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


# -- the same ----------------------------------------------------------------------------------


def test_the_same_bytes_are_said_to_be_so_and_nothing_is_left_behind(project, tmp_path):
    before = files_of(project.root)
    assert project.verify() == "5 artifacts of 5 stages: all the same bytes"
    assert files_of(project.root) == before
    assert list((tmp_path / "temporary").iterdir()) == []


def test_the_copy_stays_where_it_is_asked_for(project, tmp_path):
    project.verify(keep=tmp_path / "kept")
    made = files_of(tmp_path / "kept" / "copy" / "checkout" / "results")
    assert made == files_of(project.root / "results")
    assert project.refusal(keep=tmp_path / "kept").startswith("--keep must be a new or empty")


def test_only_what_git_would_track_is_copied(project, tmp_path):
    (project.root / ".gitignore").write_text("results/\nprivate\n")
    (project.root / "private").write_text("")
    (project.root / "notes").write_text("")
    project.verify(keep=tmp_path / "kept")
    names = {path.name for path in (tmp_path / "kept" / "copy" / "checkout").iterdir()}
    ours = {"steps.py", "dvc.yaml", "dvc.lock", "params.yaml", ".gitignore"}
    assert names == {"results", "notes", *ours}


def test_a_checkout_that_is_no_repository_is_copied_too(project):
    shutil.rmtree(project.root / ".git")
    assert project.verify(jobs=1).endswith("all the same bytes")


def test_a_stage_that_left_the_project_does_not_count(project):
    params = PARAMS | {"models": ["slow"]}
    (project.root / "results" / "train" / "quick-0").unlink()
    (project.root / "results" / "report.txt").write_text("slow-0")
    yaml = YAML()
    left = yaml.load(project.root / "dvc.lock")["stages"]["train@quick-0"]
    project.params(params)
    project.record()
    lock = yaml.load(project.root / "dvc.lock")
    lock["stages"]["train@quick-0"] = left
    yaml.dump(lock, project.root / "dvc.lock")
    assert project.verify() == "4 artifacts of 4 stages: all the same bytes"


# -- another content ---------------------------------------------------------------------------


def other_value(folder: Path) -> None:
    with h5py.File(folder / "b.h5", "a") as file:
        file["df/values"][7, 1] = np.nan


def other_attribute(folder: Path) -> None:
    with h5py.File(folder / "b.h5", "a") as file:
        file["df"].attrs["symbol"] = "XBT"


def other_node(folder: Path) -> None:
    with h5py.File(folder / "a.h5", "a") as file:
        file["df/more"] = 1


def other_shape(folder: Path) -> None:
    with h5py.File(folder / "a.h5", "a") as file:
        del file["df/values"]
        file["df/values"] = np.zeros((20, 3))


def other_dtype(folder: Path) -> None:
    with h5py.File(folder / "a.h5", "a") as file:
        del file["df/values"]
        file["df/values"] = np.zeros((20, 2), dtype=np.float32)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (other_value, "b.h5: node /df/values: the value at [7, 1] is 15.0, recorded nan"),
        (other_attribute, 'b.h5: node /df: attribute \'symbol\' is "SIM", recorded "XBT"'),
        (other_node, "a.h5: node /df/more is missing"),
        (other_shape, "a.h5: node /df/values: its shape is (20, 2), recorded (20, 3)"),
        (other_dtype, "a.h5: node /df/values: its dtype is float64, recorded float32"),
        (lambda folder: (folder / "b.h5").unlink(), "b.h5 is made, and is not in the record"),
        (lambda folder: (folder / "c.h5").write_text(""), "c.h5 was not made"),
    ],
)
def test_the_first_node_that_differs_is_named(project, change, says):
    change(project.root / "results" / "simulate")
    project.record()
    lock = f"{project.root}/dvc.lock"
    said = f"stage simulate does not give what {lock} records: results/simulate/{says}"
    assert project.refusal() == said


@pytest.mark.parametrize(
    ("path", "content", "says"),
    [
        (
            "labels/summary.json",
            '{"days": {"a": 1, "b": [1, 3]}, "total": 0}',
            "labels/summary.json: key days.b[1] is 2, recorded 3",
        ),
        ("train/slow-0", "one,two\n1,2\n3,5\n", 'slow-0: line 3 has "3,4", recorded "3,5"'),
        ("train/slow-0", "one,two\n1,2\n3,4", "slow-0: it has 4 lines, recorded 3"),
        ("train/quick-0", b"\xff\xfe", "quick-0: byte 0 differs (of 2 recorded, 256 rebuilt)"),
        ("train/quick-0", bytes(range(255)), "byte 255 differs (of 255 recorded, 256 rebuilt)"),
    ],
)
def test_the_first_key_line_or_byte_that_differs_is_named(project, path, content, says):
    data = content if isinstance(content, bytes) else content.encode()
    (project.root / "results" / path).write_bytes(data)
    project.record()
    assert project.refusal().endswith(says)


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_the_first_in_the_order_of_the_pipeline_is_named_whichever_ends_first(project, jobs):
    """train@slow-0 comes before train@quick-0, and ends after it."""
    for name in ("slow-0", "quick-0"):
        (project.root / "results" / "train" / name).write_text("other")
    project.record()
    assert project.refusal(jobs=jobs).startswith("stage train@slow-0 does not give")


def test_nodes_that_were_recorded_stand_in_for_files_that_are_gone(project, tmp_path):
    """Then it is known which node differs, and not how."""
    folder = project.root / "results" / "simulate"
    shutil.copytree(folder, tmp_path / "results" / "simulate")
    other_value(folder)
    record(folder)
    entry = Entry(md5_of(folder))
    project.cache(only=("nodes.json", "simulate"))
    shutil.rmtree(folder)
    record(tmp_path / "results" / "simulate")
    with pytest.raises(Differs, match=r"^results/simulate/b\.h5: node /df/values differs$"):
        list(of_out(Original(project.root), "results/simulate", entry, tmp_path))


# -- another container -------------------------------------------------------------------------


def other_container(path: Path) -> None:
    with h5py.File(path) as file:
        values, symbol = file["df/values"][:], file["df"].attrs["symbol"]
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset("df/values", data=values, chunks=(3, 1), compression="gzip")
        file["df"].attrs["symbol"] = symbol


def test_files_that_only_another_library_wrote_are_the_same(project):
    for name in ("a.h5", "b.h5"):
        other_container(project.root / "results" / "simulate" / name)
    project.record()
    assert "5 artifacts of 5 stages: all the same content; only the container differs in " \
        "results/simulate/a.h5 and 1 more, as another HDF5 library would write it (here HDF5 " \
        in project.verify()  # fmt: skip


@pytest.mark.parametrize("name", ["profile.json", "report.html"])
def test_digests_may_differ_where_files_are_stored_otherwise(project, tmp_path, name):
    """Of the bytes of those files; and nothing else may, nor may digests elsewhere."""
    recorded, made = (root / "results" / name for root in (project.root, tmp_path))
    made.parent.mkdir()
    recorded.write_text(json.dumps({"digest": "a" * 64, "total": 1}))
    made.write_text(json.dumps({"digest": "b" * 64, "total": 1}))

    def compare(stored_otherwise: bool) -> list[str]:
        entry, original = Entry(md5_of(recorded)), Original(project.root)
        found = of_out(
            original, f"results/{name}", entry, tmp_path, stored_otherwise=stored_otherwise
        )
        return list(found)

    assert compare(True) == [f"results/{name}"]
    with pytest.raises(Differs, match="bbb"):
        compare(False)
    made.write_text(json.dumps({"digest": "b" * 64, "total": 2}))
    with pytest.raises(Differs, match="total.* 2"):
        compare(True)


def test_another_container_does_not_hide_another_content(project):
    other_container(project.root / "results" / "simulate" / "a.h5")
    edit_json(project.root / "results" / "labels" / "summary.json", total=-1)
    project.record()
    assert project.refusal().endswith("summary.json: key total is 1560.0, recorded -1")


# -- where the recorded files are --------------------------------------------------------------


def test_without_results_the_cache_has_what_was_recorded(project):
    edit_json(project.root / "results" / "labels" / "summary.json", total=-1)
    project.record()
    project.cache()
    shutil.rmtree(project.root / "results")
    assert project.refusal().endswith("summary.json: key total is 1560.0, recorded -1")


def test_with_neither_results_nor_cache_only_that_they_differ_is_known(project):
    edit_json(project.root / "results" / "labels" / "summary.json", total=-1)
    project.record()
    edit_json(project.root / "results" / "labels" / "summary.json", total=-2)
    assert project.refusal().endswith(
        "results/label differs, and neither DVC's cache nor the workspace has the recorded one "
        "to look inside"
    )


def test_without_any_results_the_same_bytes_are_still_the_same(project):
    shutil.rmtree(project.root / "results")
    assert project.verify().endswith("all the same bytes")


# -- data of one's own -------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["absolute", "../../data", "../my data", "data", "tracked"])
def test_data_of_ones_own_is_linked_wherever_it_is(project, tmp_path, where):
    """And never copied: inside of the checkout it may be large too."""
    below = tmp_path / "deep" / "er"
    below.mkdir(parents=True)
    project.root = project.root.rename(below / "project")
    data = str(tmp_path / "elsewhere") if where == "absolute" else where
    shutil.move(project.root / "results" / "simulate", os.path.normpath(project.root / data))
    shutil.rmtree(project.root / "results" / "train")
    shutil.rmtree(project.root / "results" / "labels")
    if where == "data":
        (project.root / ".gitignore").write_text("results/\ndata/\n")
    dvc = (project.root / "dvc.yaml").read_text()
    start, stop = dvc.index("  simulate:"), dvc.index("  labels:")
    (project.root / "dvc.yaml").write_text(dvc[:start] + dvc[stop:])
    project.params(PARAMS | {"data": {"dir": data}})
    (project.root / "results" / "report.txt").unlink()
    project.build()
    assert project.verify(keep=tmp_path / "kept") == "4 artifacts of 4 stages: all the same bytes"
    copied = [path for path in (tmp_path / "kept").rglob("*.h5") if not path.is_symlink()]
    assert copied == []


# -- a record of another checkout --------------------------------------------------------------


def stale(project: Project) -> str:
    line = project.refusal()
    start = f"{project.root}/dvc.lock: is not of this checkout: "
    end = "; run `snakemake --cores all` first"
    assert line.startswith(start)
    assert line.endswith(end)
    return line.removeprefix(start).removesuffix(end)


def test_code_that_has_changed_is_named(project):
    (project.root / "steps.py").write_text(STEPS + "\n")
    assert stale(project) == "stage simulate: steps.py has changed since"


def test_code_that_is_gone_is_named(project):
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
def test_a_knob_that_has_changed_is_named(project, label, says):
    project.params(PARAMS | {"label": label})
    assert stale(project) == f"stage labels: params.yaml's {says}"


def test_a_stage_that_has_not_been_run_is_named(project):
    project.params(PARAMS | {"models": ["slow", "quick", "market"], "market": {}})
    assert stale(project) == "stage train@market-0: it has not been run"


def test_a_stage_of_another_command_is_named(project):
    dvc = (project.root / "dvc.yaml").read_text()
    (project.root / "dvc.yaml").write_text(dvc.replace("steps.py market -", "steps.py market +"))
    assert stale(project) == "stage simulate: it was run with another command than dvc.yaml's"


def test_a_stage_that_has_not_followed_an_earlier_one_is_named(project):
    edit_json(project.root / "results" / "labels" / "summary.json", total=-1)
    yaml = YAML()
    before = yaml.load(project.root / "dvc.lock")
    project.record()
    lock = yaml.load(project.root / "dvc.lock")
    lock["stages"]["train@slow-0"] = before["stages"]["train@slow-0"]
    yaml.dump(lock, project.root / "dvc.lock")
    assert stale(project) == (
        "stage train@slow-0: it was run on another results/label than stage labels left"
    )


def test_data_of_ones_own_that_has_changed_is_named(project, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(project.root / "results" / "simulate", own)
    project.params(PARAMS | {"data": {"dir": str(own)}})
    project.record()
    other_value(own)
    assert stale(project) == f"stage labels: {own} has changed since"


# -- what else is one line ---------------------------------------------------------------------


def test_a_step_that_fails_is_named_with_its_last_line(project, tmp_path):
    """Nothing runs on after it."""
    project.params(PARAMS | {"models": ["slow", "fail"], "fail": {}})
    (project.root / "results" / "train" / "fail-0").write_text("")
    project.record()
    assert project.refusal(jobs=2) == (
        "stage train@fail-0 failed: alpha fail: error: must not be so"
    )
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("dvc", "says"),
    [
        ("[]", "must hold sections"),
        ("stages: 3", "must hold stages"),
        ("stages: {a: {cmd: 'x ${no.such}'}}", "stage a cannot be resolved: 'no.such'"),
        ("stages: {a: {foreach: [1], do: {cmd: x}}}", "foreach is not read"),
        ("stages: {a: 3}", "stage a cannot be resolved"),
        ("stages: [", "is not YAML"),
        (
            "stages: {a: {cmd: x, deps: [one], outs: [two/b]}, "
            "b: {cmd: x, deps: [two], outs: [one]}}",
            "must not wait for each other, found a, b",
        ),
    ],
)
def test_a_flow_that_cannot_be_followed_is_one_line(project, dvc, says):
    (project.root / "dvc.yaml").write_text(dvc)
    assert says in project.refusal()


def test_at_least_one_job_is_needed(project):
    assert project.refusal(jobs=0) == "--jobs must be at least 1, found 0"


def test_a_long_line_is_shown_from_shortly_before_the_difference(tmp_path):
    for name, letter in (("a", "x"), ("b", "y")):
        (tmp_path / name).write_text("-" * 500 + letter + "+" * 500)
    said = inside.file(tmp_path / "a", tmp_path / "b")
    assert said.startswith(f'line 1 has "{"-" * 30}y+++')
    assert len(said) < 160
