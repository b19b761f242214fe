"""Verify as a user runs it, on a miniature market that Snakemake and DVC built."""

import re

import pytest
from checkout import Checkout

# In CI, test_verify.py has it of a small project, and test_workflow.py builds the market twice.
pytestmark = [pytest.mark.workflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def built(miniature, tmp_path_factory):
    """A clone after `snakemake --cores 2`, without networks for speed."""
    checkout = miniature.copy(tmp_path_factory.mktemp("verify") / "built")
    checkout.edit({"baselines": ["mean"], "networks": []})
    checkout.run("snakemake", "--cores", "2")
    return checkout


@pytest.fixture
def edit(built):
    """Edits a file of the package and gives it out for what was recorded, until the test ends."""
    before = {}

    def replace(name: str, old: str, new: str) -> None:
        for path in (built.folder / name, built.folder / "dvc.lock"):
            before[path] = path.read_text()
        assert old in before[built.folder / name]
        (built.folder / name).write_text(before[built.folder / name].replace(old, new))
        built.run("dvc", "commit", "--force", "--quiet")

    yield replace
    for path, text in before.items():
        path.write_text(text)


def verify(built: Checkout, *, fails: bool = False) -> str:
    return built.run("python", "-m", "alpha", "verify", fails=fails).splitlines()[-1]


def test_what_the_engines_built_is_built_again_without_them_to_the_byte(built):
    assert re.fullmatch(r"\d+ artifacts of \d+ stages: all the same bytes", verify(built))


def test_a_label_that_comes_out_differently_is_named_with_its_node(built, edit):
    """As if labels had been recorded with code that gives others."""
    edit("alpha/label/targets.py", "top / entry_up[row] - 1.0", "top / entry_up[row] - 2.0")
    assert re.fullmatch(
        r"alpha verify: error: stage label does not give what dvc\.lock records: "
        r"results/label/labels/SIM-data-01-01-2024\.h5: node /df/block0_values: "
        r"the value at \[\d+, \d\] is \S+, recorded \S+ \(by at most \S+ of it\)",
        verify(built, fails=True),
    )


def test_another_way_of_storing_hdf5_is_told_apart_from_another_content(built, edit):
    """As if a library had been exchanged: no figure of any later step depends on it."""
    edit("alpha/core/frames.py", "track_times=False", "track_times=True")
    assert re.fullmatch(
        r"\d+ artifacts of \d+ stages: all the same content; only the container differs in "
        r"results/simulate/SIM-data-01-01-2024\.h5 and \d+ more, as another HDF5 library would "
        r"write it \(here HDF5 [\d.]+\)",
        verify(built),
    )
