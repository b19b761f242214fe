"""dvc.yaml's stages depend on exactly the code they can import, and name their steps."""

from typing import Any

import pytest
from checkout import ROOT
from dvc.dvcfile import ProjectFile
from dvc.repo import Repo
from imports import closure

from alpha.__main__ import parser
from alpha.learn.params import KINDS

STAGES: dict[str, dict[str, Any]] = ProjectFile(Repo(ROOT), "dvc.yaml").resolver.resolve()["stages"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_exactly_the_code_it_can_import(stage):
    """A file left out would leave stale results behind an edit; one too many reruns in vain."""
    steps, model = commands(stage)
    listed = {
        file for dep in STAGES[stage]["deps"] if dep.startswith("alpha/") for file in files(dep)
    }
    if model is None:
        needed = set().union(*(closure(ROOT, step, None) for step in steps))
    else:
        # The instances of a matrix share one list, but for the rung's own file.
        kind = next(names for names in KINDS.values() if model in names)
        rungs = {f"alpha/models/{name}.py" for name in kind}
        shared = set().union(*(closure(ROOT, steps[0], name) for name in kind)) - rungs
        needed = shared | (closure(ROOT, steps[0], model) & rungs)
    assert sorted(needed - listed) == [], "missing from the stage's deps"
    assert sorted(listed - needed) == [], "superfluous in the stage's deps"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_calls_the_command_line_as_it_is(stage):
    """Every option that a stage gives exists, and every option that is required is given."""
    for line in lines(stage):
        words = line.split()
        assert words[:3] == ["python", "-m", "alpha"]
        parser().parse_args(words[3:])


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_writes_only_into_results(stage):
    """What is made can be deleted as one folder, and is never committed to git."""
    outs = STAGES[stage]["outs"] + STAGES[stage].get("metrics", [])
    assert outs
    assert all(out.startswith("results/") for out in outs)


def test_normalization_and_training_cannot_see_test():
    """What is fitted on train has no path by which the test split could reach it."""
    for stage in STAGES:
        if stage.partition("@")[0] in ("normalize", "train"):
            assert not any(dep.startswith("results/split/test") for dep in STAGES[stage]["deps"])


def files(dep: str) -> list[str]:
    """A file of the package, or the files of a folder of it."""
    found = [path for path in (ROOT / dep).rglob("*.*") if path.suffix in (".py", ".j2", ".css")]
    return [str(path.relative_to(ROOT)) for path in found] or [dep]


def lines(stage: str) -> list[str]:
    """The command lines of a stage."""
    found = STAGES[stage]["cmd"]
    return [found] if isinstance(found, str) else found


def commands(stage: str) -> tuple[list[str], str | None]:
    """A stage's commands, and its model if it is an instance of a matrix."""
    _, _, run = stage.partition("@")
    return [line.split()[3] for line in lines(stage)], run.rpartition("-")[0] or None
