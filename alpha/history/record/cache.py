"""DVC's cache: the content of files by their md5, and what DVC takes the md5 of a folder to be.

`files/md5/ab/<rest>` is the content of a file; of a folder it is a list of its files with
their md5, in JSON, and `.dir` ends its name. `runs/ab/<key>/<value>` is what one run of one
stage left, as in dvc.lock.
"""

import configparser
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

# As .dvcignore has it, and what DVC never looks at.
IGNORED = (".snakemake_timestamp", "*.part", "__pycache__", ".dvc", ".git", ".hg")


@dataclass(frozen=True)
class Cache:
    folder: Path

    @classmethod
    def at(cls, root: Path) -> "Cache":
        """The cache of the project in `root`: cache.dir of its config, which is relative to
        .dvc, or .dvc/cache."""
        config = configparser.RawConfigParser(strict=False)
        folder = root / ".dvc"
        try:
            config.read((folder / "config", folder / "config.local"), encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            return cls(folder / "cache")
        return cls(folder / Path(config.get("cache", "dir", fallback="cache")).expanduser())

    def path(self, md5: str) -> Path:
        """Where the content of that md5 is, if it is in the cache."""
        return self.folder / "files" / "md5" / md5[:2] / md5[2:]

    def read(self, md5: str) -> bytes | None:
        """The content of that md5, or None if it is not in the cache."""
        try:
            return self.path(md5).read_bytes()
        except OSError:
            return None

    def listing(self, md5: str) -> dict[str, str] | None:
        """Path within the folder of that md5, which ends in `.dir`, -> md5 of the file. None if
        it is not in the cache, or damaged there."""
        text = self.read(md5)
        try:
            return (
                None if text is None else {one["relpath"]: one["md5"] for one in json.loads(text)}
            )
        except (ValueError, KeyError, TypeError):
            return None

    def runs(self) -> Iterator[bytes]:
        """What every run of a stage that the run cache remembers left, as text."""
        for path in self.folder.glob("runs/??/*/*"):
            try:
                yield path.read_bytes()
            except OSError:
                continue


def md5_of(path: Path) -> str:
    """The md5 that DVC records for a file, or for a folder, with `.dir` at its end.

    What .dvcignore names is left out of a folder. Raises OSError if `path` cannot be read.
    """
    if not path.is_dir():
        return _file(path)
    files = [{"md5": md5, "relpath": name} for name, md5 in files_of(path).items()]
    # As dvc_data.hashfile.tree writes it, to the byte.
    return hashlib.md5(json.dumps(files, sort_keys=True).encode()).hexdigest() + ".dir"


def files_of(folder: Path) -> dict[str, str]:
    """The md5 of each file of a folder by its path in there, in order, as `Cache.listing` has
    it of a recorded one. Raises OSError if one cannot be read."""
    found = {}
    for at, folders, names in os.walk(folder, onerror=_fail):
        folders[:] = [name for name in folders if not _ignored(name)]
        for file in (Path(at) / name for name in names if not _ignored(name)):
            found[file.relative_to(folder).as_posix()] = _file(file)
    return dict(sorted(found.items()))


def _file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _ignored(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in IGNORED)


def _fail(error: OSError) -> None:
    raise error
