"""The workflow as a user runs it: Snakemake and DVC, on a miniature market in a clone."""

import csv
import json
import os
import re
import shutil

import pandas as pd
import pytest
from checkout import ROOT, Checkout, job, jobs, related
from dvc.repo import Repo
from ruamel.yaml import YAML

pytestmark = pytest.mark.workflow

RUNS = {"baselines 0", "train 0/mlp/0", "predict 0/mlp"}
AFTER_RUNS = {"trade", "evaluate", "report"}
AFTER_SPLITS = {"normalize", "audit"} | RUNS | AFTER_RUNS
IN_GIT = {"results/label/profile.json", "results/evaluate/metrics.json"}
EVERYTHING = {"simulate", "label", "guard", "split"} | AFTER_SPLITS
SHOW = "python", "-m", "alpha", "show"


@pytest.fixture(scope="module")
def built(miniature, tmp_path_factory):
    """A clone after `snakemake --cores 2`. Tests that change more than params.yaml copy it."""
    checkout = miniature.copy(tmp_path_factory.mktemp("workflow") / "built")
    assert {job(stage) for stage in checkout.executed()} == EVERYTHING
    return checkout


@pytest.fixture
def edited(built):
    """The built clone; its params.yaml is put back after the test."""
    before = built.params.read_bytes()
    yield built
    built.params.write_bytes(before)


@pytest.fixture
def copied(built, tmp_path):
    """A copy of the built clone, results, records and all."""
    return built.copy(tmp_path / "copy")


def test_after_snakemake_there_is_nothing_left_to_do(built):
    """DVC finds its records true, and neither Snakemake nor DVC runs anything again."""
    assert "up to date" in built.run("dvc", "status")
    assert "Nothing to be done" in built.run("snakemake", "--cores", "2")
    assert "Running stage" not in built.run("dvc", "repro")


def test_rules_are_the_stages(built):
    """Each output comes from the rule that reproduces its stage, from the stage's own files."""
    summary = built.run("snakemake", "--detailed-summary", "--quiet", "all").splitlines()
    start = next(number for number, line in enumerate(summary) if line.startswith("output_file"))
    rules = {row["output_file"]: row for row in csv.DictReader(summary[start:], delimiter="\t")}
    stages = Repo(built.folder).index.stages
    outs = {stage.name: [out.def_path for out in stage.outs if out.use_cache] for stage in stages}
    made = {out for paths in outs.values() for out in paths}
    assert set(rules) == made
    # What is in git is no rule's output, and comes with the others of its stage.
    beside = {"results/label/profile.json": "results/label/labels"}
    for stage in stages:
        files = {dep.def_path for dep in stage.deps} - {"params.yaml"}
        expected = {
            out
            for file in files
            for out in [name for name in made if related(name, file)] or [beside.get(file, file)]
        }
        for out in outs[stage.name]:
            rule = rules[out]
            assert rule["rule"] == job(stage.name).partition(" ")[0]
            assert f"--single-item {stage.name} " in rule["shellcmd"]
            # The mark that made it run is not of the stage.
            inputs = {file for file in rule["input-file(s)"].split(",") if file[0] != "."}
            assert inputs == expected


def test_the_number_of_cores_does_not_change_a_byte(built, tmp_path):
    """From scratch, on one core, in another folder, time zone, locale and order of hashes: every
    file is the same."""
    made = shutil.ignore_patterns("results", "dvc.lock", "cache", ".snakemake")
    shutil.copytree(built.folder, tmp_path / "one core", ignore=made)
    alone = Checkout(tmp_path / "one core")
    alone.environment |= {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    alone.run("snakemake", "--cores", "1")
    assert {job(stage) for stage in alone.executed()} == EVERYTHING
    assert alone.results() == built.results()
    assert alone.outs() == built.outs()


@pytest.mark.slow
def test_a_partial_target_runs_what_it_needs_and_no_more(copied):
    copied.edit({"label.horizon_seconds": 400})
    assert jobs(copied.run("snakemake", "--cores", "2", "results/guard/shift.json")) == {
        "label",
        "guard",
    }
    assert copied.planned() == EVERYTHING - {"simulate", "label", "guard"}


@pytest.mark.slow
@pytest.mark.parametrize("target", ["results/label/labels", "results/split"])
def test_what_a_partial_target_left_stale_is_built_by_the_next_run(copied, target):
    """Wherever an earlier run ended, all that is stale is planned, and DVC is content with it."""
    copied.edit({"label.horizon_seconds": 400, "networks": []})
    copied.run("snakemake", "--cores", "2", target)
    stale = {job(stage) for stage in json.loads(copied.run("dvc", "status", "--json"))}
    planned = copied.planned()
    assert stale <= planned
    assert {"normalize", "baselines 0", "evaluate", "report"} <= planned
    assert jobs(copied.run("snakemake", "--cores", "2")) == planned
    assert "up to date" in copied.run("dvc", "status")


def test_the_graph_of_jobs_is_drawn_and_the_run_is_reported_offline(built, tmp_path):
    drawn = built.run("snakemake", "--dag")
    assert all(name in drawn for name in ("digraph", "simulate", "run: 0/mlp/0", "report"))
    page = tmp_path / "run.html"
    built.run("snakemake", "--report", str(page))
    text = page.read_text(encoding="utf-8")
    assert "evaluate" in text
    assert re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=.https?:[^>]*>", text) == []


def test_every_rule_says_what_it_needs_and_leaves_a_log_and_its_cost(built):
    """So that a cluster can take it."""
    rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    _, *blocks = re.split(r"^ *rule:$", rules, flags=re.MULTILINE)
    assert blocks
    for block in blocks:
        for words in ("log:", "benchmark:", "threads:", "mem_mb=", "runtime="):
            assert words in block, block
    for kind, end in (("", "log"), ("benchmarks", "tsv")):
        folder = built.folder / "logs" / kind
        assert (folder / f"label.{end}").is_file()
        assert (folder / "train" / "0" / "mlp" / f"0.{end}").is_file()
    cost = (built.folder / "logs/benchmarks/label.tsv").read_text().splitlines()
    assert {"s", "max_rss", "cpu_time"} <= set(cost[0].split("\t"))


def test_another_data_folder_is_one_edit(copied, tmp_path):
    """Data of one's own, in a folder with a space in its name, reruns all but the simulation;
    later changes in the folder are noticed, and DVC's records stay true."""
    rerun = EVERYTHING - {"simulate"}
    first = {"label", "guard", "split"}
    own = tmp_path / "my data"
    own.mkdir()
    for day in (copied.folder / "results" / "simulate").glob("*.h5"):
        shutil.copy(day, own)
    shutil.rmtree(copied.folder / "logs")
    copied.edit({"data.dir": str(own), "data.exclude": ["^spread"]})
    assert copied.planned() == rerun
    assert jobs(copied.run("snakemake", "--cores", "2", "results/split")) == first
    assert {job(stage) for stage in copied.executed()} == first
    stale = json.loads(copied.run("dvc", "status", "--json"))
    assert not first.intersection(stale)
    assert copied.planned() == rerun - first
    file = min(own.iterdir())
    day = pd.read_hdf(file, "df")
    day.index += pd.Timedelta(days=30)
    day.to_hdf(own / "another.h5", key="df")
    assert copied.planned() == rerun
    (own / "another.h5").unlink()
    assert copied.planned() == rerun - first
    file.write_bytes(file.read_bytes() + b"one byte more")
    assert copied.planned() == rerun


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"label.horizon_seconds": -1}, "label.horizon_seconds"),
        ({"label.horizont_seconds": 60}, "label.horizont_seconds: no such key"),
        ({"data.dir": "no/such/folder"}, "no/such/folder"),
    ],
)
def test_bad_params_stop_before_anything_runs(edited, changes, problem):
    """One line says what is wrong, the exit is not zero, and earlier results are untouched."""
    before = edited.results()
    edited.edit(changes)
    printed = edited.run("snakemake", "--cores", "2", fails=True).splitlines()
    assert len([line for line in printed if "workflow specific profile" not in line]) == 1
    assert printed[-1].startswith("alpha check: error: ")
    assert problem in printed[-1]
    assert edited.results() == before


def test_a_missing_key_stops_before_anything_runs(edited):
    """Also where dvc.yaml itself would stumble over the key that is not there."""
    content = YAML().load(edited.params)
    del content["seeds"]
    YAML().dump(content, edited.params)
    printed = edited.run("snakemake", "--cores", "2", fails=True)
    assert "alpha check: error: params.yaml: seeds: is missing" in printed
    assert "Traceback" not in printed


def test_a_pipe_among_the_data_stops_before_dvc_would_wait_for_it(edited):
    folder = edited.folder / "piped"
    folder.mkdir()
    os.mkfifo(folder / "a.h5")
    edited.edit({"data.dir": "piped"})
    printed = edited.run("snakemake", "--cores", "2", fails=True).splitlines()
    # Others copy this folder, and would wait for it too.
    shutil.rmtree(folder)
    assert printed[-1].startswith("alpha check: error: 'piped/a.h5': must be a file")


def test_a_failing_step_shows_its_error_and_earlier_results_stay(copied):
    """What Snakemake and DVC remove before a step runs is there again after it failed."""
    before = copied.results()
    code = copied.folder / "alpha/split/__init__.py"
    text = code.read_text()
    refusal = "from alpha.core.errors import InputError\n    raise InputError('too few rows')"
    code.write_text(f"{text}\n\ndef command(params, args):\n    {refusal}\n")
    printed = copied.run("snakemake", "--cores", "2", fails=True)
    assert "alpha split: error: too few rows\n(logs/split.log has all of it)\n" in printed
    assert "Traceback" not in printed
    assert copied.results() == before
    assert "The last run failed: logs/split.log says why." in copied.run(*SHOW)
    code.write_text(text)
    assert "up to date" in copied.run("dvc", "status")
    # With nothing to run, too, that is over.
    copied.run("snakemake", "--cores", "2")
    assert "failed" not in copied.run(*SHOW)


def test_a_bug_in_a_model_ends_in_its_traceback_and_where_the_log_is(copied):
    """Below the rule's own text; and earlier results stay."""
    before = copied.results()
    with (copied.folder / "alpha/models/baselines/lines.py").open("a") as code:
        code.write("\n\ndef _fit(*_):\n    return 1 // 0\n\n\nRidge.fit = _fit\n")
    printed = copied.run("snakemake", "--cores", "2", fails=True)
    *_, last = printed.partition("command exited with non-zero exit code")
    assert "    return 1 // 0\n" in last
    assert "ZeroDivisionError: integer division or modulo by zero" in last
    assert "(logs/baselines/0.log has all of it)" in last
    assert "dvc " not in last.partition("Complete log")[0]
    assert copied.results() == before


def test_show_says_what_was_edited_since(edited):
    assert "Not up to date" not in edited.run(*SHOW)
    edited.edit({"normalize.clip": 9.0, "split.embargo_seconds": 700})
    says = "Not up to date: params.yaml (normalize, split) changed since. `make run` mends that."
    assert says in " ".join(edited.run(*SHOW).split())


def test_a_bad_value_of_an_experiment_names_its_key_and_what_brings_everything_back(copied):
    copied.commit("built")
    before = copied.results()
    bad = ("dvc", "exp", "run", "-S", "label.horizon_seconds=-5")
    printed = copied.run(*bad, fails=True)
    assert (
        "params.yaml: label.horizon_seconds: must be greater than or equal to 0.000001, found -5"
        in printed
    )
    assert "`git checkout params.yaml` takes it back" in printed
    copied.run("git", "checkout", "params.yaml")
    copied.run("snakemake", "--cores", "2")
    assert copied.results() == before
    assert copied.run("git", "status", "--porcelain") == ""
    assert "git checkout" not in copied.run(*bad[:3], "--temp", *bad[3:], fails=True)


def test_make_run_says_once_what_to_commit_if_anything(copied):
    make = ("make", "--silent", "--assume-old=.venv/installed", "run")
    copied.commit("built")
    assert "git add" not in copied.run(*make)
    (copied.folder / "pins" / "labels.json").unlink()
    copied.edit({"networks": []})
    last = "To keep this run: git add params.yaml dvc.lock pins results && git commit"
    assert copied.run(*make).splitlines()[-1] == last
    copied.run("git", "add", "params.yaml", "dvc.lock", "pins", "results")
    copied.run("git", "commit", "--quiet", "--no-gpg-sign", "--message", "kept")
    assert "git add" not in copied.run(*make)


def test_a_failing_evaluation_leaves_the_figures_that_are_in_git(copied):
    """DVC removes them before the step, too, and has them in no cache that it would look into."""
    before = copied.results()
    with (copied.folder / "alpha/evaluate/__init__.py").open("a") as code:
        code.write("\n\ndef command(params, args):\n    raise SystemExit('no')\n")
    copied.run("snakemake", "--cores", "2", fails=True)
    assert copied.results() == before


@pytest.mark.slow
def test_after_clean_small_results_stay_and_the_others_come_back(copied):
    """From DVC's cache, but for labels, whose stage DVC's run cache does not keep."""
    copied.commit("built")
    before = copied.results()
    copied.run("make", "clean")
    assert set(copied.results()) == IN_GIT
    assert copied.run("git", "status", "--porcelain") == ""
    copied.run("snakemake", "--cores", "2")
    assert copied.executed() == {"label"}
    assert copied.results() == before
    assert copied.run("git", "status", "--porcelain") == ""


def test_labels_that_move_in_silence_stop_at_the_guard_until_they_are_pinned(copied):
    """An edit of code lengthens every window: nothing after the guard runs. Once `alpha pin`
    accepts the labels, everything after them would, and what is asked for does."""
    copied.edit({"networks": []})  # without TensorFlow, for speed
    (copied.folder / "pins" / "labels.json").unlink()
    once = "The labels of these data are not pinned yet"
    guard = ("snakemake", "--cores", "2", "results/guard/shift.json")
    assert once in copied.run(*guard)
    assert once not in copied.run(*guard)
    copied.run("python", "-m", "alpha", "pin")
    assert copied.planned() == {"guard"} | AFTER_RUNS
    code = copied.folder / "alpha" / "label" / "targets.py"
    old = "label.horizon_ns, label.max_gap_ns"
    assert old in code.read_text()
    code.write_text(code.read_text().replace(old, f"60 * 10**9 + {old}"))
    printed = copied.run("snakemake", "--cores", "2", fails=True)
    assert "labels moved although neither params nor data changed" in printed
    assert jobs(printed) == {"label", "guard"}
    copied.run("python", "-m", "alpha", "pin")
    without = {"simulate", "label", "train 0/mlp/0", "predict 0/mlp"}
    assert copied.planned() == EVERYTHING - without
    split = ("snakemake", "--cores", "2", "results/split")
    assert jobs(copied.run(*split)) == {"guard", "split"}


@pytest.mark.slow
def test_a_full_rebuild_on_two_cores_gives_the_same_bytes(copied):
    """Every stage runs anew, and split waits for the guard."""
    before = copied.results()
    copied.environment["ALPHA_REPRO_FLAGS"] = "--force"
    assert jobs(copied.run("snakemake", "--cores", "2", "--forceall")) == EVERYTHING
    assert copied.results() == before


@pytest.mark.slow
def test_plots_of_two_commits_are_drawn_side_by_side(copied):
    """`dvc plots diff` has learning curves and quantiles, before and after a change."""
    for rate in (None, 0.02):
        if rate is not None:
            copied.edit({"train.learning_rate": rate})
            copied.run("snakemake", "--cores", "2")
        copied.commit("a run")
    printed = copied.run("dvc", "plots", "diff", "HEAD~1", "HEAD", "--json")
    drawn = json.loads(printed[printed.index("{") :])["data"]
    for plot in ("learning_curves/mlp-0.csv", "quantiles/mlp.csv", "distribution/mlp.csv"):
        [shown] = [view for name, views in drawn.items() if plot in name for view in views]
        points = shown["content"]["data"]["values"]
        revisions = {str(point.get("rev")) for point in points}
        assert {"HEAD~1", "HEAD"} <= revisions
