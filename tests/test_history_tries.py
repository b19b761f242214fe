import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from alpha.history.tries import count

EVALUATION = Path("results") / "evaluate"
OUT = "results/evaluate/details.json"


def configured(silos: str, *, digest: str = "d1", **other: Any) -> dict[str, Any]:
    """What counts of an evaluation of `mean`, and of `silos`, which has this configuration."""
    models = {"mean": {"configuration": "m1"}, "silos": {"configuration": silos}}
    return {"test_digest": digest, "by_model": models} | other


def write(path: Path, made: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(made))


def cached(cache: Path, content: bytes) -> str:
    """Put `content` where DVC's cache has it, and return its md5."""
    md5 = hashlib.md5(content).hexdigest()
    path = cache / "files" / "md5" / md5[:2] / md5[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return md5


def cached_details(cache: Path, made: dict[str, Any]) -> str:
    return cached(cache, json.dumps(made).encode())


def outs(md5: str, *, path: str = OUT) -> str:
    """A stage's outs as DVC writes them in the run cache."""
    return (
        "cmd: python -m alpha evaluate\nouts:\n"
        f"- path: {path}\n  hash: md5\n  md5: {md5}\n  size: 6\n"
    )


def in_run_cache(cache: Path, md5: str, *, path: str = OUT) -> None:
    key = hashlib.sha256((md5 + path).encode()).hexdigest()
    entry = cache / "runs" / key[:2] / key / key[::-1]
    entry.parent.mkdir(parents=True)
    entry.write_text(outs(md5, path=path))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one evaluation at hand: configuration m1 of mean, s1 of silos."""
    write(tmp_path / EVALUATION / "details.json", configured("s1"))
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main"], cwd=tmp_path, check=True)
    return tmp_path


@pytest.fixture
def git(root: Path, monkeypatch: pytest.MonkeyPatch):
    """Run git in the project as nobody in particular."""
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "nobody")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "nobody@localhost")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)

    def run(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    return run


def lock(root: Path, git, md5: str) -> str:
    """Commit a dvc.lock with this details.json, and return the commit."""
    text = f"""schema: '2.0'
stages:
  evaluate:
    cmd: python -m alpha evaluate
    outs:
    - path: results/evaluate/metrics.json
      hash: md5
      md5: {"e" * 32}
      size: 5
    - path: {OUT}
      hash: md5
      md5: {md5}
      size: 6
"""
    (root / "dvc.lock").write_text(text)
    git("add", "dvc.lock")
    git("commit", "--quiet", "--message", "a run")
    return git("rev-parse", "HEAD")


def test_without_dvc_and_git_only_the_evaluation_at_hand_counts(root: Path):
    assert count(root / EVALUATION, root) == {"mean": 1, "silos": 1}
    shutil.rmtree(root / ".git")
    assert count(root / EVALUATION, root) == {"mean": 1, "silos": 1}


def test_without_an_evaluation_nothing_counts(tmp_path: Path):
    assert count(tmp_path / EVALUATION, tmp_path) == {}


def test_distinct_configurations_in_the_run_cache_count_once_each(root: Path):
    """The same configuration under another seed of the bootstrap, say, is not a new try."""
    cache = root / ".dvc" / "cache"
    again = configured("s2", resamples=100)
    for made in (configured("s1"), configured("s2"), again, configured("s3")):
        in_run_cache(cache, cached_details(cache, made))
    assert count(root / EVALUATION, root) == {"mean": 1, "silos": 3}


def test_evaluations_on_another_test_split_do_not_count(root: Path):
    cache = root / ".dvc" / "cache"
    in_run_cache(cache, cached_details(cache, configured("s2", digest="another")))
    assert count(root / EVALUATION, root)["silos"] == 1


def test_outs_of_other_stages_and_folders_do_not_count(root: Path):
    cache = root / ".dvc" / "cache"
    md5 = cached_details(cache, configured("s2"))
    for other in ("results/train/mlp-0", "other/" + OUT, OUT + ".txt"):
        in_run_cache(cache, md5, path=other)
    assert count(root / EVALUATION, root) == {"mean": 1, "silos": 1}


def test_what_cannot_be_read_does_not_count(root: Path):
    """Of an older format, broken, or no longer in the cache."""
    cache = root / ".dvc" / "cache"
    in_run_cache(cache, cached(cache, b'{"models": ["mean"]}'))
    in_run_cache(cache, cached(cache, b"\xff{"))
    in_run_cache(cache, "0" * 32)
    assert count(root / EVALUATION, root) == {"mean": 1, "silos": 1}


@pytest.mark.parametrize("file", ["config", "config.local"])
@pytest.mark.parametrize("absolute", [True, False])
def test_the_cache_is_where_dvcs_config_says(root: Path, file: str, absolute: bool):
    """A relative cache.dir is relative to .dvc."""
    cache = root / "elsewhere"
    in_run_cache(cache, cached_details(cache, configured("s2")))
    (root / ".dvc").mkdir()
    where = cache if absolute else "../elsewhere"
    (root / ".dvc" / file).write_text(
        f"[core]\n    analytics = false\n[cache]\n    dir = {where}\n"
    )
    assert count(root / EVALUATION, root)["silos"] == 2


def test_every_version_of_the_lock_in_git_counts(root: Path, git):
    """Earlier commits, other branches, experiments, and a side of a merge that lost."""
    cache = root / ".dvc" / "cache"
    first = lock(root, git, cached_details(cache, configured("s2")))
    git("checkout", "--quiet", "-b", "side")
    experiment = lock(root, git, cached_details(cache, configured("s3")))
    git("update-ref", f"refs/exps/{first[:2]}/{first[2:]}/lucky-guess", experiment)
    git("reset", "--quiet", "--hard", first)
    lock(root, git, cached_details(cache, configured("s4")))
    git("checkout", "--quiet", "main")
    lock(root, git, cached_details(cache, configured("s5")))
    git("merge", "--quiet", "--strategy", "ours", "--message", "ours wins", "side")
    git("branch", "--delete", "side")
    assert count(root / EVALUATION, root) == {"mean": 1, "silos": 5}


def test_a_project_in_a_folder_of_its_repository_counts_its_own_lock(root: Path, git):
    project = root / "project"
    cache = project / ".dvc" / "cache"
    write(project / EVALUATION / "details.json", configured("s1"))
    lock(root, git, cached_details(cache, configured("not this project's")))
    (project / "dvc.lock").write_text(outs(cached_details(cache, configured("s2"))))
    git("add", "project/dvc.lock")
    git("commit", "--quiet", "--message", "a run of the project")
    assert count(project / EVALUATION, project) == {"mean": 1, "silos": 2}


def test_an_evaluation_outside_the_project_stands_alone(root: Path, tmp_path_factory):
    """DVC knows nothing of it."""
    cache = root / ".dvc" / "cache"
    in_run_cache(cache, cached_details(cache, configured("s2")))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write(elsewhere / "details.json", configured("s1"))
    assert count(elsewhere, root) == {"mean": 1, "silos": 1}


@pytest.mark.workflow
def test_a_real_dvc_remembers_what_experiments_and_edits_tried(root: Path, git, monkeypatch):
    """One configuration is committed, one an experiment, one an edit that was run over."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(root.with_name("dvc-site")))

    def dvc(*arguments: str) -> None:
        command = [sys.executable, "-m", "dvc", *arguments, "--quiet"]
        subprocess.run(command, cwd=root, check=True, capture_output=True)

    for name in ("s1", "s2", "s3"):
        write(root / "made" / f"{name}.json", configured(name))
    (root / "params.yaml").write_text("silos: s1\n")
    (root / "dvc.yaml").write_text(
        "stages:\n  evaluate:\n"
        f"    cmd: mkdir -p {EVALUATION} && cp made/${{silos}}.json {OUT}\n"
        f"    deps: [made]\n    params: [silos]\n    outs: [{OUT}]\n"
    )
    Repo.init(str(root)).close()
    dvc("repro")
    git("add", "--all")
    git("commit", "--quiet", "--message", "s1")
    dvc("exp", "run", "--set-param", "silos=s2")
    (root / "params.yaml").write_text("silos: s3\n")
    dvc("repro")
    (root / "params.yaml").write_text("silos: s1\n")
    dvc("repro")
    assert count(root / EVALUATION, root) == {"mean": 1, "silos": 3}
