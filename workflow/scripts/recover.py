"""What a run that was killed leaves locked or cut short, put right: before each run of Snakemake,
and by `python workflow/scripts/recover.py` (`make unlock`) before one of DVC.

What was built and is whole is never touched, and nothing that a living process holds.
"""

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from itertools import chain
from pathlib import Path

import psutil
import yaml
from dvc.exceptions import DvcException
from dvc.lock import make_lock
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE, RWLOCK_LOCK
from dvc.rwlock import SCHEMA as RWLOCK_SCHEMA
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid

LOCK = Path("dvc.lock")
SNAKEMAKE = Path(".snakemake")
POLL_SECONDS = 0.5


class AtWork(DvcException):
    """Another process is at work here, and what it holds is left alone."""


def opened() -> Repo:
    """This project; it waits for DVC's lock, however long that takes, where DVC gives up."""
    return Repo(".", _wait_for_lock=True)


def snakemake_locks() -> list[str]:
    """Remove Snakemake's locks, or raise AtWork if they are of a Snakemake that is alive.

    Snakemake does not write down whose they are, so each of its processes also holds a shared
    lock of the system, which ends with it, however it ends.
    """
    SNAKEMAKE.mkdir(exist_ok=True)
    alive = os.open(SNAKEMAKE / "alive", os.O_RDWR | os.O_CREAT, 0o666)
    locks = list((SNAKEMAKE / "locks").glob("*.lock"))
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for lock in locks:
            lock.unlink(missing_ok=True)
    except BlockingIOError:
        if locks:
            who = "another Snakemake is at work in this folder"
            raise AtWork(f"{who}: wait for it, or end it") from None
    # Held until this process ends.
    fcntl.flock(alive, fcntl.LOCK_SH)
    return ["removed Snakemake's locks of a run that was killed"] if locks else []


def hold_as_job() -> None:
    """Let every machine know, until this process ends, that a job of a cluster is at work."""
    fcntl.flock(os.open(SNAKEMAKE / "jobs", os.O_RDWR | os.O_CREAT, 0o666), fcntl.LOCK_SH)


def wait_for_jobs() -> None:
    """Wait for what a killed Snakemake left on a cluster, of which DVC's list says nothing here."""
    jobs = os.open(SNAKEMAKE / "jobs", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(jobs, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("waiting for jobs of an earlier run, still at work on the cluster", file=sys.stderr)
        fcntl.flock(jobs, fcntl.LOCK_EX)
    os.close(jobs)


def dvc_lock() -> list[str]:
    """Cut dvc.lock back to its last whole stage, if DVC was killed while writing it.

    The stages that are lost come back from DVC's run cache. Called with DVC's own lock held.
    """
    if not LOCK.exists():
        return []
    text = LOCK.read_bytes().decode(errors="replace")
    if kept := whole_stages(text):
        if kept == text:
            return []
        part = LOCK.with_name(f"{LOCK.name}.part")
        part.write_text(kept, encoding="utf-8")
        os.replace(part, LOCK)
    else:
        LOCK.unlink()  # an empty one DVC calls invalid
    return [f"{LOCK}: was cut short by an interruption; what it lost comes back from DVC's cache"]


def whole_stages(text: str) -> str:
    """The whole stages at the start of a dvc.lock that was cut short.

    All of the text if it is whole, or if more is wrong than its last stage, such as a conflict of
    git's: that is for DVC to name. A stage that ends after a whole param, dependency or out counts
    as whole: DVC itself sees which are missing.
    """
    if _whole(text) or re.search(r"^(<{7}|={7}|>{7})", text, re.MULTILINE):
        return text
    starts = [found.start() for found in re.finditer(r"^  \S", text, re.MULTILINE)]
    if len(starts) < 2:
        return "" if starts or text.count("\n") <= 2 else text
    before = text[: starts[-1]]
    return before if _whole(before) else text


def _whole(text: str) -> bool:
    """Whether DVC would read it, and it ends with all that DVC writes of a file."""
    try:
        content = COMPILED_LOCKFILE_SCHEMA(yaml.load(text, yaml.CSafeLoader))
    except (yaml.YAMLError, Invalid):
        return False
    last = [{}, *content.get("stages", {}).values()][-1]
    return text.endswith("\n") and all(
        "size" in file and (not file.get("md5", "").endswith(".dir") or "nfiles" in file)
        for file in [*last.get("deps", []), *last.get("outs", [])]
    )


def dvc_rwlock(folder: Path) -> list[str]:
    """Remove DVC's list of paths in use if nobody who is on it lives, or if it was cut short.

    DVC does so too, but not where a process has the number of one that was killed, as after a
    restart of a container, nor for zombies.
    """
    path = folder / RWLOCK_FILE
    if not path.exists():
        return []
    with make_lock(str(folder / RWLOCK_LOCK), tmp_dir=str(folder), wait=True):
        try:
            holders = _holders(path)
            why = "as the processes on it were killed"
            if not holders or any(holders.values()):
                return []
        except FileNotFoundError:
            return []
        except (ValueError, Invalid):
            why = "as it was cut short by an interruption"
        path.unlink()
        return [f"{path}: removed, {why}"]


def at_work(folder: Path) -> list[str]:
    """The living processes that DVC lists, such as `dvc repro (PID 12)`."""
    try:
        return sorted(name for name, alive in _holders(folder / RWLOCK_FILE).items() if alive)
    except (OSError, ValueError, Invalid):
        return []


def _holders(path: Path) -> dict[str, bool]:
    """Who reads or writes files, and whether that process lives; one that started after it was
    written down, or with other words, is another: of this or of another machine."""
    listed, written = RWLOCK_SCHEMA(json.loads(path.read_bytes())), path.stat().st_mtime
    found = {}
    for one in [*listed["write"].values(), *chain(*listed["read"].values())]:
        name = f"{one['cmd']} (PID {one['pid']})"
        found[name] = False
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(one["pid"])
            # Times of start are rounded, and reckoned from the time of boot.
            started_before = process.create_time() < written + 2
            # Without the program, which is named otherwise after `python -m`.
            same = " ".join(process.cmdline()).endswith(one["cmd"].partition(" ")[2])
            found[name] = same and started_before and process.status() != psutil.STATUS_ZOMBIE
    return found


def wait(repo: Repo) -> None:
    """Wait while other processes of DVC are at work here, such as what a killed Snakemake had
    started: DVC itself would not."""
    known = set()
    while others := set(at_work(Path(repo.tmp_dir))):
        for other in sorted(others - known):
            print(f"waiting for {other}, which is still at work here", file=sys.stderr)
        known |= others
        time.sleep(POLL_SECONDS)


def git_index_lock() -> list[str]:
    """Remove git's lock of its index, which a killed `dvc exp run` leaves, unless a process of
    git or DVC lives in this folder. Git writes nothing into it of what it locks."""
    words = ["git", "rev-parse", "--git-path", "index.lock"]
    found = Path(subprocess.run(words, capture_output=True, text=True).stdout.strip())
    if not found.is_file():
        return []
    for process in psutil.process_iter(["pid", "cwd", "cmdline"]):
        words, folder = process.info["cmdline"] or [], process.info["cwd"]
        ours = {Path(word).name for word in words[:2]} & {"git", "dvc"}
        inside = folder and Path(folder).is_relative_to(Path.cwd())
        if inside and ours and process.info["pid"] != os.getpid():
            name = f"{' '.join(words)} (PID {process.info['pid']})"
            raise AtWork(f"{found}: is of a process that is at work here: {name}")
    found.unlink(missing_ok=True)
    return [f"{found}: removed, as no process of git or DVC is at work here"]


def dvc_cache(repo: Repo) -> list[str]:
    """Remove from DVC's cache what is not what its name says: DVC would bring it back as it is."""
    done = []
    for path in sorted(Path(repo.cache.local.path).glob("??/*")):
        found = hashlib.file_digest(path.open("rb"), "md5").hexdigest()
        if found != path.parent.name + path.name.removesuffix(".dir"):
            path.unlink()
            done.append(f"{path}: was damaged; what needs it is made again")
    return done


def recover(repo: Repo, *, cache: bool = False) -> list[str]:
    """Put right what is left of runs that were killed, and DVC's `cache` if asked; a line each."""
    folder = Path(repo.tmp_dir)
    with repo.lock:
        done = [*dvc_lock(), *dvc_rwlock(folder), *dvc_rwlock(folder / "exps")]
        return [*done, *(dvc_cache(repo) if cache else ())]


def main() -> list[str]:
    repo = opened()
    done = [*snakemake_locks(), *recover(repo, cache=True), *git_index_lock()]
    return [*done, *(f"still at work here: {other}" for other in at_work(Path(repo.tmp_dir)))]


if __name__ == "__main__":
    try:
        print("\n".join(main()) or "nothing was locked or cut short")
    except DvcException as error:
        sys.exit(f"unlock: error: {' '.join(str(error).split())}")
