"""A second working tree of the repository, with the uncommitted state of this one: a place to
make everything anew."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alpha.core.errors import InputError
from alpha.history.repository import git, inside


@contextmanager
def worktree(root: Path, *, data: str, keep: Path | None) -> Iterator[tuple[Path, Path]]:
    """A folder, and in it the place where the project in `root` is once more, without what git
    ignores and with an empty DVC cache. Both are removed afterwards, unless the folder is `keep`.

    `data` is data.dir: if it is the user's own and relative, it is linked. Raises InputError
    without a commit to begin with, or if `keep` has something in it.
    """
    if not git(root, "rev-parse", "--verify", "HEAD"):
        raise InputError(f"{root.resolve().name}: must be in a git repository that has a commit")
    if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise InputError(f"--keep must be a new or empty folder, found {keep}")
    folder = Path(tempfile.mkdtemp(prefix="alpha-verify-")) if keep is None else keep.resolve()
    own = not Path(data).is_absolute() and not inside("results/simulate", os.path.normpath(data))
    # Data at ../ must stay below the folder.
    above = ["above"] * (Path(data).parts.count("..") if own else 0)
    top = folder.joinpath(*above, "checkout")
    try:
        top.parent.mkdir(parents=True, exist_ok=True)
        # Without hooks: DVC's would check results out.
        words = ("-c", "core.hooksPath=/dev/null", "worktree", "add", "--detach", str(top))
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True)
        if done.returncode != 0:
            raise InputError(f"git worktree: {' '.join(done.stderr.split())}")
        prefix = git(root, "rev-parse", "--show-prefix").decode().rstrip("\n")
        place = top / prefix
        _overlay(root, place, without=data if own else None)
        link = Path(os.path.normpath(place / data))
        if own and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((root / data).resolve())
        # An empty cache and a place for notes of DVC's own, neither the project's nor the user's.
        own_dvc = f"[core]\nsite_cache_dir = {folder}/dvc\n[cache]\ndir = {folder}/dvc/cache\n"
        if (place / ".dvc").is_dir():
            (place / ".dvc" / "config.local").write_text(own_dvc)
        yield folder, place
    finally:
        if keep is None:
            git(root, "worktree", "remove", "--force", "--force", str(top))
            shutil.rmtree(folder, ignore_errors=True)
            git(root, "worktree", "prune")


def _overlay(root: Path, place: Path, *, without: str | None) -> None:
    """Copy what is not committed, and is not inside of `without`."""
    listed = git(root, "diff", "--name-only", "--relative", "-z", "HEAD")
    listed += git(root, "ls-files", "--others", "--exclude-standard", "-z")
    for name in (os.fsdecode(name) for name in listed.split(b"\0") if name):
        if without is not None and inside(name, os.path.normpath(without)):
            continue
        (place / name).unlink(missing_ok=True)
        if (root / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, place / name)
