"""Adding a model as docs/how-to/model.md says: one file and one line."""

import json

import pytest
from adding_models import EXAMPLES, write_examples
from ruamel.yaml import YAML

pytestmark = pytest.mark.workflow


def test_a_file_and_a_line_add_a_model_to_all_that_runs_and_shows(miniature, tmp_path):
    """The examples in scikit-learn, Keras and numpy; and to take the line out removes it again."""
    checkout = miniature.copy(tmp_path / "adding")
    checkout.edit({"networks": []})
    write_examples(checkout.folder / "alpha/models/own")
    own = {}
    for _, line in EXAMPLES.values():
        before = checkout.params.read_text()
        assert "\nown: {}\n" in before
        checkout.params.write_text(before.replace("\nown: {}\n", f"\n{line}"))
        checkout.run("python", "-m", "alpha", "check")
        own |= YAML(typ="safe").load(line)["own"]
        checkout.params.write_text(before)
    assert list(own) == ["boosting", "wide", "deciles"]
    checkout.edit({"own": own})
    planned = checkout.planned()
    assert {f"{job} {name}" for name in own for job in ("train", "predict")} <= {
        job.removesuffix("/0") for job in planned
    }
    # Without TensorFlow, for speed: test_own.py trains this one too.
    wide = own.pop("wide")
    checkout.edit({"own": own})
    checkout.run("snakemake", "--cores", "2")
    found = json.loads((checkout.folder / "results/evaluate/metrics.json").read_text())
    assert {"mean", *own} <= set(found)
    shown = checkout.run("python", "-m", "alpha", "show")
    assert all(name in shown for name in own)
    assert "up to date" in checkout.run("dvc", "status")

    del own["boosting"]
    checkout.edit({"own": own})
    checkout.run("dvc", "repro")
    assert not (checkout.folder / "results/train/boosting").exists()
    assert (checkout.folder / "results/train/deciles/0").exists()
    found = json.loads((checkout.folder / "results/evaluate/metrics.json").read_text())
    assert "deciles" in found
    assert "boosting" not in found

    checkout.edit({"own": {**own, "wide": wide}})
    assert checkout.planned() == {"train wide/0", "predict wide", "evaluate", "report"}
    checkout.edit({"own": {"wide": {"unitz": 1}}})
    refused = checkout.run("python", "-m", "alpha", "check", fails=True)
    assert refused.startswith("alpha check: error: params.yaml: own.wide.unitz: no such key")
