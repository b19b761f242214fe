import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from alpha.core.errors import InputError
from alpha.history.record import git

Git = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Runs git in a new repository that has one commit, of `a` and `inside/a`."""
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "nobody")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "nobody@localhost")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)

    def run(*words: str) -> str:
        command = ["git", *words]
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    run("init", "--quiet", "--initial-branch", "main")
    (tmp_path / "inside").mkdir()
    (tmp_path / "a").write_bytes(b"\xff1")
    (tmp_path / "inside" / "a").write_text("")
    run("add", "--all")
    run("commit", "--quiet", "--message", "one")
    return run


def test_a_file_is_shown_as_a_commit_had_it(tmp_path: Path, run: Git):
    (tmp_path / "a").write_text("2")
    run("commit", "--quiet", "--all", "--message", "two")
    assert git.show(tmp_path, "HEAD~1", "a") == b"\xff1"
    assert git.show(tmp_path, "main", "a") == b"2"


def test_a_path_is_relative_to_the_project_and_may_be_an_empty_file(tmp_path: Path, run: Git):
    assert git.show(tmp_path / "inside", "HEAD", "a") == b""


@pytest.mark.parametrize("path", ["b", "inside", "../out"])
def test_what_a_commit_does_not_have_is_none(tmp_path: Path, run: Git, path: str):
    assert git.show(tmp_path, "HEAD", path) is None


def test_an_experiment_is_known_by_its_name(tmp_path: Path, run: Git):
    head = run("rev-parse", "HEAD")
    run("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/lucky-guess", head)
    assert git.commit(tmp_path, "lucky-guess") == head


@pytest.mark.parametrize("rev", ["nowhere", "HEAD~9", "", "HEAD:a", "a\nb", "--all", "-h", "\0"])
def test_what_is_no_commit_is_refused_in_one_line(tmp_path: Path, run: Git, rev: str):
    with pytest.raises(InputError) as raised:
        git.commit(tmp_path, rev)
    assert "git has none" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_revision_that_begins_with_a_dash_is_no_option(tmp_path: Path, run: Git):
    out = tmp_path / "written"
    with pytest.raises(InputError, match="git has none"):
        git.show(tmp_path, f"--output={out}", "a")
    assert not out.exists()


def test_outside_a_repository_it_is_said(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match="must be in a git repository"):
        git.commit(tmp_path, "HEAD")
