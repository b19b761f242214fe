"""Fresh clones and other commits: what DVC knows is brought, and what is there never runs again."""

import json

import pytest
from checkout import Checkout, jobs

pytestmark = pytest.mark.workflow

NOTHING = "Nothing to be done"


@pytest.fixture(scope="module")
def pushed(miniature, tmp_path_factory):
    """A clone after two commits with other params, both built, and pushed to a DVC remote.

    Each commit's params.yaml and dvc.lock are in git, the branches `first` and `second`.
    """
    folder = tmp_path_factory.mktemp("clones")
    checkout = miniature.copy(folder / "origin")
    checkout.run("dvc", "remote", "add", "--default", "storage", str(folder / "remote"))
    for branch, penalty in (("first", 100.0), ("second", 1.0)):
        checkout.run("git", "switch", "--quiet", "--create", branch)
        checkout.edit({"ridge.penalty": penalty})
        checkout.run("snakemake", "--cores", "2")
        checkout.commit(branch)
        checkout.run("dvc", "push", "--quiet", "--run-cache")
    return checkout


@pytest.fixture
def cloned(pushed, tmp_path):
    """A clone with git alone, as another person makes it."""
    pushed.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    return Checkout(tmp_path / "clone")


def test_after_a_clone_and_a_pull_nothing_runs(pushed, cloned):
    """Neither engine finds anything to do, and every file is there."""
    cloned.run("dvc", "pull")
    assert NOTHING in cloned.run("snakemake", "--cores", "all")
    assert "up to date" in cloned.run("dvc", "status")
    assert "Running stage" not in cloned.run("dvc", "repro")
    assert cloned.results() == pushed.results()
    assert cloned.run("git", "status", "--porcelain") == ""


def test_in_a_clone_that_has_only_git_metrics_of_two_commits_are_compared(cloned):
    """No remote is asked: they are in git."""
    cloned.run("dvc", "remote", "remove", "storage")
    printed = cloned.run("dvc", "metrics", "diff", "--json", "HEAD~1")
    [found] = json.loads(printed[printed.index("{") :]).values()
    assert "ridge.skill_test" in found


def test_after_a_clone_and_a_pull_an_edit_is_still_noticed(cloned):
    cloned.run("dvc", "pull", "--quiet")
    cloned.edit({"ridge.penalty": 7.0})
    assert cloned.planned() == {"baselines 0", "trade", "evaluate", "report"}


@pytest.mark.slow
def test_without_a_remote_a_clone_is_rebuilt_to_the_same_bytes(pushed, cloned):
    """dvc.lock, which names every md5, is left as it was committed."""
    cloned.run("dvc", "remote", "remove", "storage")
    cloned.run("git", "commit", "--all", "--quiet", "--no-gpg-sign", "--message", "no remote")
    cloned.run("snakemake", "--cores", "2")
    assert cloned.run("git", "status", "--porcelain") == ""
    assert cloned.results() == pushed.results()


def test_another_commit_and_its_results_need_no_run(pushed, tmp_path):
    """`git checkout` and `dvc checkout`, to and fro."""
    copied = pushed.copy(tmp_path / "copy")
    for branch in ("first", "second"):
        copied.run("git", "checkout", "--quiet", branch)
        copied.run("dvc", "checkout", "--quiet")
        assert NOTHING in copied.run("snakemake", "--cores", "all")
        assert "up to date" in copied.run("dvc", "status")
        assert copied.run("git", "status", "--porcelain") == ""
    assert copied.results() == pushed.results()


@pytest.mark.parametrize("remote", [True, False])
def test_sync_brings_the_results_of_this_commit(pushed, cloned, remote):
    """From the remote; without one it says what is still to be built. Twice is as good as once."""
    if not remote:
        cloned.run("dvc", "remote", "remove", "storage")
    for _ in range(2):
        printed = cloned.run("python", "workflow/scripts/sync.py").splitlines()[-1]
        if remote:
            assert printed == "all results of this commit are here, from the remote storage"
            assert NOTHING in cloned.run("snakemake", "--cores", "all")
            assert cloned.results() == pushed.results()
        else:
            assert printed.endswith("`make run` builds them")
            assert "there is no remote" in printed
            assert len(jobs(cloned.run("snakemake", "--dry-run"))) == 12


def test_sync_after_a_switch_of_branches_brings_the_results_of_the_other(pushed, tmp_path):
    copied = pushed.copy(tmp_path / "copy")
    copied.run("git", "switch", "--quiet", "first")
    copied.run("python", "workflow/scripts/sync.py")
    assert NOTHING in copied.run("snakemake", "--cores", "all")
    assert copied.results() != pushed.results()


def test_sync_with_a_remote_that_is_not_there_is_one_line(cloned):
    cloned.run("dvc", "remote", "modify", "storage", "url", "../nowhere")
    (cloned.folder.parent / "nowhere").write_text("a file")
    printed = cloned.run("python", "workflow/scripts/sync.py", fails=True)
    assert printed.splitlines()[-1].startswith("sync: error: `dvc pull` failed")
    assert "Traceback" not in printed
