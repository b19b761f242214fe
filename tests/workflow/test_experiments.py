"""Experiments as a researcher runs them: a sweep in the queue, a table, a comparison, and back."""

import csv
import json

import pytest

from benchmarks.entry_points import ran

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def swept(miniature, tmp_path_factory):
    """A built and committed clone, after a sweep over two penalties, two at a time."""
    checkout = miniature.copy(tmp_path_factory.mktemp("experiments") / "swept")
    checkout.commit("built")
    checkout.run("dvc", "exp", "run", "--queue", "-S", "ridge.penalty=1,10")
    checkout.work_off_queue(jobs=2)
    status = checkout.run("dvc", "queue", "status")
    assert status.count("Success") == 2, status
    return checkout


def names(checkout):
    """The experiments' names by their penalty, as the table has them."""
    table = checkout.run("dvc", "exp", "show", "--csv", "--hide-workspace")
    rows = csv.DictReader(table.splitlines())
    return {float(row["ridge.penalty"]): row["Experiment"] for row in rows if row["Experiment"]}


def test_the_table_of_experiments_is_narrow_and_opens_no_pager(swept):
    """What they changed and the best model's headline: no code, no data, no other model."""
    make = ("make", "--silent", "--assume-old=.venv/installed", "experiments")
    swept.environment |= {"COLUMNS": "80", "DVC_PAGER": "false", "PAGER": "false"}
    lines = swept.run(*make).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["experiment", "created", "best", "valid", "test", "verdict"]
    for penalty, name in names(swept).items():
        [at] = [at for at, line in enumerate(lines) if line.startswith(f"{name} ")]
        assert lines[at].split()[-1] in ("collapsed", "no_skill")
        assert lines[at + 1] == f"  ridge.penalty={penalty:g}"


def test_experiments_are_compared_with_each_other_and_in_words(swept):
    first, second = names(swept).values()
    printed = swept.run("dvc", "exp", "diff", "--json", first, second)
    differences = json.loads(printed[printed.index("{") :])
    assert set(differences["params"]["params.yaml"]) == {"ridge.penalty"}
    assert "ridge.skill_test" in differences["metrics"]["results/evaluate/metrics.json"]
    assert "ridge.penalty" in swept.run("python", "-m", "alpha", "diff", first, second)


def test_an_experiment_is_applied_and_left_again_without_a_run(swept):
    before = swept.results()
    for name in names(swept).values():
        swept.run("dvc", "exp", "apply", name)
        assert "Nothing to be done" in swept.run("snakemake", "--cores", "2")
        assert "up to date" in swept.run("dvc", "status")
        assert swept.results() != before
    swept.run("git", "checkout", "--quiet", ".")
    assert ran(swept.run("dvc", "repro")) == set()
    assert swept.results() == before


def test_the_differences_between_two_experiments_are_short(swept):
    """A line for each figure of each model, and one for the parameter; not for every file."""
    name = names(swept)[10]
    metrics = swept.run("dvc", "metrics", "diff", "--no-path", "HEAD", name)
    assert len(metrics.splitlines()) < 50
    params = swept.run("dvc", "params", "diff", "HEAD", name)
    assert len([line for line in params.splitlines() if "params.yaml" in line]) == 1
