"""Adding a model as docs/how-to/model.md says: one file and one line."""

import json

import pytest
from adding_models import EXAMPLES, write_examples
from ruamel.yaml import YAML

pytestmark = pytest.mark.workflow


@pytest.fixture
def adding(miniature, tmp_path):
    """A clone with the files of the examples in scikit-learn, Keras and numpy, and their lines."""
    checkout = miniature.copy(tmp_path / "adding")
    checkout.edit({"networks": []})
    write_examples(checkout.folder / "alpha/models/own")
    own = {}
    for _, line in EXAMPLES.values():
        own |= YAML(typ="safe").load(line)["own"]
    assert list(own) == ["boosting", "wide", "deciles"]
    return checkout, own


def test_a_file_and_a_line_plan_the_jobs_of_a_model_and_a_wrong_key_is_refused(adding):
    """test_own.py trains each; and the next test, among the slow, runs them all."""
    checkout, own = adding
    before = checkout.params.read_text()
    assert "\nown: {}\n" in before
    for _, line in EXAMPLES.values():
        checkout.params.write_text(before.replace("\nown: {}\n", f"\n{line}"))
        checkout.run("python", "-m", "alpha", "check")
    checkout.params.write_text(before)
    checkout.edit({"own": own})
    jobs = {job for name in own for job in (f"train 0/{name}/0", f"predict 0/{name}")}
    assert checkout.planned() == {*jobs, "trade", "evaluate", "report"}
    checkout.edit({"own": {"wide": {"unitz": 1}}})
    refused = checkout.run("python", "-m", "alpha", "check", fails=True)
    assert refused.startswith("alpha check: error: params.yaml: own.wide.unitz: no such key")


@pytest.mark.slow
def test_a_file_and_a_line_add_a_model_to_all_that_runs_and_shows(adding):
    """And to take the line out removes it again."""
    checkout, own = adding
    checkout.edit({"own": own})
    checkout.run("snakemake", "--cores", "2")
    found = json.loads((checkout.folder / "results/evaluate/metrics.json").read_text())
    assert {"mean", *own} <= set(found)
    shown = checkout.run("python", "-m", "alpha", "show")
    assert all(name in shown for name in own)
    assert "up to date" in checkout.run("dvc", "status")

    checkout.edit({"own": {"wide": own["wide"]}})
    checkout.run("dvc", "repro")
    assert not (checkout.folder / "results/train/0/boosting").exists()
    assert (checkout.folder / "results/train/0/wide/0").exists()
    found = json.loads((checkout.folder / "results/evaluate/metrics.json").read_text())
    assert "wide" in found
    assert "boosting" not in found

    checkout.edit({"own": {name: own[name] for name in ("wide", "deciles")}})
    assert checkout.planned() == {
        "train 0/deciles/0",
        "predict 0/deciles",
        "trade",
        "evaluate",
        "report",
    }
