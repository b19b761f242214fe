"""What a run that was killed leaves locked or cut short, put right: before each run of Snakemake,
and by `python workflow/scripts/recover.py` (`make unlock`) before one of DVC.

What was built is never touched, and nothing that a living process holds.
"""

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import yaml
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE, RWLOCK_LOCK
from dvc.rwlock import SCHEMA as RWLOCK_SCHEMA
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from voluptuous import Invalid
from zc.lockfile import LockError, LockFile

LOCK = Path("dvc.lock")
SNAKEMAKE = Path(".snakemake")
POLL_SECONDS = 0.5


class AtWork(DvcException):
    """Another process is at work here, and what it holds is left alone."""


def snakemake_locks() -> list[str]:
    """Remove Snakemake's locks, or raise AtWork if they are of a Snakemake that is alive.

    Snakemake does not write down whose they are, so each of its processes also holds a shared
    lock of the system, which ends with it, however it ends.
    """
    SNAKEMAKE.mkdir(exist_ok=True)
    alive = os.open(SNAKEMAKE / "alive", os.O_RDWR | os.O_CREAT, 0o666)
    locks = sorted((SNAKEMAKE / "locks").glob("*.lock"))
    said = []
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for lock in locks:
            lock.unlink(missing_ok=True)
            said = ["removed Snakemake's locks of a run that was killed"]
    except BlockingIOError:
        if locks:
            raise AtWork(
                "another Snakemake is at work in this folder: wait for it, or end it"
            ) from None
    # Held until this process ends.
    fcntl.flock(alive, fcntl.LOCK_SH)
    return said


def dvc_lock() -> list[str]:
    """Cut dvc.lock back to its last whole stage, if DVC was killed while writing it.

    The stages that are lost come back from DVC's run cache. Called with DVC's own lock held.
    """
    try:
        text = LOCK.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return []
    kept = whole_stages(text)
    if kept is None:
        return []
    part = LOCK.with_name(f"{LOCK.name}.part")
    part.write_text(kept, encoding="utf-8")
    os.replace(part, LOCK)
    if not kept:
        LOCK.unlink()  # an empty one DVC calls invalid
    return [f"{LOCK}: was cut short by an interruption; what it lost comes back from DVC's cache"]


def whole_stages(text: str) -> str | None:
    """The whole stages at the start of a dvc.lock that was cut short, and nothing after them.

    None if it is whole, or if more is wrong than its last stage, such as a conflict of git's:
    that is for DVC to name. A stage that ends after a whole param, dependency or out counts as
    whole: DVC itself sees which are missing.
    """
    if _whole(text):
        return None
    complete = text[: text.rfind("\n") + 1]
    begun = text[len(complete) :]
    # Cut within the name of a stage: those before it are whole.
    if begun[:2] == "  " and begun[2:3] not in ("", " ", "\n") and _whole(complete):
        return complete
    lines = complete.splitlines(keepends=True)
    stages = [number for number, line in enumerate(lines) if line[:2] == "  " and line[2] != " "]
    if any(line[:4].strip() for line in lines[stages[-1] + 1 :]) if stages else len(lines) > 2:
        return None
    kept = "".join(lines[: stages[-1]]) if len(stages) > 1 else ""
    return kept if not kept or _whole(kept) else None


def _whole(text: str) -> bool:
    """Whether DVC would read it, and it ends with all that DVC writes of a file."""
    try:
        content = COMPILED_LOCKFILE_SCHEMA(yaml.load(text, yaml.CSafeLoader))
    except (yaml.YAMLError, Invalid):
        return False
    last = [{}, *content.get("stages", {}).values()][-1]
    files = [*last.get("deps", []), *last.get("outs", [])]
    return text.endswith("\n") and all(map(_complete, files))


def _complete(file: dict[str, Any]) -> bool:
    return "size" in file and (not file.get("md5", "").endswith(".dir") or "nfiles" in file)


def dvc_rwlock(folder: Path) -> list[str]:
    """Remove processes that have ended from DVC's list of paths in use, and the list itself if
    it was cut short.

    DVC does so too, but not where a process has the number of one that was killed, as after a
    restart of a container, nor for zombies.
    """
    path = folder / RWLOCK_FILE
    try:
        guard = LockFile(str(folder / RWLOCK_LOCK))
    except (LockError, FileNotFoundError):
        return []
    try:
        listed, written = _listed(path)
        left = {
            "write": {file: by for file, by in listed["write"].items() if _alive(by, written)},
            "read": {
                file: left
                for file, by in listed["read"].items()
                if (left := [one for one in by if _alive(one, written)])
            },
        }
        if left == listed:
            return []
        part = path.with_name(f"{path.name}.part")
        part.write_text(json.dumps(left), encoding="utf-8")
        os.replace(part, path)
        return [f"{path}: removed processes that were killed"]
    except FileNotFoundError:
        return []
    except (ValueError, Invalid):
        path.unlink()
        return [f"{path}: removed, as it was cut short by an interruption"]
    finally:
        guard.close()


def _listed(path: Path) -> tuple[dict[str, Any], float]:
    """Who reads and writes which files, and when that was last written down."""
    return RWLOCK_SCHEMA(json.loads(path.read_bytes())), path.stat().st_mtime


def _alive(holder: dict[str, Any], written: float) -> bool:
    """Whether the process that holds a lock lives; one that started later is another."""
    try:
        process = psutil.Process(holder["pid"])
        # Times of start are rounded, and reckoned from the time of boot.
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() < written + 2
    except psutil.NoSuchProcess:
        return False


def at_work(folder: Path) -> list[str]:
    """The living processes that DVC lists, such as `dvc repro (PID 12)`."""
    try:
        listed, written = _listed(folder / RWLOCK_FILE)
    except (OSError, ValueError, Invalid):
        return []
    holders = [*listed["write"].values(), *(one for by in listed["read"].values() for one in by)]
    return sorted({f"{one['cmd']} (PID {one['pid']})" for one in holders if _alive(one, written)})


def wait(repo: Repo) -> None:
    """Wait while other processes of DVC are at work here, such as what a killed Snakemake had
    started: DVC itself would not."""
    said = set()
    while others := at_work(Path(repo.tmp_dir)):
        for other in set(others) - said:
            print(f"waiting for {other}, which is still at work here", file=sys.stderr)
        said.update(others)
        time.sleep(POLL_SECONDS)


def git_index_lock() -> list[str]:
    """Remove git's lock of its index, which a killed `dvc exp run` leaves, unless a process of
    git or DVC lives in this folder. Git writes nothing into it of what it locks."""
    words = ["git", "rev-parse", "--git-path", "index.lock"]
    found = subprocess.run(words, capture_output=True, text=True).stdout.strip()
    if not found or not Path(found).exists():
        return []
    if others := _of_git_or_dvc(Path.cwd()):
        raise AtWork(f"{found}: is of a process that is at work here: {', '.join(others)}")
    Path(found).unlink(missing_ok=True)
    return [f"{found}: removed, as no process of git or DVC is at work here"]


def _of_git_or_dvc(folder: Path) -> list[str]:
    """The other processes of git and DVC that work in `folder` or below it."""
    found = []
    for process in psutil.process_iter(["pid", "cwd", "cmdline"]):
        words = process.info["cmdline"] or []
        names = {Path(word).name for word in words[:2]}
        inside = process.info["cwd"] and Path(process.info["cwd"]).is_relative_to(folder)
        if inside and names & {"git", "dvc"} and process.info["pid"] != os.getpid():
            found.append(f"{' '.join(words)} (PID {process.info['pid']})")
    return found


def recover(repo: Repo) -> list[str]:
    """Put right what is left of runs that were killed; what was done, a line each."""
    folder = Path(repo.tmp_dir)
    with repo.lock:
        return [*dvc_lock(), *dvc_rwlock(folder), *dvc_rwlock(folder / "exps")]


def main() -> list[str]:
    repo = Repo(".")
    found = [*snakemake_locks(), *recover(repo), *git_index_lock()]
    return [*found, *(f"still at work here: {other}" for other in at_work(Path(repo.tmp_dir)))]


if __name__ == "__main__":
    try:
        print("\n".join(main()) or "nothing was locked or cut short")
    except DvcException as error:
        sys.exit(f"unlock: error: {' '.join(str(error).split())}")
