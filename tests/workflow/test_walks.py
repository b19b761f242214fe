"""Several folds as a user runs them: the same bytes by each engine; what a day more makes run."""

import shutil

import pytest
from checkout import Checkout, job

from benchmarks import entry_points

pytestmark = pytest.mark.workflow

# Folds of days, of a market whose days are copied into a folder one after the other.
WALK = {
    "simulate.days": 6,
    "simulate.rows_per_day": 1000,
    "networks": [],
    "data.pattern": "*.h5",
    "split.scheme": "walk_forward",
    "split.folds": [0, 1],
}
COMMON = {"label", "guard", "split", "normalize", "audit", "trade", "evaluate", "report"}


def test_every_fold_has_its_own_jobs(miniature, tmp_path):
    checkout = miniature.copy(tmp_path / "copy")
    checkout.edit({"split.scheme": "combinatorial", "split.combinatorial.groups": 3,
                   "split.combinatorial.test_groups": 1, "split.folds": [0, 1, 2]})  # fmt: skip
    jobs = ("baselines {}", "train {}/mlp/0", "predict {}/mlp")
    each = {name.format(fold) for fold in range(3) for name in jobs}
    assert checkout.planned() == each | COMMON - {"label", "guard"}


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A clone with five days of data and nothing made of them; where they are; and the sixth."""
    folder = tmp_path_factory.mktemp("walks")
    checkout = Checkout.clone(folder / "begun", WALK)
    checkout.run("dvc", "repro", "--quiet", "simulate")
    *days, last = sorted((checkout.folder / "results" / "simulate").glob("*.h5"))
    own = folder / "own"
    own.mkdir()
    for day in days:
        shutil.copy(day, own)
    checkout.edit({"data.dir": str(own)})
    checkout.commit("begun")
    return checkout, own, last


@pytest.mark.slow
def test_folds_are_the_same_by_every_engine_and_a_day_more_trains_one_fold(begun, tmp_path):
    """DVC restores nothing and runs neither fold of before again; going back runs nothing."""
    checkout, own, last = begun
    ran, made = {}, {}
    engines = ("snakemake", "dvc repro", "dvc exp run --temp")
    copies = {name: checkout.copy(tmp_path / name.replace(" ", "-")) for name in engines}
    for name, copied in copies.items():
        ran[name] = entry_points.ENTRY_POINTS[name](copied, {"ridge.penalty": 10.0})
        made[name] = copied.results()
        assert "up to date" in copied.run("dvc", "status")
        assert copied.planned() == set()
        assert {job(stage) for stage in ran[name]} == COMMON | {"baselines 0", "baselines 1"}
    assert made["snakemake"] == made["dvc repro"] == made["dvc exp run --temp"]

    shutil.copy(last, own)
    for name in ("snakemake", "dvc repro"):
        copied = copies[name]
        copied.run("python", "-m", "alpha", "folds", "--write")
        assert "folds: [0, 1, 2]" in copied.params.read_text()
        again = entry_points.ENTRY_POINTS[name](copied, {})
        assert {job(stage) for stage in again} == COMMON | {"baselines 2"}
        made[name] = copied.results()
        for fold in "01":
            kept = [file for file in made[name] if f"/{fold}/" in file]
            assert [made[name][file] for file in kept if "/train/" in file] == [
                made["dvc exp run --temp"][file] for file in kept if "/train/" in file
            ]
    assert made["snakemake"] == made["dvc repro"]
    (own / last.name).unlink()
