"""What git remembers, by way of its command line."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from alpha.core.errors import InputError


def git(root: Path, *words: str, stdin: bytes = b"") -> bytes:
    """What `git words` prints in the folder `root`; nothing if git fails, there is no git, or
    no repository."""
    try:
        done = subprocess.run(["git", *words], cwd=root, input=stdin, capture_output=True)
    except (OSError, ValueError):
        return b""
    return done.stdout if done.returncode == 0 else b""


def commit(root: Path, rev: str) -> str:
    """The full name of the commit that `rev` means, such as HEAD~1, a branch, or an experiment.

    Raises InputError if `root` is in no repository, or `rev` is not a commit of it.
    """
    # Whatever `rev` begins with, it is no option of git's.
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options")
    for name in (rev, *_experiments(root, rev)):
        found = git(root, *words, f"{name}^{{commit}}").split()
        if found:
            return found[-1].decode()
    if not git(root, "rev-parse", "--git-dir"):
        raise InputError(f"{root.resolve().name or root}: must be in a git repository")
    raise InputError(f"{rev!r}: must be a commit, a branch, a tag or an experiment; git has none")


def show(root: Path, rev: str, path: str) -> bytes | None:
    """The file `path`, relative to `root`, as it was in the commit `rev`; None if it had none.

    Raises InputError as `commit` does.
    """
    name = f"{commit(root, rev)}:./{path}"
    # Its kind is asked for first: an empty file prints nothing too.
    if git(root, "cat-file", "-t", name).strip() != b"blob":
        return None
    return git(root, "cat-file", "blob", name)


def versions(root: Path, path: str) -> Iterator[bytes]:
    """Every version of the file `path`, of all branches and experiments."""
    # Whole history: without it git leaves out the side of a merge whose version lost.
    commits = git(root, "rev-list", "--all", "--full-history", "--", path).split()
    names = b"".join(commit + f":./{path}\n".encode() for commit in commits)
    blobs = {
        line.split()[0]
        for line in git(root, "cat-file", "--batch-check", stdin=names).splitlines()
        if line.split()[1:2] == [b"blob"]
    }
    if blobs:
        text = git(root, "cat-file", "--batch", stdin=b"".join(blob + b"\n" for blob in blobs))
        # Each file comes after a line of git's own.
        yield from re.split(rb"^[0-9a-f]{40,64} blob \d+\n", text, flags=re.MULTILINE)[1:]


def _experiments(root: Path, name: str) -> Iterator[str]:
    """DVC's experiments of that name, which are refs/exps/ab/<commit they began at>/name."""
    for ref in git(root, "for-each-ref", "--format=%(refname)", "refs/exps").decode().split():
        if ref.count("/") == 4 and ref.rpartition("/")[2] == name:
            yield ref
