"""Verify as a user runs it, on a miniature market that Snakemake and DVC built."""

import re

import pytest
from checkout import ROOT, Checkout
from dvc.dvcfile import ProjectFile
from dvc.repo import Repo
from ruamel.yaml import YAML

from alpha.history.record.cache import md5_of
from alpha.history.verify import flow

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A clone after `snakemake --cores 2`, without networks for speed."""
    folder = tmp_path_factory.mktemp("verify") / "built"
    checkout = Checkout.clone(folder, {"baselines": ["mean"], "networks": []})
    checkout.run("snakemake", "--cores", "2")
    return checkout


@pytest.fixture
def edit(built):
    """Edits a file of the package and gives it out for what was recorded, until the test ends."""
    before = {}

    def replace(name: str, old: str, new: str) -> None:
        for path in (built.folder / name, built.folder / "dvc.lock"):
            before.setdefault(path, path.read_text())
        text = before[built.folder / name]
        assert old in text
        (built.folder / name).write_text(text.replace(old, new))
        lock = YAML(typ="safe").load(before[built.folder / "dvc.lock"])
        for stage in lock["stages"].values():
            for dep in stage["deps"]:
                if not dep["path"].startswith("results/"):
                    dep["md5"] = md5_of(built.folder / dep["path"])
        YAML().dump(lock, built.folder / "dvc.lock")

    yield replace
    for path, text in before.items():
        path.write_text(text)


def verify(built: Checkout, *, fails: bool = False) -> str:
    return built.run("python", "-m", "alpha", "verify", fails=fails).splitlines()[-1]


def test_what_the_engines_built_is_built_again_without_them_to_the_byte(built):
    assert re.fullmatch(r"\d+ artifacts of \d+ stages: all the same bytes", verify(built))


def test_a_label_that_comes_out_differently_is_named_with_its_node(built, edit):
    """As if labels had been recorded with code that gives others."""
    edit("alpha/label/windows.py", "top / entry_up[row] - 1.0", "top / entry_up[row] - 2.0")
    assert re.fullmatch(
        r"alpha verify: error: stage label does not give what dvc\.lock records: "
        r"results/label/SIM-data-01-01-2024\.h5: node /df/block0_values: the value at \[\d+, \d\] "
        r"is \S+, recorded \S+",
        verify(built, fails=True),
    )


def test_another_way_of_storing_hdf5_is_told_apart_from_another_content(built, edit):
    """As if a library had been exchanged: no figure of any later step depends on it."""
    edit("alpha/core/store/chunks.py", "_LEVEL = 1", "_LEVEL = 5")
    assert re.fullmatch(
        r"\d+ artifacts of \d+ stages: all the same content; only the container differs in "
        r"results/simulate/SIM-data-01-01-2024\.h5 and \d+ more, as another HDF5 library would "
        r"write it \(here HDF5 [\d.]+\)",
        verify(built),
    )


def test_the_stages_are_read_as_dvc_reads_them():
    """Commands, dependencies, params and outputs, with every ${...} resolved."""
    resolved = ProjectFile(Repo(ROOT), "dvc.yaml").resolver.resolve()["stages"]
    found = flow.declared(ROOT)
    assert list(found) == list(resolved)
    for name, stage in resolved.items():
        cmd = stage["cmd"]
        assert found[name].cmd == ("\n".join(cmd) if isinstance(cmd, list) else cmd)
        assert list(found[name].deps) == stage["deps"]
        assert list(found[name].outs) == stage["outs"] + stage.get("metrics", [])
        assert list(found[name].params) == stage.get("params", [])
