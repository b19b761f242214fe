"""A stage by the process that has DVC loaded: in all that is to be seen, as by `dvc repro`."""

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
from checkout import ROOT, Checkout

SCRIPTS = ROOT / "workflow" / "scripts"
REPRO = [sys.executable, "-IS", str(SCRIPTS / "repro.py")]
STAGES = """
stages:
  first:
    cmd: echo "$WHO" > a && echo said && echo complained >&2
    outs: [a]
  second:
    cmd:
      - cat a > b
      - exec python -c "import os; print(os.getppid(), os.environ['DVC_STAGE'])"
    deps: [a]
    outs: [b]
  fails:
    cmd: echo half > c && exit 3
    outs: [c]
  waits:
    cmd: while [ ! -e go ]; do sleep 0.02; done; touch d
    outs: [d]
  waits_too:
    cmd: while [ ! -e go ]; do sleep 0.02; done; touch e
    outs: [e]
"""
# DVC lists in the order of hashes what git is to add.
SAME = {"WHO": "one", "PYTHONHASHSEED": "0"}
# What Snakemake does: it starts the process, and its own end is the end of it.
HOST = "import os, sys; sys.path.insert(0, sys.argv[1]); import warm; warm.start();"
HOST += "print(os.environ['ALPHA_DVC_SOCKET'], flush=True); input()"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warm") / "fresh"
    folder.mkdir()
    (folder / "dvc.yaml").write_text(STAGES)
    checkout = Checkout(folder)
    for command in (["git", "init", "--quiet"], ["dvc", "init", "--quiet"]):
        checkout.run(*command)
    return checkout


@pytest.fixture
def project(fresh, tmp_path):
    shutil.copytree(fresh.folder, tmp_path / "project")
    checkout = Checkout(tmp_path / "project")
    checkout.environment |= SAME
    return checkout


@pytest.fixture
def host(project):
    """The process has been started there; it can be asked at once."""
    with subprocess.Popen(
        [sys.executable, "-c", HOST, str(SCRIPTS)],
        cwd=project.folder,
        env=project.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        path = process.stdout.readline().decode().strip()
        project.environment["ALPHA_DVC_SOCKET"] = path
        yield process
        process.kill()
    until(lambda: not servers(project))


def start(project, *words):
    return subprocess.Popen(
        [*REPRO, *words],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(moment):
    patience = time.monotonic() + 60
    while not moment():
        assert time.monotonic() < patience
        time.sleep(0.02)


def servers(project):
    """The processes that have DVC loaded, and those that they forked, which work there."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        words = process.info["cmdline"] or []
        at_work = process.info["status"] != psutil.STATUS_ZOMBIE
        if at_work and process.info["cwd"] == str(project.folder) and words[1:2] == [warm_py()]:
            found.append(process)
    return found


def warm_py():
    return str(SCRIPTS / "warm.py")


def holders(project):
    """What DVC lists as at work."""
    path = project.folder / ".dvc" / "tmp" / "rwlock"
    return path.read_text() if path.exists() else ""


def test_it_says_records_and_leaves_what_dvc_does(project, host, tmp_path):
    """The same lines in the log, bytes in dvc.lock and files in DVC's cache; run, and run again."""
    shutil.copytree(project.folder, tmp_path / "theirs")
    theirs = Checkout(tmp_path / "theirs")
    theirs.environment |= SAME
    dvc = ["dvc", "--wait-for-lock", "repro"]
    for words in (["first"], ["second"], ["first"], ["--force", "first"], ["--quiet", "second"]):
        asked = [*words[:-1], "--single-item", words[-1]]
        ours, plain = project.run(*REPRO, *asked), theirs.run(*dvc, *asked)
        number = re.compile(r"^\d+ ", re.MULTILINE)  # of the step's parent
        assert number.sub("", ours) == number.sub("", plain)
    assert servers(project)
    for name in ("dvc.lock", "a", "b", ".gitignore"):
        assert (project.folder / name).read_bytes() == (theirs.folder / name).read_bytes()
    cached = [
        sorted(path.relative_to(one.folder) for path in (one.folder / ".dvc/cache").rglob("*"))
        for one in (project, theirs)
    ]
    assert cached[0] == cached[1]
    assert "Running stage" not in project.run("dvc", "repro", "second")


def test_the_step_is_a_child_of_who_asked_with_its_environment_and_streams(project, host):
    """So Snakemake can end it and measure it. Not what the process that forks was started with."""
    project.environment["WHO"] = "another"
    process = start(project, "--single-item", "first")
    said, _ = process.communicate()
    assert (project.folder / "a").read_text() == "another\n"
    assert {"said", "complained"} <= set(said.splitlines())
    process = start(project, "--single-item", "second")
    said, _ = process.communicate()
    assert f"{process.pid} second" in said.splitlines()


def test_a_failing_step_fails_as_with_dvc(project, host):
    plain = project.run("dvc", "repro", "--single-item", "fails", fails=True)
    process = start(project, "--single-item", "fails")
    assert process.communicate()[0] == plain
    assert process.returncode == 255
    assert "exited with 3" in plain


@pytest.mark.parametrize("words", [["nothing"], ["--no-such-flag", "--single-item", "first"]])
def test_what_dvc_refuses_is_refused_in_its_words(project, host, words):
    asked = words if len(words) > 1 else ["--single-item", *words]
    said = project.run(*REPRO, *asked, fails=True)
    assert said == project.run("dvc", "repro", *asked, fails=True)
    assert "Traceback" not in said


@pytest.mark.parametrize("when", ["never started", "ended", "killed while it loads"])
def test_without_it_dvc_itself_is_started(project, request, when):
    if when != "never started":
        process = request.getfixturevalue("host")
        [server] = servers(project)
        if when == "ended":
            process.communicate(b"\n")
        else:
            server.kill()
        until(lambda: not servers(project))
    project.run(*REPRO, "--single-item", "first")
    assert (project.folder / "dvc.lock").exists()


def test_dvc_itself_is_started_if_it_ends_before_it_answers(project, tmp_path):
    """As where another version of DVC is not what it expects."""
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        project.environment["ALPHA_DVC_SOCKET"] = path
        process = start(project, "--single-item", "first")
        until(lambda: select.select([listener], [], [], 0)[0])
    assert process.wait() == 0
    assert set(project.outs()) == {"first"}


def test_flags_that_look_at_other_stages_are_left_to_dvc(project, host):
    """There it would not do to know the lines of one stage."""
    said = project.run(*REPRO, "--pipeline", "--single-item", "first")
    assert "Running stage 'first'" in said
    assert "Running stage 'second'" in said


def test_two_stages_run_side_by_side(project, host):
    """DVC's lock is free while steps run, and both are recorded."""
    both = [start(project, "--single-item", name) for name in ("waits", "waits_too")]
    at_work = re.compile(r"--single-item (\w+)")
    until(lambda: set(at_work.findall(holders(project))) == {"waits", "waits_too"})
    (project.folder / "go").touch()
    assert [process.wait() for process in both] == [0, 0]
    assert set(project.outs()) == {"waits", "waits_too"}
    assert "waits" not in holders(project)


def test_a_step_whose_starter_is_killed_alone_is_recorded(project, host):
    """As when Snakemake is killed: what it had started ends by itself, and nobody stays."""
    process = start(project, "--single-item", "waits")
    until(lambda: "waits" in holders(project))
    host.kill()
    (project.folder / "go").touch()
    assert process.wait() == 0
    assert set(project.outs()) == {"waits"}
    until(lambda: not servers(project))


def test_if_who_asked_is_killed_dvc_gives_its_locks_back(project, host):
    """The stage counts as failed, and the next one to ask runs it."""
    process = start(project, "--single-item", "waits")
    until(lambda: "waits" in holders(project))
    process.kill()
    until(lambda: "waits" not in holders(project))
    (project.folder / "go").touch()
    assert not (project.folder / "dvc.lock").exists()
    project.run(*REPRO, "--single-item", "waits")
    assert set(project.outs()) == {"waits"}


def test_ctrl_c_ends_the_step_and_dvc_says_so(project, host):
    process = subprocess.Popen(
        [*REPRO, "--single-item", "waits"],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    until(psutil.Process(process.pid).children)
    os.killpg(process.pid, signal.SIGINT)
    assert "failed to run" in process.communicate()[0]
    assert process.returncode == 255
    assert not (project.folder / "dvc.lock").exists()
    assert "waits" not in holders(project)


def test_what_a_stage_needs_is_loaded_before_it_is_asked_for(project, host):
    """And no thread runs where forks are made, as a fork would not have it."""
    check = (
        "import sys, threading; sys.path.insert(0, sys.argv[1]); import warm; warm.load();"
        "before = set(sys.modules); assert threading.active_count() == 1;"
        "import subprocess; run = lambda words, environment, folder: subprocess.call(words);"
        "warm.repro(['repro', '--single-item', 'first'], 'first', run);"
        "late = set(sys.modules) - before;"
        "assert len(late) < 20, sorted(late)"
    )
    project.run(sys.executable, "-c", check, str(SCRIPTS))
