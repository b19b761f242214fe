"""dvc.yaml's stages depend on exactly the folders of code that they import, and name their steps;
and the folders of the package stand on each other in one direction."""

import ast
import shutil
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from checkout import ROOT
from dvc.dvcfile import ProjectFile
from dvc.repo import Repo
from ruamel.yaml import YAML

from alpha.__main__ import COMMANDS
from alpha.learn.kinds import KINDS

with TemporaryDirectory() as _folder:
    shutil.copy(ROOT / "dvc.yaml", _folder)
    # With raw data, of which there is a stage.
    _text = (ROOT / "tests" / "params.yaml").read_text(encoding="utf-8")
    _text = _text.replace("sources: []", "sources: [{dir: raw, files: {'*': bitmex_quote}}]")
    (Path(_folder) / "params.yaml").write_text(_text, encoding="utf-8")
    RESOLVED = ProjectFile(Repo.init(_folder, no_scm=True), "dvc.yaml").resolver.resolve()["stages"]
# Those of a matrix differ in the model alone, and the seed: one of each.
STAGES: dict[str, dict[str, Any]] = {name.partition("@")[0]: RESOLVED[name] for name in RESOLVED}
# What each floor may import: itself, and those before it.
FLOORS = ["core", "data", "learn", "models"]
STEPS = [*dict.fromkeys(name.partition("_")[0] for name in STAGES)]
# What steps may use of another step: the format of what it writes.
FORMATS = {
    "guard": {"label"},
    "evaluate": {"predict", "audit"},
    "audit": {"split"},
    "trade": {"evaluate"},
    "report": {"label", "guard", "audit", "evaluate"},
}
# Calls that import the module of a name.
_IMPORTING = ("import_module", "step")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_exactly_the_folders_of_code_it_imports(stage):
    """A folder left out would leave stale results behind an edit; one too many reruns in vain."""
    listed = {dep for dep in STAGES[stage]["deps"] if dep.startswith("alpha/")}
    program = {"alpha/__init__.py", "alpha/__main__.py"}
    assert program <= listed
    assert sorted(listed - program) == sorted(reached(stage))
    # The report shows what all steps found.
    assert len(listed - program) <= (8 if stage == "report" else 6)


@pytest.mark.parametrize("step", ["train", "predict"])
def test_models_of_one_s_own_may_import_what_networks_do(step):
    """There are none here: their stages are read as they are written."""
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    own, networks = stages[f"{step}_own"], stages[f"{step}_networks"]
    assert set(own["deps"]) == {*networks["deps"], "alpha/models/own"}
    assert own["cmd"] == networks["cmd"]
    assert {*own["params"]} - {"own.${item.model}"} == {*networks["params"]} - {"${item.model}"}


def test_no_module_imports_from_a_floor_above_its_own_nor_what_another_step_does():
    for file in modules():
        own = file.relative_to(ROOT / "alpha").parts[0].removesuffix(".py")
        for name in imported(file):
            other = name.split(".")[1] if "." in name else own
            where = f"{file.relative_to(ROOT)} imports {name}"
            if own == other or own not in FLOORS + STEPS:
                continue  # what looks at results from outside may import everything
            if own in FLOORS:
                assert other in FLOORS[: FLOORS.index(own)], where
            else:
                assert other in FLOORS or other in FORMATS.get(own, ()), where
                assert name.split(".")[2:3] != ["run"], where


def test_folders_import_each_other_in_no_circle():
    graph: dict[str, set[str]] = {}
    for file in modules():
        found = graph.setdefault(folder(file), set())
        found |= {folder(path) for name in imported(file) for path in files(name)} - {folder(file)}
    while graph:
        last = [name for name, others in graph.items() if not others & graph.keys()]
        assert last, f"a circle among {sorted(graph)}"
        for name in last:
            del graph[name]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_calls_the_command_line_as_it_is(stage):
    """Every option that a stage gives exists, and every option that is required is given."""
    for line in lines(stage):
        words = line.split()
        assert words[:3] == ["python", "-m", "alpha"]
        options = import_module(COMMANDS[words[3]]).OPTIONS
        given = {word for word in words[4:] if word.startswith("--")}
        assert given <= {option.flag for option in options}
        assert given >= {one.flag for one in options if one.required and one.default is None}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_writes_only_into_results(stage):
    """What is made can be deleted as one folder; only small results are committed to git."""
    outs = [*STAGES[stage]["outs"], *STAGES[stage].get("metrics", [])]
    paths = [path for out in outs for path in (out if isinstance(out, dict) else [out])]
    assert paths
    assert all(path.startswith("results/") for path in paths)
    in_git = {path for out in outs if isinstance(out, dict) for path in out}
    assert in_git <= {"results/label/profile.json", "results/evaluate/metrics.json"}


def test_normalization_and_training_cannot_see_test():
    """A command that fits is given no path by which the test split could reach it: to train, those
    of train and valid. Of a folder with splits `alpha normalize` opens train alone: the tests of
    test_normalize.py have nothing else there."""
    for stage in STAGES:
        if stage.startswith("train_"):
            [line] = [one for one in lines(stage) if one.split()[3] == "train"]
            given = {word for word in line.split() if word.startswith("results/split")}
            assert given == {"results/split/0/train", "results/split/0/valid"}
            # Baselines are predicted with by the same stage.
            alone = len(lines(stage)) == 1
            assert alone == ("results/split/0/test" not in STAGES[stage]["deps"])


def reached(stage: str) -> set[str]:
    """The folders of code that a stage's commands may import, those inside functions too.

    A model's kind is imported by name: all of its folder counts, and no other kind. The command
    line of another step (its __init__), which is imported with its formats, makes no result.
    """
    _, _, kind = stage.partition("_")
    steps = [line.split()[3] for line in lines(stage)]
    waiting = [path for step in steps for path in files(COMMANDS[step])]
    waiting += sorted((ROOT / "alpha/models" / kind).glob("*.py")) if kind else []
    own = {folder(path) for path in waiting}
    found: set[Path] = set()
    while waiting:
        file = waiting.pop()
        command = file.name == "__init__.py" and file.parent.name in STEPS
        if file not in found and not (command and folder(file) not in own):
            found.add(file)
            others = [f".{name}" for name in KINDS if name != kind]
            for name in imported(file):
                if not (kind and any(other in name for other in others)):
                    waiting += files(name)
    return {folder(file) for file in found} - {"alpha", "alpha/models"}


def modules() -> list[Path]:
    return sorted((ROOT / "alpha").rglob("*.py"))


def folder(file: Path) -> str:
    """The folder of the package that a module is in, such as alpha/models/trees."""
    parts = file.parent.relative_to(ROOT).parts
    return "/".join(parts[: 3 if parts[1:2] == ("models",) else 2])


def imported(file: Path) -> list[str]:
    """The dotted names of the package that a module imports, wherever in it."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "the package imports by whole names"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(_IMPORTING):
            found += [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
    return [name for name in found if name.split(".")[0] == "alpha"]


def files(name: str) -> list[Path]:
    """The module behind a dotted name, and the packages that hold it."""
    parts = name.split(".")
    found = []
    for length in range(2, len(parts) + 1):
        path = ROOT.joinpath(*parts[:length])
        found += [
            file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()
        ]
    return found


def lines(stage: str) -> list[str]:
    """The command lines of a stage."""
    found = STAGES[stage]["cmd"]
    return [found] if isinstance(found, str) else found
