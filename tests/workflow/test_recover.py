"""What a kill leaves behind is put right, and nothing that is whole or alive is touched."""

import hashlib
import json
import re
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest
import yaml
from checkout import ROOT, Checkout
from dvc.repo import Repo
from dvc.schema import COMPILED_LOCKFILE_SCHEMA

from workflow.scripts import recover

# Stages as DVC writes them: a folder, several outs, params, and a letter of two bytes.
STAGES = """
stages:
  a:
    cmd: mkdir a && echo 1 > a/x && echo 2 > a/y && echo é > b
    params: [p]
    outs: [a, b]
  c:
    cmd: mkdir c && cp -r a b c
    deps: [a, b]
    params: [p]
    outs: [c]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A DVC repository with both stages run, and its dvc.lock."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "dvc.yaml").write_text(STAGES)
    (folder / "params.yaml").write_text("p: {q: 1, r: [1, 2]}\n")
    checkout = Checkout(folder)
    for command in (["git", "init", "--quiet"], ["dvc", "init", "--quiet"], ["dvc", "repro"]):
        checkout.run(*command)
    return checkout, (folder / "dvc.lock").read_bytes()


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sleeping():
    """A process that sleeps for long."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def test_wherever_a_lock_is_cut_its_whole_stages_stay(project):
    """The result is empty or valid, and holds the first stages as they were. Where the cut is
    not to be seen, after a whole entry, DVC sees what is missing (the next test)."""
    text = project[1].decode()
    stages = yaml.safe_load(text)["stages"]
    for length in range(len(text)):
        cut = text[:length]
        kept = recover.whole_stages(cut)
        assert cut.startswith(kept)
        if kept:
            found = COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(kept)).get("stages", {})
            *before, last = [None, *found]
            assert all(found[name] == stages[name] for name in before[1:])
            assert last is None or kept == cut or found[last] == stages[last]
        if not cut.endswith("\n"):
            assert kept != cut or not cut


def test_dvc_completes_what_was_cut_to_the_same_bytes(project, monkeypatch):
    """From its cache: nothing runs again. Cut after a dependency, a param, an out, and within."""
    checkout, whole = project
    monkeypatch.chdir(checkout.folder)
    after = [b"nfiles: 2\n", b"q: 1\n", b"- path: c\n"]
    ends = [whole.rindex(line) + len(line) for line in after]
    for length in [0, whole.index(after[0]) + len(after[0]), *ends]:
        (checkout.folder / "dvc.lock").write_bytes(whole[:length])
        recover.recover(recover.opened())
        assert "Running stage" not in checkout.run("dvc", "repro")
        assert (checkout.folder / "dvc.lock").read_bytes() == whole


def test_what_is_damaged_in_dvc_s_cache_is_removed_and_made_again(project, monkeypatch):
    """DVC itself would bring it back as it is, and call it up to date."""
    checkout, lock = project
    monkeypatch.chdir(checkout.folder)
    out = checkout.folder / "b"
    before = out.read_bytes()
    name = hashlib.md5(before).hexdigest()
    kept = checkout.folder / ".dvc/cache/files/md5" / name[:2] / name[2:]
    kept.chmod(0o644)
    kept.write_bytes(b"damaged")
    kept.chmod(0o444)
    out.unlink()
    [line] = recover.recover(recover.opened(), cache=True)
    assert line == f"{kept}: was damaged; what needs it is made again"
    assert not kept.exists()
    checkout.run("dvc", "repro")
    assert (out.read_bytes(), (checkout.folder / "dvc.lock").read_bytes()) == (before, lock)
    assert recover.recover(recover.opened(), cache=True) == []


def test_a_lock_that_is_whole_stays_byte_for_byte(project, here):
    (here / "dvc.lock").write_bytes(project[1])
    before = (here / "dvc.lock").stat()
    assert recover.dvc_lock() == []
    after = (here / "dvc.lock").stat()
    assert (here / "dvc.lock").read_bytes() == project[1]
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_without_a_lock_there_is_nothing_to_fix(here):
    assert recover.dvc_lock() == []


def test_a_lock_that_is_empty_is_removed(here):
    """DVC calls it invalid."""
    (here / "dvc.lock").touch()
    [line] = recover.dvc_lock()
    assert line.startswith("dvc.lock: was cut short by an interruption")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("stage", ["a", "c"])
def test_a_conflict_of_git_is_left_for_the_user(project, stage):
    """Whether in the last stage or above it: it is not what an interruption leaves."""
    text = project[1].decode()
    [line] = re.findall(f"^    cmd: mkdir {stage} .*\n", text, re.MULTILINE)
    both = f"<<<<<<< HEAD\n{line}=======\n{line}>>>>>>> other\n"
    conflict = text.replace(line, both)
    assert recover.whole_stages(conflict) == conflict


def listed(folder, pid, cmd="sleep 1000"):
    """DVC's list of paths in use, with a process that writes one and reads another."""
    holder = {"pid": pid, "cmd": cmd}
    content = {"write": {"/results/a": holder}, "read": {"/results/b": [holder]}}
    (folder / "rwlock").write_text(json.dumps(content))
    return content


def test_a_process_that_lives_keeps_what_it_holds(here, sleeping):
    content = listed(here, sleeping.pid)
    assert recover.dvc_rwlock(here) == []
    assert json.loads((here / "rwlock").read_text()) == content
    assert recover.at_work(here) == [f"sleep 1000 (PID {sleeping.pid})"]


def test_a_list_of_processes_that_were_killed_is_removed(here):
    """Whether nobody has waited for it yet (a zombie), or its number is free again."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        process.kill()
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        listed(here, process.pid)
        assert len(recover.dvc_rwlock(here)) == 1
    assert not (here / "rwlock").exists()
    listed(here, process.pid)
    assert recover.at_work(here) == []
    assert len(recover.dvc_rwlock(here)) == 1
    assert not (here / "rwlock").exists()


def test_a_process_that_started_after_the_list_was_written_is_another(here, sleeping, monkeypatch):
    """As after a restart of a container, which gives the same numbers again."""
    listed(here, sleeping.pid)
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: time.time() + 60)
    assert recover.at_work(here) == []
    assert len(recover.dvc_rwlock(here)) == 1


def test_a_process_with_another_command_is_another(here, sleeping):
    """As where the one that was listed is, or was, of another machine of a cluster."""
    listed(here, sleeping.pid, "sleep 1001")
    assert recover.at_work(here) == []
    assert len(recover.dvc_rwlock(here)) == 1


@pytest.mark.parametrize("content", ["", '{"write": {"/res', "[]"])
def test_a_list_that_was_cut_short_is_removed(here, content):
    (here / "rwlock").write_text(content)
    [line] = recover.dvc_rwlock(here)
    assert line.endswith("rwlock: removed, as it was cut short by an interruption")
    assert not (here / "rwlock").exists()


def test_what_a_killed_run_had_started_is_waited_for(here, capsys):
    with subprocess.Popen(["sleep", "1"]) as process:
        listed(here, process.pid, "sleep 1")
        recover.wait(SimpleNamespace(tmp_dir=here))
        assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
    printed = capsys.readouterr().err
    assert printed == f"waiting for sleep 1 (PID {process.pid}), which is still at work here\n"


def test_a_lock_of_dvc_that_another_holds_is_waited_for(here):
    """Longer than DVC itself waits; and a status likewise."""
    Repo.init(no_scm=True).close()
    repo = recover.opened()
    code = "import sys, time; from dvc.lock import make_lock; lock = make_lock(sys.argv[1]); "
    code += "lock.lock(); print(flush=True); time.sleep(4); lock.unlock()"
    command = [sys.executable, "-c", code, repo.lock.lockfile]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert repo.status() == {}
        assert process.wait() == 0


def test_locks_of_a_snakemake_that_was_killed_are_removed(here):
    (here / ".snakemake" / "locks").mkdir(parents=True)
    (here / ".snakemake" / "locks" / "0.output.lock").touch()
    assert len(recover.snakemake_locks()) == 1
    assert list((here / ".snakemake" / "locks").iterdir()) == []


def test_locks_of_a_snakemake_that_lives_stay(here):
    """It is known by a lock of the system; without locks of Snakemake's it stops nobody."""
    holding = (
        "from workflow.scripts import recover; import os, sys; os.chdir(sys.argv[1]);"
        "recover.snakemake_locks(); print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(here)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        assert recover.snakemake_locks() == []
        (here / ".snakemake" / "locks").mkdir()
        lock = here / ".snakemake" / "locks" / "0.output.lock"
        lock.touch()
        with pytest.raises(recover.AtWork, match="another Snakemake is at work in this folder"):
            recover.snakemake_locks()
        assert lock.exists()
        process.communicate(b"\n")


def test_jobs_of_a_cluster_are_waited_for_and_nothing_where_there_are_none(here, capsys):
    """By a lock of the system in the shared folder, whatever the machine."""
    recover.snakemake_locks()
    recover.wait_for_jobs()
    assert capsys.readouterr().err == ""
    holding = (
        "from workflow.scripts import recover; import os, sys, time; os.chdir(sys.argv[1]);"
        "recover.hold_as_job(); print(flush=True); time.sleep(1)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(here)], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        recover.wait_for_jobs()
        assert process.poll() is not None or process.wait(1) == 0
    printed = capsys.readouterr().err
    assert printed == "waiting for jobs of an earlier run, still at work on the cluster\n"


def test_git_s_lock_is_removed_where_no_git_is_at_work_and_stays_where_one_is(here):
    """`dvc exp run` leaves it when it is killed, and no later one begins."""
    subprocess.run(["git", "init", "--quiet"], check=True)
    assert recover.git_index_lock() == []
    lock = here / ".git" / "index.lock"
    lock.touch()
    with subprocess.Popen(["git", "cat-file", "--batch"], stdin=subprocess.PIPE) as process:
        with pytest.raises(recover.AtWork, match=rf"git cat-file --batch \(PID {process.pid}\)"):
            recover.git_index_lock()
        assert lock.exists()
        process.communicate(b"")
    assert len(recover.git_index_lock()) == 1
    assert not lock.exists()
