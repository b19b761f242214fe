"""What a step waits for before it begins: nothing that it does not use, and nothing twice."""

import re
import subprocess
import sys

import pytest
from checkout import Checkout

pytestmark = pytest.mark.workflow

# Each takes a second or more to import.
HEAVY = {"tensorflow", "keras", "lightgbm", "sklearn", "matplotlib", "polars"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A clone in which a baseline was trained and predicts, where Python is asked to write no
    bytecode; and what the steps printed, with every import."""
    folder = tmp_path_factory.mktemp("starts") / "clone"
    changes = {"baselines": ["ridge"], "networks": []}
    checkout = Checkout.clone(folder, changes, compiled=False)
    checkout.environment |= {"PYTHONPROFILEIMPORTTIME": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return checkout, checkout.run("dvc", "repro", "train_baselines@0")


def test_steps_without_networks_import_no_heavy_library(ran):
    """Simulation, labels, guard, splits, normalization, and a baseline trained and read back."""
    printed = ran[1]
    steps = re.split(r"^Running stage '(\w+)", printed, flags=re.MULTILINE)
    found = {
        step: set(re.findall(r"^import time:.*\| +(\w+)", text, re.MULTILINE))
        for step, text in zip(steps[1::2], steps[2::2], strict=True)
    }
    for step in ("simulate", "label", "guard", "split", "normalize", "train_baselines"):
        assert "alpha" in found[step], step
        assert found[step] & HEAVY == set(), step


def test_compiled_kernels_are_kept_where_no_bytecode_is(ran):
    """So that the passes over windows are compiled once, and not at each start."""
    checkout = ran[0]
    kept = {path.name.partition(".")[0] for path in (checkout.folder / "alpha").rglob("*.nbi")}
    assert "targets" in kept
    assert not list((checkout.folder / "alpha").rglob("*.pyc"))


def test_every_package_is_byte_compiled_by_set_up():
    """Also where the environment asks Python to write no bytecode: a start takes half the time."""
    check = (
        "import importlib.util, pathlib, sysconfig;"
        "files = pathlib.Path(sysconfig.get_paths()['purelib']).rglob('*.py');"
        "print(sum(not pathlib.Path(importlib.util.cache_from_source(f)).exists() for f in files))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
