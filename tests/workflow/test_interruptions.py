"""kill -9, then the same command again: it finishes, to the bytes of a run left alone.

Moments are chosen by what is going on; `python -m benchmarks.interruptions` chooses at random.
"""

import shutil
import time

import pytest
from checkout import related

from benchmarks.interruptions import fresh, kill, living, start, steps

pytestmark = pytest.mark.workflow

RUN = "results/train/0/baselines"
STAGES = ("simulate", "label", "guard", "split", "normalize", "audit", "train_baselines@0")
STEP = ["train baselines"]
SNAKEMAKE = ("snakemake", "--cores", "2", RUN)
DVC = ("dvc", "repro", "train_baselines@0")
RECOVER = ("python", "workflow/scripts/recover.py")


@pytest.fixture(scope="module")
def built(miniature, tmp_path_factory):
    """A clone in which everything was run."""
    return miniature.copy(tmp_path_factory.mktemp("interruptions") / "built")


@pytest.fixture
def copied(built, tmp_path):
    """A copy of it, with DVC's cache."""
    return built.copy(tmp_path / "copy")


@pytest.fixture
def untrained(copied):
    """A copy in which they are yet to be trained: DVC's cache has nothing of it."""
    shutil.rmtree(copied.folder / RUN)
    shutil.rmtree(copied.folder / ".dvc" / "cache")
    return copied


def log(checkout):
    """Where a command that is started prints."""
    return checkout.folder.with_suffix(".log")


def until(process, moment, *, every=0.1):
    """Wait until `moment` holds, while a process runs; look every so many seconds."""
    while not moment():
        assert process.poll() is None, "it ended before the moment came"
        time.sleep(every)


def halted(checkout):
    """The processes of the step that runs there, halted: they go on when resumed."""
    found = [step for step in living(checkout.folder) if step.cmdline()[1:3] == ["-m", "alpha"]]
    for step in found:
        step.suspend()
    return found


def resumed(checkout, command, printed, step):
    """Start a command, and resume the halted step when it says that it waits."""
    process = start(checkout, command, log(checkout))
    until(process, lambda: printed in log(checkout).read_text())
    for one in step:
        one.resume()
    assert process.wait() == 0


def made(checkout):
    """The md5 of each file that leads to RUN, and of each output in dvc.lock."""
    outs = {stage: checkout.outs()[stage] for stage in STAGES}
    paths = [out["path"] for stage in outs.values() for out in stage]
    results = checkout.results().items()
    return outs, {name: md5 for name, md5 in results if any(related(name, path) for path in paths)}


def the_same(checkout, built):
    """Whether results and records are those of the run left alone, with nobody alive."""
    while living(checkout.folder):
        time.sleep(0.1)
    assert not list((checkout.folder / "results").rglob("*.part"))
    assert "Nothing to be done" in checkout.run("snakemake", "--dry-run", RUN)
    return made(checkout) == made(built)


def cut(checkout):
    """Cut dvc.lock short within its last stage, as when DVC is killed while writing it."""
    lock = checkout.folder / "dvc.lock"
    whole = lock.read_bytes()
    lock.write_bytes(whole[: whole.rindex(b"md5:") + 2])
    return whole


def test_snakemake_killed_while_a_step_writes(built, tmp_path):
    """What the step had written looks finished to nobody, and Snakemake's locks are removed."""
    checkout = fresh(built, tmp_path / "fresh")
    simulate = (*SNAKEMAKE[:3], "results/simulate")
    part = checkout.folder / "results" / "simulate.part"
    process = start(checkout, simulate, log(checkout))
    until(process, lambda: any(part.glob("*.h5")), every=0.001)
    kill(process, checkout.folder, "all")
    assert part.exists()
    assert not part.with_suffix("").exists()
    assert "removed Snakemake's locks of a run that was killed" in checkout.run(*simulate)
    assert not list((checkout.folder / "results").rglob("*.part"))
    assert checkout.outs()["simulate"] == built.outs()["simulate"]


@pytest.mark.slow
def test_snakemake_killed_alone_while_its_step_lives_on(untrained, built):
    """The step is waited for, and not run again."""
    process = start(untrained, SNAKEMAKE, log(untrained))
    until(process, lambda: steps(untrained.folder) == STEP)
    step = halted(untrained)
    kill(process, untrained.folder, "top")
    resumed(untrained, SNAKEMAKE, "still at work here", step)
    assert "Running stage" not in (untrained.folder / "logs/baselines/0.log").read_text()
    assert the_same(untrained, built)


@pytest.mark.slow
def test_dvc_killed_while_a_step_runs(untrained, built):
    process = start(untrained, DVC, log(untrained))
    until(process, lambda: steps(untrained.folder) == STEP)
    kill(process, untrained.folder, "all")
    untrained.run(*DVC)
    assert the_same(untrained, built)


def test_snakemake_fixes_a_lock_that_was_cut_short(copied, built):
    """What it lost comes back from DVC's cache, to the byte; nothing runs again."""
    shutil.rmtree(copied.folder / "logs")
    whole = cut(copied)
    assert "dvc.lock: was cut short by an interruption" in copied.run(*SNAKEMAKE[:3])
    assert copied.executed() == set()
    assert (copied.folder / "dvc.lock").read_bytes() == whole
    assert the_same(copied, built)


@pytest.mark.slow
def test_a_lock_that_was_cut_short_is_fixed_for_dvc_by_one_command(copied, built):
    """DVC alone only says that it is invalid."""
    whole = cut(copied)
    assert "Traceback" not in copied.run(*DVC, fails=True)
    assert "dvc.lock: was cut short by an interruption" in copied.run(*RECOVER)
    assert "nothing was locked or cut short" in copied.run(*RECOVER)
    assert "Running stage" not in copied.run("dvc", "repro")
    assert (copied.folder / "dvc.lock").read_bytes() == whole
    assert the_same(copied, built)


@pytest.mark.slow
def test_locks_of_a_snakemake_that_lives_stay(untrained, built):
    """A second one says in one line that it is not alone, and does not disturb the first."""
    first = start(untrained, SNAKEMAKE, log(untrained))
    until(first, lambda: steps(untrained.folder) == STEP)
    step = halted(untrained)
    printed = untrained.run(*SNAKEMAKE, fails=True).splitlines()
    line = "another Snakemake is at work in this folder: wait for it, or end it"
    assert [text for text in printed if "specific profile" not in text] == [
        f"snakemake: error: {line}"
    ]
    assert untrained.run(*RECOVER, fails=True).splitlines() == [f"unlock: error: {line}"]
    for one in step:
        one.resume()
    assert first.wait() == 0
    assert the_same(untrained, built)
