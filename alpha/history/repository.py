"""The project as DVC and git remember it: its stages as they were last run, and what they left.

DVC is imported inside of functions, as it takes a third of a second.
"""

import hashlib
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpha.core.errors import InputError
from alpha.core.text import some

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo
    from dvc.stage import Stage

FAILED = "logs/failed"  # the logs of the jobs of Snakemake that failed, until a run succeeds
ABSENT = object()  # a key of params that one side does not have


@contextmanager
def opened(
    root: Path, rev: str | None = None, *, source: str, cache: str | None = None
) -> "Iterator[Repo]":
    """DVC's view of the project in `root`, as the commit or experiment `rev` has it; with the
    folder `cache` for its own if there is one.

    Raises InputError, which begins with `source`, for whatever DVC cannot read.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.scm import RevError

    config = {"cache": {"dir": cache}} if cache else None
    try:
        with Repo(str(root), config=config) as repo, repo.switch(rev or "workspace"):
            yield repo
    except RevError:
        what = "must be a commit, a branch, a tag or an experiment; git has none"
        raise InputError(f"{rev!r}: {what}") from None
    except DvcException as error:
        raise InputError(f"{source}: {' '.join(str(error).split())}") from None


def pipeline(repo: "Repo") -> "list[Stage]":
    """All stages, each after those that it depends on."""
    from dvc.repo.graph import collect_inside_path

    return collect_inside_path(repo.root_dir, repo.index.graph)


def made_by(stages: "Iterable[Stage]") -> dict[str, str | None]:
    """The recorded md5 of what stages make, by path; that of a folder ends in .dir."""
    return {out.def_path: out.hash_info.value for stage in stages for out in stage.outs}


def files(stage: "Stage") -> "list[Output]":
    """The dependencies that are files and folders."""
    return [dep for dep in stage.deps if dep not in stage.params]


def edited_params(stage: "Stage") -> Iterator[tuple[str, Any, Any]]:
    """The sections of params that are not as the stage was last run with: name, then and now.
    A section that is not there is {}."""
    for dep in stage.params:
        then, now = dep.hash_info.value or {}, dep.read_params()
        for name in dep.params:
            if name not in now or name not in then or then[name] != now[name]:
                yield name, then.get(name, {}), now.get(name, {})


def outdated(root: Path, path: str) -> list[str]:
    """Why what is at `path`, which a stage makes, is not that of the project as it is: a line for
    what was edited since it was made, and one for a run that failed. None where DVC is not, or
    cannot tell, as while another process of DVC holds its lock."""
    edited: dict[str, set[str]] = {}
    with suppress(InputError, OSError), opened(root, source=str(root)) as repo:
        outs = made_by(repo.index.stages)
        if path not in outs:
            return []
        for change in chain(*repo.status().values()):
            # Of a stage's command it only says that it changed.
            kinds = change.values() if isinstance(change, dict) else [{"dvc.yaml": ""}]
            for name, how in chain.from_iterable(kind.items() for kind in kinds):
                edited.setdefault(name, set()).update(how if isinstance(how, dict) else ())
        edited = {name: of for name, of in edited.items() if not related(name, outs)} or edited
    named = [f"{name} ({', '.join(sorted(of))})" if of else name for name, of in edited.items()]
    lines = [f"Not up to date: {some(named)} changed since. `make run` mends that."] * bool(named)
    with suppress(OSError):
        # One that ended well since, by whatever command, has written the results anew.
        failed, made = root / FAILED, root / path
        if not made.exists() or failed.stat().st_mtime > made.stat().st_mtime:
            lines.append(f"The last run failed: {some(failed.read_text().split())} says why.")
    return lines


def changes(old: Any, new: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every parameter that differs, or a section that one side does not have: its dotted key and
    both values, in the order of `new`; what `new` does not have at the end."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**new, **old}:
            inner = f"{key}.{name}".lstrip(".")
            yield from changes(old.get(name, ABSENT), new.get(name, ABSENT), inner)
    # Python takes True for 1.
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield key, old, new


def related(path: str, outs: Iterable[str]) -> bool:
    """Whether one of `outs` is the path, holds it, or is inside of it."""
    return any(f"{path}/".startswith(f"{out}/") or out.startswith(f"{path}/") for out in outs)


def md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def content(repo: "Repo", root: Path, path: str, md5: str) -> Path | None:
    """A file with what was recorded at `path`, in DVC's cache or the workspace; None if neither
    has it any more."""
    found = (Path(repo.cache.local.oid_to_path(md5)), root / path)
    return next((file for file in found if file.is_file() and md5_of(file) == md5), None)


def git(root: Path, *words: str, stdin: bytes = b"") -> bytes:
    """What `git words` prints in the folder `root`; nothing if git fails, there is no git, or
    no repository."""
    with suppress(OSError):
        done = subprocess.run(["git", *words], cwd=root, input=stdin, capture_output=True)
        return done.stdout if done.returncode == 0 else b""
    return b""
