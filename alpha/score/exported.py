"""Models to take elsewhere: a folder or a zip of files side by side, of which manifest.json has the
SHA-256 hashes. A zip has no dates and is not compressed, so that its content alone makes its bytes.
"""

import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from re import fullmatch
from tempfile import TemporaryDirectory
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from alpha.core.artifacts import json_text
from alpha.core.errors import InputError

MANIFEST = "manifest.json"
_NAME = r"\w+\.\w+"
_CHANGED = "was changed after its export"


def is_exported(path: Path) -> bool:
    return path.is_file() or (path / MANIFEST).exists()


def manifest(files: Mapping[str, bytes]) -> bytes:
    """That of all other files: their hashes by their names."""
    hashes = {name: sha256(content).hexdigest() for name, content in files.items()}
    return json_text({"files": hashes}).encode()


def zipped(files: Mapping[str, bytes]) -> bytes:
    with ZipFile(made := BytesIO(), "w", ZIP_STORED) as file:
        for name in sorted(files):
            file.writestr(ZipInfo(name), files[name])
    return made.getvalue()


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """A folder with the files of an export, while the block runs. Raises InputError unless they are
    exactly those that were exported."""
    files = _of_zip(path) if path.is_file() else _of_folder(path)
    stated = files.pop(MANIFEST, None)
    if stated is None:
        raise InputError(f"{path}: must be what `alpha export` wrote, found no {MANIFEST}")
    if stated != manifest(files):
        odd = [name for name in files if sha256(files[name]).hexdigest() not in stated.decode("l1")]
        what = f"{odd[0]} is another" if odd else "a file is missing, or the manifest is another"
        raise InputError(f"{path}: {_CHANGED}: {what}")
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        yield Path(folder)


def _of_folder(path: Path) -> dict[str, bytes]:
    found = {}
    try:
        for one in sorted(path.iterdir()):
            # No link is followed, and no pipe waited for.
            if not stat.S_ISREG(one.lstat().st_mode) or not fullmatch(_NAME, one.name):
                raise InputError(f"{path}: {_CHANGED}: {one.name!r} was added")
            found[one.name] = one.read_bytes()
    except OSError as error:
        raise InputError(f"{error.filename or path}: cannot be read: {error.strerror}") from None
    return found


def _of_zip(path: Path) -> dict[str, bytes]:
    """Its files, if `zipped` makes the same bytes of them: so nothing else is in it, such as links,
    dates, names that lead out of a folder, or more than its own size."""
    try:
        content = path.read_bytes()
        with ZipFile(BytesIO(content)) as file:
            entries = file.infolist()
            plain = all(one.compress_type == ZIP_STORED for one in entries)
            if plain and sum(one.file_size for one in entries) <= len(content):
                found = {one.filename: file.read(one) for one in entries}
                if all(fullmatch(_NAME, name) for name in found) and zipped(found) == content:
                    return found
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (BadZipFile, EOFError, LookupError, NotImplementedError, RuntimeError, ValueError):
        raise InputError(f"{path}: is no zip that `alpha export` wrote, or is damaged") from None
    raise InputError(f"{path}: {_CHANGED}, or is no zip that `alpha export` wrote")
