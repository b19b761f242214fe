"""A process that has DVC loaded, and forks for each stage that Snakemake runs: what DVC costs at
each start, and for reading and writing all of dvc.lock, is then paid once, or not at all.

It lives as long as the Snakemake that started it, and holds nothing: no lock, no open file of the
project's. Each stage is reproduced in a process of its own by the code of DVC's command line, with
three exceptions: of dvc.lock it touches that stage's lines alone (stage_lock.py), it looks more
often for DVC's lock to be free, and the step is started by who asked for it (repro.py).
"""

import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from repro import SOCKET

POLL_SECONDS = 0.01
MODULES = """
    configobj dulwich.ignore dulwich.index dulwich.worktree dvc.cachemgr dvc.commands.repro
    dvc.data_cloud dvc.dirs dvc.repo.artifacts dvc.repo.datasets dvc.repo.metrics
    dvc.repo.open_repo dvc.repo.params dvc.repo.plots dvc.repo.stage dvc.rwlock
    dvc.utils.strictyaml dvc_data.hashfile.db.local dvc_data.hashfile.status
    fsspec.implementations.memory pyparsing ruamel.yaml stage_lock
"""


def start() -> subprocess.Popen[bytes] | None:
    """Start it from Snakemake, whose end it sees at the end of its standard input.

    It can be asked at once, where the environment then says. None if there can be no such socket.
    """
    folder = tempfile.mkdtemp(prefix="alpha-dvc-")
    path = os.path.join(folder, "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(path)
        except OSError:  # a name that is too long
            os.rmdir(folder)
            return None
        listener.listen(1000)
        os.environ[SOCKET] = path
        return subprocess.Popen(
            [sys.executable, __file__, str(listener.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
        )


def serve(listener: socket.socket) -> None:
    """Fork for all who ask, until the standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those at work
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    load()
    gc.freeze()
    while True:
        ready, _, _ = select.select([sys.stdin, listener], [], [])
        if sys.stdin in ready:
            return
        client, _ = listener.accept()
        if os.fork() == 0:
            try:
                listener.close()
                answer(client)
            except BaseException:  # of a process that must not go on as the one it came from
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(0)
        client.close()


def load() -> None:
    """Import what DVC imports to reproduce a stage; what this misses is imported for each stage.

    No thread may be started here: a fork would not have it.
    """
    for name in MODULES.split():
        with suppress(ImportError):
            importlib.import_module(name)
    from dvc import lock
    from dvc.cli.parser import get_main_parser
    from dvc.dvcfile import ProjectFile
    from dvc.stage import run

    get_main_parser()  # DVC keeps it
    # What `repro` exchanges: should another DVC not have it, this ends, and each job starts DVC.
    for owner, name in (
        (ProjectFile, "_lockfile"),
        (lock.Lock, "_do_lock"),
        (run, "_run"),
        (run, "_make_cmd"),
    ):
        getattr(owner, name)


def answer(client: socket.socket) -> None:
    """Reproduce the stage that is asked for, as a process of DVC that was started there."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    gc.disable()  # it does not live for long
    received, streams, _, _ = socket.recv_fds(client, 1 << 20, 3)
    lines = client.makefile("rwb")
    while not received.endswith(b"\n"):
        received += lines.readline()
    asked = json.loads(received)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["dvc", "--wait-for-lock", "repro", *asked["words"]]

    def tell(said: dict[str, Any]) -> None:
        lines.write(json.dumps(said).encode() + b"\n")
        lines.flush()

    def run(command: list[str], environment: dict[str, str], folder: str) -> int:
        tell({"run": command, "environment": environment, "folder": folder})
        # Nothing, if who asked was killed: then nobody knows how the step ends.
        return int(lines.readline() or -signal.SIGKILL)

    tell({"begun": os.getpid()})
    code = repro(sys.argv[1:], asked["words"][-1], run)
    sys.stdout.flush()
    sys.stderr.flush()
    tell({"exit": code})


def repro(
    words: list[str], stage: str, run: Callable[[list[str], dict[str, str], str], int]
) -> int:
    """DVC's command line with these words; `run` runs the command of the stage."""
    from dvc import cli, lock
    from dvc.dvcfile import ProjectFile
    from dvc.stage import run as stage_run
    from dvc.stage.exceptions import StageCmdFailedError
    from stage_lock import StageLock

    def lock_file(self: ProjectFile) -> StageLock:
        return StageLock(self.repo, os.path.splitext(self.path)[0] + ".lock", stage=stage)

    def run_step(executable: str, cmd: str, *, env: dict[str, str], cwd: str, **_: Any) -> None:
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = run(stage_run._make_cmd(executable, cmd), env, str(cwd))
        signal.signal(signal.SIGINT, handler)
        if code != 0:
            raise StageCmdFailedError(cmd, code)

    look = lock.Lock._do_lock

    def wait(self: lock.Lock) -> None:
        while True:
            try:
                return look(self)
            except lock.LockError:
                if not self._wait:
                    raise
                time.sleep(POLL_SECONDS)

    ProjectFile._lockfile = property(lock_file)
    lock.Lock._do_lock = wait
    stage_run._run = run_step
    return int(cli.main(words))


if __name__ == "__main__":
    try:
        serve(socket.socket(fileno=int(sys.argv[1])))
    finally:
        shutil.rmtree(os.path.dirname(os.environ[SOCKET]), ignore_errors=True)
