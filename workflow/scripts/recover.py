"""What a run that was killed leaves locked or cut short, put right: before each run of Snakemake,
and by `python workflow/scripts/recover.py` (`make unlock`) before one of DVC.

What was built is never touched, and nothing that a living process holds.
"""

import fcntl
import json
import os
import sys
from pathlib import Path

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


def snakemake_locks() -> list[str]:
    """Remove Snakemake's locks unless another Snakemake is alive in this folder.

    Snakemake does not write down whose they are, so each of its processes also holds a shared
    lock of the system, which ends with it, however it ends.
    """
    SNAKEMAKE.mkdir(exist_ok=True)
    alive = os.open(SNAKEMAKE / "alive", os.O_RDWR | os.O_CREAT, 0o666)
    said = []
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for lock in sorted((SNAKEMAKE / "locks").glob("*.lock")):
            lock.unlink(missing_ok=True)
            said = ["removed Snakemake's locks of a run that was killed"]
    except BlockingIOError:
        pass
    # Held until this process ends.
    fcntl.flock(alive, fcntl.LOCK_SH)
    return said


def dvc_lock() -> list[str]:
    """Cut dvc.lock back to its last whole stage, if DVC was killed while writing it.

    The stages that are lost come back from DVC's run cache. Called with DVC's own lock held.
    """
    if not LOCK.exists():
        return []
    lines = LOCK.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    starts = [
        number for number, line in enumerate(lines) if line.startswith("  ") and line[2] != " "
    ]
    kept, dropped = len(lines), 0
    while not _whole("".join(lines[:kept])):
        kept, dropped = (starts.pop(), dropped + 1) if starts else (0, dropped)
    if kept == len(lines):
        return []
    part = LOCK.with_name(LOCK.name + ".part")
    part.write_text("".join(lines[:kept]), encoding="utf-8")
    os.replace(part, LOCK)
    return [f"{LOCK}: was cut short by an interruption; what it lost comes back from DVC's cache"]


def _whole(text: str) -> bool:
    if not text.strip():
        return True
    try:
        COMPILED_LOCKFILE_SCHEMA(yaml.load(text, yaml.CSafeLoader))
    except (yaml.YAMLError, Invalid):
        return False
    return True


def dvc_rwlock(folder: Path) -> list[str]:
    """Remove DVC's list of paths in use, if it was cut short; DVC itself leaves out the dead."""
    path = folder / RWLOCK_FILE
    try:
        guard = LockFile(str(folder / RWLOCK_LOCK))
    except LockError:
        return []
    try:
        RWLOCK_SCHEMA(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return []
    except (ValueError, Invalid):
        path.unlink()
        return [f"{path}: removed, as it was cut short by an interruption"]
    finally:
        guard.close()
    return []


def recover(repo: Repo) -> list[str]:
    """Put right what is left of runs that were killed; what was done, a line each."""
    with repo.lock:
        return [*dvc_lock(), *dvc_rwlock(Path(repo.tmp_dir))]


if __name__ == "__main__":
    try:
        found = [*snakemake_locks(), *recover(Repo("."))]
    except DvcException as error:
        sys.exit(f"unlock: error: {' '.join(str(error).split())}")
    print("\n".join(found) or "nothing was locked or cut short")
