"""What an edit makes run: of code, the steps that import it; of params, what depends on them."""

import json
import os

import pytest
from checkout import ROOT, job, jobs
from dvc.repo import Repo
from ruamel.yaml import YAML

from benchmarks import entry_points

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def built(miniature, tmp_path_factory):
    checkout = miniature.copy(tmp_path_factory.mktemp("edits") / "built")
    checkout.commit("built")
    return checkout


def edited(checkout, *files):
    """Append a remark to modules."""
    for file in files:
        with (checkout.folder / file).open("a") as code:
            code.write("\n# A remark.\n")


@pytest.mark.slow
def test_an_edit_in_a_folder_makes_the_stages_that_depend_on_it_stale_and_no_others(built):
    """That they depend on what they import is test_stages.py's to say."""
    stages = {
        stage.name: {str(dep) for dep in stage.deps} for stage in Repo(built.folder).index.stages
    }
    for folder in sorted({dep for deps in stages.values() for dep in deps if "alpha/" in dep}):
        path = built.folder / folder
        file = path if path.is_file() else min(path.rglob("*.py"))
        before = file.read_bytes()
        file.write_bytes(before + b"\n")
        status = json.loads(built.run("dvc", "status", "--json"))
        assert set(status) == {stage for stage, deps in stages.items() if folder in deps}, folder
        file.write_bytes(before)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["alpha/evaluate/verdict.py"], {"trade", "evaluate", "report"}),
        (["alpha/report/run.py"], {"report"}),
        (["alpha/show/__init__.py", "alpha/history/diff.py", "alpha/check.py"], set()),
    ],
)
def test_an_edit_of_what_comes_last_plans_nothing_before_it(built, files, expected):
    edited(built, *files)
    assert built.planned() == expected
    built.run("git", "checkout", "--quiet", "alpha")


@pytest.mark.slow
@pytest.mark.parametrize("entry", ["snakemake", "dvc repro"])
def test_an_edit_that_changes_no_result_runs_the_steps_that_import_it_alone(built, tmp_path, entry):
    """Labels of the same bytes stop the chain there, by either engine."""
    copied = built.copy(tmp_path / "copy")
    before = copied.results()
    for file, expected in (
        ("alpha/label/targets.py", {"label", "guard", "report"}),
        ("alpha/models/baselines/naive.py", {"train_baselines@0"}),
        ("alpha/show/__init__.py", set()),
    ):
        edited(copied, file)
        assert entry_points.ENTRY_POINTS[entry](copied, {}) == expected
    assert copied.results() == before


# After a change of one parameter of a section, the jobs that run.
BASELINES = {"baselines 0"}
MLP = {"train 0/mlp/0", "predict 0/mlp"}
EVALUATED = {"evaluate", "report"}
PREDICTED = {"trade"} | EVALUATED
AFTER_SPLITS = {"normalize", "audit"} | BASELINES | MLP | PREDICTED
AFTER_LABELS = {"label", "guard", "split"} | AFTER_SPLITS
EXPECTED = {
    "data.exclude": AFTER_LABELS,
    "features.families.spread": AFTER_SPLITS,
    "simulate.seed": {"simulate"} | AFTER_LABELS,
    "ingest.levels": set(),
    "label.horizon_seconds": AFTER_LABELS,
    "split.embargo_seconds": {"split"} | AFTER_SPLITS,
    "normalize.clip": AFTER_SPLITS,
    # Training waits for the audit, and does not depend on what it finds.
    "audit.rows": {"audit"} | EVALUATED,
    "loss.name": BASELINES | MLP | PREDICTED,
    "train.learning_rate": MLP | PREDICTED,
    "ridge.penalty": BASELINES | PREDICTED,
    "mlp.dropout": MLP | PREDICTED,
    "silos.units": set(),
    "lightgbm.num_leaves": set(),
    "evaluate.tries": PREDICTED,
    "trade.latency_ms": PREDICTED,
    "verdict.leak_skill": EVALUATED,
    "report.stretch": {"report"},
    "baselines": BASELINES | PREDICTED,
    "networks": PREDICTED,
    "trees": {"train 0/lightgbm/0", "predict 0/lightgbm"} | PREDICTED,
    "seeds": {"train 0/mlp/1", "predict 0/mlp"} | PREDICTED,
}


def test_every_section_of_params_has_its_row():
    sections = {key.partition(".")[0] for key in EXPECTED}
    without_parameters = {"zero", "mean", "median", "persistence", "har"}
    without_parameters |= {"own"}  # a name there needs a file: test_own_model.py
    assert sections | without_parameters == set(
        YAML(typ="safe").load(ROOT / "tests" / "params.yaml")
    )
    assert set(EXPECTED) == set(entry_points.PARAMETERS)


# The others are among the slow.
QUICK = {"label.horizon_seconds", "ridge.penalty", "verdict.leak_skill", "networks", "seeds"}


@pytest.mark.parametrize(
    "parameter",
    [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in EXPECTED],
)
def test_a_changed_parameter_plans_what_depends_on_it_and_nothing_else(built, parameter):
    before = built.params.read_bytes()
    built.edit({parameter: entry_points.PARAMETERS[parameter]})
    assert built.planned() == EXPECTED[parameter]
    built.params.write_bytes(before)


# That nothing runs on the way back, test_clones.py and test_experiments.py show quickly.
@pytest.mark.slow
@pytest.mark.parametrize("entry", entry_points.ENTRY_POINTS)
def test_by_every_entry_point_a_changed_parameter_runs_the_same_stages_and_going_back_runs_nothing(
    built, tmp_path, entry
):
    copied = built.copy(tmp_path / "copy")
    before = copied.results()
    ran = entry_points.ENTRY_POINTS[entry](copied, {"ridge.penalty": 1.0})
    assert {job(stage) for stage in ran} == EXPECTED["ridge.penalty"]
    assert copied.results() != before
    assert "Nothing to be done" in copied.run("snakemake", "--cores", "2")
    assert "up to date" in copied.run("dvc", "status")
    assert entry_points.ENTRY_POINTS[entry](copied, {"ridge.penalty": 100.0}) == set()
    assert copied.results() == before


@pytest.mark.slow
def test_seeds_taken_away_leave_no_folder_that_is_predicted_or_evaluated(built, tmp_path):
    """By either engine; and back again nothing runs."""
    copied = built.copy(tmp_path / "copy")
    before = copied.results()
    for entry in ("snakemake", "dvc repro"):
        entry_points.ENTRY_POINTS[entry](copied, {"seeds": [0, 1]})
        assert (copied.folder / "results/predict/0/mlp/1").is_dir()
        entry_points.ENTRY_POINTS[entry](copied, {"seeds": [0]})
        assert copied.results() == before
        assert "Nothing to be done" in copied.run("snakemake", "--cores", "2")
        assert "up to date" in copied.run("dvc", "status")


def test_results_of_a_time_to_come_are_as_stale_as_others(built, tmp_path):
    """As after a clock was set back: Snakemake alone would run nothing, or refuse what it made."""
    copied = built.copy(tmp_path / "copy")
    for path in (copied.folder / "results").rglob("*"):
        os.utime(path, (4e9, 4e9))
    copied.edit({"report.stretch": entry_points.PARAMETERS["report.stretch"]})
    assert jobs(copied.run("snakemake", "--cores", "2")) == {"report"}
    assert copied.planned() == set()


def test_raw_data_are_a_stage_before_the_others_and_are_made_where_the_others_look(built, tmp_path):
    """Without sources there is none: no other plan here has it."""
    before = built.params.read_bytes()
    lines = [f"{second},100,1,101,1" for second in range(1_709_251_200, 1_709_251_800)]
    quotes = "\n".join(["time,bid_price,bid_size,ask_price,ask_size", *lines]) + "\n"
    (tmp_path / "quotes.csv").write_text(quotes, encoding="utf-8")
    names = ("time", "bid_price", "bid_size", "ask_price", "ask_size")
    mapping = {"format": "snapshots", **{name: name for name in names}}
    built.edit(
        {
            "data.dir": "results/ingest",
            "ingest.sources": [{"dir": str(tmp_path), "files": {"*.csv": mapping}}],
        }
    )
    assert built.planned() == {"ingest"} | AFTER_LABELS
    built.run("snakemake", "--cores", "1", "ingest")
    [made] = (built.folder / "results" / "ingest").glob("*.h5")
    assert made.name == "data-01-03-2024.h5"
    assert "ingest@source0" not in json.loads(built.run("dvc", "status", "--json"))
    built.params.write_bytes(before)
