"""A copy of the checkout's files, without what its stages make: a place to make it anew."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from alpha.history.record.git import git
from alpha.history.record.lock import Stage, related

# Not part of a checkout that is no git repository.
_LEFT_OUT = {".git", ".venv", ".dvc", ".snakemake", "results", "__pycache__"}


def make(root: Path, folder: Path, stages: Mapping[str, Stage], *, data: str) -> Path:
    """Copy the checkout in `root` to a place below `folder`, and return that place.

    Copied is what git tracks or would track. What the stages read beside it, as the user's own
    data in `data`, is linked and never copied, above the place too where the path says so.
    """
    outs = [out for stage in stages.values() for out in stage.outs]
    made = any(related(data, out) for out in outs)
    left_out = outs if made else [*outs, data]
    read = {dep for stage in stages.values() for dep in stage.deps}
    linked = [
        os.path.normpath(path)
        for path in sorted(read)
        if not os.path.isabs(path) and not any(related(path, out) for out in outs)
    ]
    # A path that begins with ../ must stay below `folder`.
    above = max((Path(path).parts.count("..") for path in linked), default=0)
    place = folder.joinpath(*["above"] * above, "checkout")
    place.mkdir(parents=True)
    for name in list(_files(root)):
        if not any(_inside(name, path) for path in left_out):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, place / name)
    for path in linked:
        link = Path(os.path.normpath(place / path))
        if not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((root / path).resolve())
    return place


def _files(root: Path) -> Iterator[str]:
    """The files of the checkout, relative to `root`."""
    listed = git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    if listed:
        names = (os.fsdecode(name) for name in listed.split(b"\0") if name)
        # A file may have been deleted and still be tracked.
        yield from sorted({name for name in names if (root / name).is_file()})
        return
    for at, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        yield from (os.path.relpath(os.path.join(at, name), root) for name in sorted(files))


def _inside(name: str, path: str) -> bool:
    return f"{name}/".startswith(f"{os.path.normpath(path)}/")
