"""Where what was rebuilt differs from what was recorded: the files, and where in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from alpha.history import repository
from alpha.history.verify import contents

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo

_NOT_AT_HAND = "neither DVC's cache nor the workspace has the recorded one to look inside"


@dataclass(frozen=True)
class Difference:
    """A file, or a whole output, whose bytes differ. `where` is None if only its container does,
    as another HDF5 library would write the same content. `before` is what was recorded, if it
    can still be had."""

    path: str
    where: str | None
    before: Path | None
    after: Path

    def __str__(self) -> str:
        """In a sentence."""
        joint = "" if self.where and self.where.startswith(("was", "is", "differs")) else ":"
        return f"{self.path}{joint} {self.where}"


def of_out(
    recorded: "Repo", root: Path, out: "Output", place: Path, *, stored_otherwise: bool
) -> Iterator[Difference]:
    """The files that differ of an output that was rebuilt in `place`. `recorded` has its record,
    and the cache of the project in `root`.

    `stored_otherwise` says that earlier files are stored otherwise. Then digests may differ too,
    in JSON and text: they only repeat what other files say, which are compared themselves.
    """
    path, md5 = out.def_path, out.hash_info.value
    made = place / path
    if not made.exists():
        yield Difference(path, "was not made", None, made)
    elif made.is_dir() != out.hash_info.isdir:
        kind = "folder" if out.hash_info.isdir else "file"
        yield Difference(path, f"is no {kind} any more", None, made)
    elif made.is_file():
        before = repository.content(recorded, root, path, md5)
        yield _of_file(path, before, made, stored_otherwise)
    elif (then := repository.listing(root, out)) is None:
        yield Difference(path, f"differs, and {_NOT_AT_HAND}", None, made)
    else:
        now = repository.files_of(made)
        for name in sorted(then.keys() | now.keys()):
            file, after = f"{path}/{name}", made / name
            if name not in now:
                yield Difference(file, "was not made", None, after)
            elif name not in then:
                yield Difference(file, "is made, and is not in the record", None, after)
            elif then[name] != now[name]:
                before = repository.content(recorded, root, file, then[name])
                yield _of_file(file, before, after, stored_otherwise)


def _of_file(path: str, before: Path | None, after: Path, stored_otherwise: bool) -> Difference:
    if before is None:
        where: str | None = f"differs, and {_NOT_AT_HAND}"
    elif h5py.is_hdf5(before) and h5py.is_hdf5(after):
        where = contents.hdf5(before, after)
    else:
        where = contents.file(before, after, digests=not stored_otherwise)
    return Difference(path, where, before, after)
