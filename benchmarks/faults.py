"""Hurt a run in other ways than a kill, and see what it says, keeps, and makes the next time.

    python -m benchmarks.faults [WORD...] [--folder DIR]

A miniature market in copies of this checkout, in which everything was run and one parameter edited.
Each trial runs an entry point while something is wrong: no space, no memory, a signal, a second
run, another time, a cache that lost or damaged a file, a folder that cannot be written, a user
without a HOME, one core. Then that is put right, and the same command is given again: it must
finish, with the md5s of a run that was left alone, and at no time may an earlier file be gone from
results, DVC's cache and git alike. Exits with 1 if one is, or if any md5 differs. Root mounts small
disks and changes its user: without it, those trials are left out. WORDs choose trials by name.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import md5
from pathlib import Path

from benchmarks.interruptions import (
    ENTRY_POINTS,
    RECOVER,
    SMALL,
    Checkout,
    difference,
    living,
    md5s,
    start,
    steps,
)

CHANGE = {"train.learning_rate": 0.01}
ERROR = re.compile(
    r"(alpha.*|snakemake|dvc|unlock): error: |ERROR: |\w*Error\b|\(?logs/.*: ended by|waiting"
)
MB = 2**20
MAKE = ("make", "--silent", "--assume-old=.venv/installed", "run")
USER = 12345  # of nobody: without a name or a HOME
# Another user may read everything here, as root's Python may lie where only root can, but not
# write.
STRANGER = (
    *("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"),
    *("--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search"),
)
OWN_HOME = ("sh", "-c", 'HOME="$PWD" LOGNAME=me exec "$@"', "sh")
NO_HOME = ("env", "--unset=HOME", "--unset=USER", "--unset=LOGNAME")


def nothing(_: Checkout) -> None:
    pass


def left_alone(process: "subprocess.Popen[bytes]", _: Checkout) -> None:
    process.wait()


@dataclass
class Fault:
    """What is wrong, from when to when."""

    name: str
    entry: str
    before: Callable[[Checkout], None] = nothing  # what is done to a checkout
    prefix: tuple[str, ...] = ()  # what the command is started by
    during: Callable[["subprocess.Popen[bytes]", Checkout], None] = left_alone
    after: Callable[[Checkout], None] = nothing  # what is done to put it right
    root: bool = False


# -- what is done ------------------------------------------------------------------------------


def fill(checkout: Checkout, *, free: int) -> None:
    """Move the checkout to a disk with so many bytes to spare."""
    aside = checkout.folder.with_name("aside")
    checkout.folder.rename(aside)
    checkout.folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", checkout.folder], check=True)
    shutil.copytree(aside, checkout.folder, symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(aside)
    disk = os.statvfs(checkout.folder)
    size = (disk.f_blocks - disk.f_bfree) * disk.f_frsize + free
    resize(checkout, size=size)


def resize(checkout: Checkout, *, size: int = 1000 * MB) -> None:
    words = ["mount", "-o", f"remount,size={size}", checkout.folder]
    subprocess.run(words, check=True)


def signalled(process, checkout, *, step: str, number: int, whom: str) -> None:
    """Send a signal while a step runs: to the step, to what started it, or to all of both."""
    while process.poll() is None and not any(
        one.startswith(step) for one in steps(checkout.folder)
    ):
        time.sleep(0.02)
    if whom == "step":
        for one in living(checkout.folder):
            if one.cmdline()[1:4] == ["-m", "alpha", step]:
                one.send_signal(number)
    elif whom == "all":
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    process.wait()


def second(process, checkout, *, entry: str) -> None:
    """Start another run beside the first, while that one's steps run."""
    while process.poll() is None and not steps(checkout.folder):
        time.sleep(0.02)
    other = start(checkout, ENTRY_POINTS[entry], checkout.folder.with_suffix(".second"))
    process.wait()
    other.wait()


def set_times(checkout: Checkout, *, year: int) -> None:
    """Everything was written in another year: as after a clock that jumps."""
    then = time.mktime((year, 1, 1, 0, 0, 0, 0, 0, 0))
    for name in ("results", "logs", ".dvc", ".snakemake", "params.yaml", "dvc.lock"):
        top = checkout.folder / name
        for path in [top, *top.rglob("*")]:
            if not path.is_symlink():
                os.utime(path, (then, then))


def in_cache(checkout: Checkout, out: str) -> Path:
    """Where DVC keeps a file of an earlier result."""
    [first, *_] = sorted((checkout.folder / out).rglob("*.h5"))
    name = md5(first.read_bytes()).hexdigest()
    return checkout.folder / ".dvc/cache/files/md5" / name[:2] / name[2:]


def lose(checkout: Checkout, *, out: str) -> None:
    """A result, and one of its files in DVC's cache, are gone."""
    in_cache(checkout, out).unlink()
    shutil.rmtree(checkout.folder / out)


def damage(checkout: Checkout, *, out: str) -> None:
    """A result is gone, and one of its files in DVC's cache has another byte."""
    path = in_cache(checkout, out)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)  # which DVC takes as a sign that it is whole
    shutil.rmtree(checkout.folder / out)


def mend(checkout: Checkout) -> None:
    assert "was damaged" in checkout.run(*RECOVER)


def give(checkout: Checkout, *names: str, user: int = USER) -> None:
    """Let these, or all, be another user's."""
    site = Path(checkout.environment["DVC_SITE_CACHE_DIR"])
    site.mkdir(exist_ok=True)
    paths = [checkout.folder / name for name in names] or [checkout.folder, site]
    subprocess.run(["chown", "-hR", f"{user}:{user}", *paths], check=True)


def forbid(checkout: Checkout) -> None:
    """All but the results is another user's, who may not write these."""
    give(checkout)
    give(checkout, "results", user=0)


def homeless(checkout: Checkout) -> None:
    """All but the code is another user's."""
    give(checkout)
    give(checkout, "alpha", user=0)
    for folder in list((checkout.folder / "alpha").rglob("__pycache__")):
        shutil.rmtree(folder)


def take_back(checkout: Checkout) -> None:
    give(checkout, user=0)


# -- the trials --------------------------------------------------------------------------------


def faults() -> list[Fault]:
    engines, outs = ("snakemake", "dvc repro"), ("results/label/labels", "results/split")
    killed = partial(signalled, step="train", number=signal.SIGKILL, whom="step")
    term = partial(signalled, step="train", number=signal.SIGTERM)
    found = []
    for entry in ENTRY_POINTS:
        for free in (0, MB // 8, MB // 2):
            before, name = partial(fill, free=free), f"disk full after {free // 1024} kB"
            found.append(Fault(name, entry, before, after=resize, root=True))
        found.append(Fault("killed in training, as for memory", entry, during=killed))
        for whom in ("step", "engine", "all"):
            found.append(Fault(f"SIGTERM to {whom}", entry, during=partial(term, whom=whom)))
    for entry, other in zip(engines, reversed(engines), strict=True):
        other_user = (*STRANGER, *OWN_HOME)
        limit = ("prlimit", f"--fsize={MB // 8}")
        found.append(Fault("file-size limit", entry, prefix=limit))
        found.append(
            Fault("read-only results", entry, forbid, other_user, after=take_back, root=True)
        )
        for who in (entry, other):
            found.append(Fault(f"a second: {who}", entry, during=partial(second, entry=who)))
        for year in (1990, 2100):
            found.append(Fault(f"all written in {year}", entry, partial(set_times, year=year)))
        for out in outs:
            found.append(Fault(f"cache lost of {out}", entry, partial(lose, out=out)))
            harmed = partial(damage, out=out)
            found.append(Fault(f"cache damaged of {out}", entry, harmed, after=mend))
        found.append(Fault("one core", entry, prefix=("taskset", "--cpu-list", "0")))
    home = (*STRANGER, *NO_HOME)
    found.append(
        Fault("no HOME, read-only code", "make", homeless, home, after=take_back, root=True)
    )
    return found


def known(checkout: Checkout) -> set[str]:
    """The md5 of each file that is in results, in DVC's cache, or in git."""
    cache = checkout.folder / ".dvc/cache/files/md5"
    names = checkout.run("git", "ls-tree", "-r", "--name-only", "HEAD", "results").split()
    committed = [
        subprocess.run(
            ["git", "show", f"HEAD:{name}"], cwd=checkout.folder, capture_output=True, check=True
        ).stdout
        for name in names
    ]
    return {
        *checkout.results().values(),
        *(path.parent.name + path.name for path in cache.glob("??/*")),
        *(md5(content).hexdigest() for content in committed),
    }


def seen(printed: str) -> str:
    """The last line of error, and whether there is a traceback."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    errors = [line for line in lines if ERROR.match(line)]
    ours = [line for line in errors if line.startswith(("alpha ", "snakemake: ", "logs/"))]
    causes = [line for line in lines if "[Errno " in line or "disk is full" in line]
    [last] = ours[-1:] or causes[-1:] or errors[-1:] or lines[-1:] or [""]
    return ("(traceback) " if "Traceback" in printed else "") + last


def tried(fault: Fault, built: Checkout, folder: Path, expected: dict) -> tuple[str, str]:
    """What a run under a fault says, and what is wrong afterwards; nothing if all is well."""
    checkout, log = built.copy(folder / "trial"), folder / "trial.log"
    checkout.edit(CHANGE)
    earlier = set(checkout.results().values())
    command = {**ENTRY_POINTS, "make": MAKE}[fault.entry]
    try:
        fault.before(checkout)
        process = start(checkout, (*fault.prefix, *command), log)
        fault.during(process, checkout)
        says = seen(log.read_text(errors="replace")) if process.returncode else "-"
        beside = log.with_suffix(".second")
        if beside.exists():
            says += f"; the second: {seen(beside.read_text(errors='replace'))}"
        fault.after(checkout)
        while living(checkout.folder):
            time.sleep(0.1)
        harmed = "cache" in fault.name
        if not harmed and (lost := earlier - known(checkout)):
            return says, f"{len(lost)} files lost"
        process = start(checkout, command, log)
        if process.wait() != 0:
            return says, f"failed again: {seen(log.read_text(errors='replace'))}"
        return says, difference(checkout, expected)
    finally:
        for one in living(checkout.folder):
            one.kill()
        subprocess.run(["umount", checkout.folder], capture_output=True)
        shutil.rmtree(checkout.folder)
        shutil.rmtree(checkout.environment["DVC_SITE_CACHE_DIR"], ignore_errors=True)
        log.with_suffix(".second").unlink(missing_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="of the names of trials")
    parser.add_argument(
        "--folder", type=Path, help="where copies are made, or were by an earlier run"
    )
    arguments = parser.parse_args()
    chosen = [
        fault
        for fault in faults()
        if not arguments.words or any(of in f"{fault.entry} {fault.name}" for of in arguments.words)
    ]
    if not chosen:
        parser.error(f"no trial is named so; there are {', '.join(of.name for of in faults())}")
    folder = (arguments.folder or Path(tempfile.mkdtemp(prefix="faults-"))).resolve()
    built, alone = Checkout(folder / "built"), Checkout(folder / "alone")
    if not alone.folder.exists():
        built = Checkout.clone(built.folder, SMALL)
        built.run("snakemake", "--cores", "2")
        built.commit("built")
        alone = built.copy(alone.folder)
        alone.edit(CHANGE)
        alone.run("snakemake", "--cores", "2")
    expected = md5s(alone)
    wrong = 0
    for fault in chosen:
        if fault.root and os.getuid() != 0:
            print(f"{fault.name:34} {fault.entry:11} left out: needs root")
            continue
        says, problem = tried(fault, built, folder, expected)
        wrong += bool(problem)
        print(f"{fault.name:34} {fault.entry:11} {problem or 'equal':8} {says}", flush=True)
    print(f"{wrong} trials lost something or ended in other bytes")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
