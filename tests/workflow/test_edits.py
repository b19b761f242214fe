"""What an edit makes run: of code, the steps that import it; of params, what depends on them."""

import json
import shutil
from pathlib import Path

import pytest
from checkout import ROOT, Checkout, job, related
from dvc.repo import Repo
from dvc.stage import PipelineStage
from imports import closure

from alpha.learn.params import KINDS
from benchmarks import ways_in

pytestmark = pytest.mark.workflow

STEPS = {
    "simulate": "simulate",
    "label": "label",
    "guard": "guard",
    "split": "split",
    "normalize": "normalize",
    "report": "report",
}
MODELS = {"mean": "baselines", "ridge": "baselines", "mlp": "networks"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    checkout = Checkout.clone(tmp_path_factory.mktemp("edits") / "built")
    checkout.run("snakemake", "--cores", "2")
    checkout.commit("built")
    return checkout


def importing() -> dict[str, set[str]]:
    """Of each file of the package, the stages of the miniature that import it."""
    found: dict[str, set[str]] = {
        str(path.relative_to(ROOT)): set()
        for path in (ROOT / "alpha").rglob("*")
        if path.suffix in (".py", ".j2", ".css")
    }
    for stage, command in STEPS.items():
        for file in closure(ROOT, command, None):
            found[file].add(stage)
    for file in closure(ROOT, "evaluate", None) | closure(ROOT, "tidy", None):
        found[file].add("evaluate")
    rungs = {f"alpha/models/{name}.py" for name in MODELS}
    for model, kind in MODELS.items():
        for step in ("train", "predict"):
            # Rungs of a kind share what rungs are made of, but each has a file of its own.
            shared = set().union(*(closure(ROOT, step, name) for name in KINDS[kind])) - rungs
            for file in shared | (closure(ROOT, step, model) & rungs):
                found[file].add(f"{step}_{kind}@{model}-0")
    return found


PLANNED = {"alpha/dataset.py", "alpha/guard/__init__.py", "alpha/models/ridge.py", "alpha/tried.py"}


def test_an_edit_of_a_module_makes_the_stages_that_import_it_stale_and_no_others(built):
    """One file for each set of stages, by DVC; Snakemake plans these and what follows, here seen
    of a few. That every file is among its stages' dependencies is test_stages.py's to say."""
    groups: dict[frozenset[str], str] = {}
    for file, stages in importing().items():
        if frozenset(stages) not in groups or file in PLANNED:
            groups[frozenset(stages)] = file
    assert set(groups.values()) >= PLANNED
    assert len(groups) > 15
    follows = following(Repo(built.folder).index.stages)
    for stages, file in groups.items():
        path = built.folder / file
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        status = json.loads(built.run("dvc", "status", "--json"))
        assert set(status) == stages, file
        if file in PLANNED:
            expected = {job(after) for stage in stages for after in {stage} | follows[stage]}
            assert built.planned() == expected, file
        path.write_bytes(before)


@pytest.mark.parametrize("way", ["snakemake", "dvc repro"])
def test_an_edit_that_changes_no_result_runs_the_steps_that_import_it_alone(built, tmp_path, way):
    """Labels of the same bytes stop the chain there, by either engine."""
    shutil.copytree(built.folder, tmp_path / "copy", symlinks=True)
    copied = Checkout(tmp_path / "copy")
    before = copied.results()
    for file, expected in (
        ("alpha/label/windows.py", {"label"}),
        ("alpha/models/ridge.py", {"train_baselines@ridge-0", "predict_baselines@ridge-0"}),
        ("alpha/show/table.py", set()),
    ):
        with (copied.folder / file).open("a") as code:
            code.write("\n# A remark.\n")
        assert ways_in.WAYS[way](copied, {}) == expected
    assert copied.results() == before


def following(stages: list[PipelineStage]) -> dict[str, set[str]]:
    """Of each stage, all stages after it; splits wait for the guard, but need nothing of it."""
    after: dict[str, set[str]] = {stage.name: set() for stage in stages}
    for _ in stages:
        for before in stages:
            for stage in stages:
                deps = {dep.def_path for dep in stage.deps} - {"results/guard/passed.json"}
                if any(related(out.def_path, dep) for out in before.outs for dep in deps):
                    after[before.name] |= {stage.name} | after[stage.name]
    return after


# After a change of one knob of a section, the stages that run.
RUNS = {f"{step} {model}-0" for step in ("train", "predict") for model in MODELS}
JUDGED = {"evaluate", "report"}
AFTER_SPLITS = {"normalize"} | RUNS | JUDGED
AFTER_LABELS = {"label", "guard", "split"} | AFTER_SPLITS
EXPECTED = {
    "data.exclude": AFTER_LABELS,
    "features.families.spread": AFTER_SPLITS,
    "simulate.seed": {"simulate"} | AFTER_LABELS,
    "label.horizon_seconds": AFTER_LABELS,
    "split.embargo_seconds": {"split"} | AFTER_SPLITS,
    "normalize.clip": AFTER_SPLITS,
    "loss.name": RUNS | JUDGED,
    "train.learning_rate": {"train mlp-0", "predict mlp-0"} | JUDGED,
    "ridge.penalty": {"train ridge-0", "predict ridge-0"} | JUDGED,
    "mlp.dropout": {"train mlp-0", "predict mlp-0"} | JUDGED,
    "silos.units": set(),
    "lightgbm.leaves": set(),
    "evaluate.tries": JUDGED,
    "verdict.leak_skill": JUDGED,
    "baselines": {"train har-0", "predict har-0"} | JUDGED,
    "networks": JUDGED,
    "trees": {"train lightgbm-0", "predict lightgbm-0"} | JUDGED,
    "seeds": {"train mlp-1", "predict mlp-1"} | JUDGED,
}


def test_every_section_of_params_has_its_row():
    sections = {key.partition(".")[0] for key in EXPECTED}
    without_knobs = {"zero", "mean", "median", "persistence", "har"}
    assert sections | without_knobs == set(params_sections())
    assert set(EXPECTED) == set(ways_in.KNOBS)


def params_sections() -> list[str]:
    from ruamel.yaml import YAML

    return list(YAML(typ="safe").load(Path(ROOT / "params.yaml")))


@pytest.mark.parametrize("knob", EXPECTED)
def test_a_changed_knob_plans_what_depends_on_it_and_nothing_else(built, knob):
    before = built.params.read_bytes()
    built.edit({knob: ways_in.KNOBS[knob]})
    assert built.planned() == EXPECTED[knob]
    built.params.write_bytes(before)


@pytest.mark.parametrize("way", ways_in.WAYS)
def test_by_every_way_a_changed_knob_runs_the_same_stages_and_going_back_runs_nothing(
    built, tmp_path, way
):
    shutil.copytree(built.folder, tmp_path / "copy", symlinks=True)
    copied = Checkout(tmp_path / "copy")
    before = copied.results()
    ran = ways_in.WAYS[way](copied, {"ridge.penalty": 1.0})
    assert {job(stage) for stage in ran} == EXPECTED["ridge.penalty"]
    assert copied.results() != before
    assert "Nothing to be done" in copied.run("snakemake", "--cores", "2")
    assert "up to date" in copied.run("dvc", "status")
    assert ways_in.WAYS[way](copied, {"ridge.penalty": 100.0}) == set()
    assert copied.results() == before
