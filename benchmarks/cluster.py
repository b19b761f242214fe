"""The workflow on a Slurm cluster that is started here, killed and left alone: the same md5s.

    python -m benchmarks.cluster [--folder DIR]

Needs root, and Debian's slurm-wlm and munge: `make cluster-test` installs them. Each of two nodes
of one processor has a name and processes of its own, as machines with a shared file system have.
First the workflow runs in a clone by itself; then, in another, by the profile for Slurm; then once
more from nothing: a running job is cancelled, Snakemake is killed in the next run (its jobs live
on), and another one is started at once. All must have the same md5s in dvc.lock and results, and
nothing left to do. Exits with 1 where two differ.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "workflow"))

from checkout import Checkout

from benchmarks.extras import install
from benchmarks.interruptions import difference, fresh, md5s, remove, start

PROFILE = ("snakemake", "--profile", "workflow/profiles/slurm")
NODES = ("node1", "node2")
# Trainings take long enough to be killed.
SMALL = {
    "simulate.rows_per_day": 20_000,
    "trees": ["lightgbm"],
    "seeds": [0, 1],
    "train.epochs": 12,
    "evaluate.bootstrap.resamples": 100,
}
CONF = """
ClusterName=test
SlurmctldHost=localhost
SlurmUser=root
SlurmctldPort=16817
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
ReturnToService=2
{nodes}
PartitionName=all Nodes=ALL Default=YES State=UP
"""
NODE = "NodeName={} NodeHostname=localhost NodeAddr=127.0.0.1 Port={} CPUs=1 RealMemory=60000\n"
PATIENCE_SECONDS = 300


@contextlib.contextmanager
def slurm(folder: Path) -> Iterator[None]:
    """A cluster of this machine alone, whose configuration only this process and its own see."""
    for name in ("state", "conf", *(f"spool.{node}" for node in NODES)):
        (folder / name).mkdir(parents=True)
    nodes = "".join(NODE.format(node, 16818 + at) for at, node in enumerate(NODES))
    (folder / "conf" / "slurm.conf").write_text(CONF.format(folder=folder, nodes=nodes))
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o600)
    subprocess.run(["mount", "--bind", folder / "conf", "/etc/slurm"], check=True)
    munge = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log"}
    files = [f"--{option}={folder}/munge.{end}" for option, end in munge.items()]
    own = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts"]
    commands = [
        ["munged", "--foreground", "--force", f"--seed-file={folder}/munge.seed", *files],
        ["slurmctld", "-D"],
        *([*own, "sh", "-c", f"hostname {node}; exec slurmd -D -N {node}"] for node in NODES),
    ]
    with contextlib.ExitStack() as stack, (folder / "daemons.log").open("wb") as log:
        for command in commands:
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            stack.callback(process.wait)
            # All of it: unshare itself would ignore a SIGTERM.
            stack.callback(os.killpg, process.pid, signal.SIGKILL)
            time.sleep(1)
        wait_for(lambda: said("sinfo", "--noheader", "--format=%T %D") == "idle 2")
        yield


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def wait_for(condition: Any) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.2)


def running(rule: str = "") -> list[str]:
    """The ids of the jobs that run, of a rule."""
    jobs = said("squeue", "--noheader", "--states=R", "--format=%i %k").splitlines()
    return [job.split()[0] for job in jobs if f"rule_{rule}" in job]


def on_slurm(checkout: Checkout, log: Path) -> float:
    """Run the workflow to its end; its seconds."""
    started = time.monotonic()
    code = start(checkout, PROFILE, log).wait()
    assert code == 0, f"Snakemake ended with {code}: {log}"
    return time.monotonic() - started


def interrupted(checkout: Checkout, log: Path) -> None:
    """Cancel a training; then, in the next run, kill Snakemake while others train."""
    process = start(checkout, PROFILE, log)
    wait_for(lambda: running("train"))
    time.sleep(3)
    job = running("train")[0]
    subprocess.run(["scancel", job], check=True)
    print(f"cancelled job {job}: Snakemake ended with {process.wait()}", flush=True)
    process = start(checkout, PROFILE, log.with_suffix(".2.log"))
    wait_for(lambda: running("train"))
    time.sleep(3)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    print(f"killed Snakemake; jobs {', '.join(running())} live on", flush=True)


def run(folder: Path) -> list[str]:
    """What differs."""
    plugin = install(folder / "plugin", "snakemake-executor-plugin-slurm")
    clean = Checkout.clone(folder / "local", SMALL)
    started = time.monotonic()
    clean.run("snakemake", "--cores", "2")
    expected, wrong = md5s(clean), []
    print(f"local: {time.monotonic() - started:.0f} s, {len(expected)} md5s", flush=True)
    with slurm(folder / "slurm"):
        for name in ("alone", "interrupted"):
            checkout = fresh(clean, folder / name)
            checkout.environment["PYTHONPATH"] = str(plugin)
            log, last = folder / f"{name}.log", folder / f"{name}.last.log"
            if name == "interrupted":
                interrupted(checkout, log)
            seconds = on_slurm(checkout, last)
            found = difference(checkout, expected)
            waited = "waiting for jobs of an earlier run" in last.read_text()
            if waited != (name == "interrupted"):
                found = found or "jobs of the killed Snakemake were not waited for"
            print(f"{name}: {seconds:.0f} s on Slurm, {found or 'the same md5s'}", flush=True)
            wrong += [found] if found else []
            if not found:
                remove(checkout)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where the clones are made and failures stay")
    arguments = parser.parse_args()
    missing = [name for name in ("slurmctld", "slurmd", "munged") if not shutil.which(name)]
    if os.geteuid() != 0 or missing:
        sys.exit(
            f"error: needs root, and {', '.join(missing) or 'nothing else'}: make cluster-test"
        )
    folder = (arguments.folder or Path(tempfile.mkdtemp(prefix="cluster-"))).resolve()
    os.chmod(folder, 0o755)
    return 1 if run(folder) else 0


if __name__ == "__main__":
    sys.exit(main())
