"""Artifacts appear whole or not at all, and the same content always has the same bytes."""

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from alpha.core.errors import InputError
from alpha.core.text import warn

if TYPE_CHECKING:
    from pydantic import BaseModel

# What the files of a folder were made from, and their digests.
MADE_FROM = "made_from.json"
# The key of a JSON artifact's own digest.
_DIGEST = "sha256"
AnyModel = TypeVar("AnyModel", bound="BaseModel")


@contextmanager
def whole(out: Path, *, folder: bool = False) -> Iterator[Path]:
    """Give a scratch path beside `out`; rename it to `out` only if the block succeeds. A failure
    leaves an earlier artifact and nothing else; what a killed run left is cleared at the next
    start. Two processes with the same `out` take turns. Raises InputError if `out` is of another
    kind, or a folder with something that the new one lacks."""
    if out.name in ("", ".."):
        raise InputError(f"--out must be a name of its own, found {str(out)!r}")
    _check_kind(out, folder=folder)
    part, earlier = (out.with_name(f"{out.name}{end}") for end in (".part", ".earlier.part"))
    with _alone(out):
        _remove(part)
        _remove(earlier)
        try:
            yield part
            if not part.exists():
                raise RuntimeError(f"nothing was written to {part}")
            if folder and out.exists():
                _check_replaceable(out, part)
                # os.replace cannot replace a folder that is not empty.
                os.replace(out, earlier)
            os.replace(part, out)
            _remove(earlier)
        except BaseException as error:
            if earlier.exists() and not out.exists():
                os.replace(earlier, out)
            _remove(part)
            if cause := _no_room(error):
                raise InputError(f"{out}: cannot be written: {cause}") from None
            raise


def _no_room(error: BaseException) -> str | None:
    """Why a file could not be written, if for want of room: libraries have it in their text."""
    found = re.search(r"errno = (\d+)|\[Errno (\d+)\]", str(error))
    number = int(found[1] or found[2]) if found else None
    return os.strerror(number) if number in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT) else None


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """As `whole`, for a folder, which is made before the block starts."""
    with whole(out, folder=True) as part:
        part.mkdir()
        yield part


@contextmanager
def whole_outs(out: Path) -> Iterator[Path]:
    """Give a scratch folder inside `out`. If the block succeeds, each file and folder in it becomes
    an artifact of its own in `out`; what else is in `out` stays. A kill at any moment leaves no old
    ones beside new ones: earlier ones go before the first comes, and files, which sum up the
    folders, go first and come last."""
    scratch = out / "outs"
    with whole_folder(scratch) as part:
        _check_replaceable(scratch, part)
        yield part
        made = sorted(part.iterdir(), key=lambda path: (path.is_file(), path.name))
        for path in made:
            _check_kind(out / path.name, folder=path.is_dir())
            _check_replaceable(out / path.name, path)
        earlier = part / ".earlier"
        earlier.mkdir()
        for path in reversed(made):
            if (out / path.name).exists():
                os.replace(out / path.name, earlier / path.name)
        for path in made:
            os.replace(path, out / path.name)
        _remove(earlier)
    scratch.rmdir()


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Wait until no other process writes to `out`. The system ends the lock with the process.
    Folders that are made for it go again if they stay empty."""
    path, made = (
        out.with_name(f"{out.name}.lock.part"),
        [of for of in out.parents if not of.exists()],
    )
    while True:
        out.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            warn(f"{out}: waiting for another process that writes it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists() and os.fstat(lock).st_ino == path.stat().st_ino:
            break
        # The other process has removed the file that was locked: it is nobody's.
        os.close(lock)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)
        with suppress(OSError):  # of the first that is not empty
            for folder in made:
                folder.rmdir()


def _check_kind(out: Path, *, folder: bool) -> None:
    found = "folder" if out.is_dir() else "file" if out.is_file() else "device, pipe or dead link"
    wanted = "folder" if folder else "file"
    if os.path.lexists(out) and found != wanted:
        raise InputError(f"{out}: must be a {wanted} to write to, found a {found}")


def _check_replaceable(out: Path, part: Path) -> None:
    """A folder that holds anything else than an earlier artifact may be the user's own."""
    if not out.is_dir():
        return
    # Snakemake leaves a mark in every folder that a rule writes, DVC what a full disk cut short.
    ours = {".snakemake_timestamp", *(path.name for path in part.iterdir())}
    if foreign := sorted({path.name for path in out.iterdir() if not path.match(".*.tmp")} - ours):
        fix = "choose another --out, or remove the folder"
        raise InputError(f"{out}: holds {foreign[0]}, which this step would not write; {fix}")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def json_text(content: Any) -> str:
    """JSON with sorted keys, so that equal content has equal bytes. NaN is refused: use None."""
    return json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n"


def digest(content: Any) -> str:
    """SHA-256 of JSON content, the same for equal content."""
    return hashlib.sha256(json_text(content).encode()).hexdigest()


def digest_of_arrays(*columns: Any) -> str:
    """SHA-256 of the bytes of arrays, one after the other."""
    hasher = hashlib.sha256()
    for column in columns:
        hasher.update(column.data)
    return hasher.hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write JSON, an object with its own digest, which `read_json` looks for."""
    own = {_DIGEST: digest(content)} if isinstance(content, dict) else {}
    path.write_text(json_text({**content, **own} if own else content), encoding="utf-8")


def write_manifest(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON, and in it, as `files`, the SHA-256 of every other file in its folder."""
    files = {name: _sha256(path.parent / name) for name in _files(path)}
    write_json(path, {**content, "files": files})


def read_manifest(path: Path) -> dict[str, Any]:
    """What `write_manifest` wrote. Raises InputError, naming the file, if it is no such JSON, or if
    a file of the folder was changed, removed or added since."""
    content = read_json(path)
    listed = content.get("files") if isinstance(content, dict) else None
    if not isinstance(listed, dict):
        raise InputError(f"{path}: must have the digests of files, found none")
    for name in sorted({*listed, *_files(path)}):
        file = path.parent / name
        if name not in listed:
            raise InputError(f"{file}: must be one of the files in {path.name}, and is none")
        if not file.is_file():
            raise InputError(f"{file}: is missing: {path.name} has its digest")
        if _sha256(file) != listed[name]:
            why = f"its digest does not match {path.name}"
            raise InputError(f"{file}: was changed after it was written ({why})")
    return content


def _files(manifest: Path) -> list[str]:
    """The names of the other files in its folder, but for marks and scratch files of engines."""
    paths = (path for path in manifest.parent.rglob("*") if path.is_file() and path != manifest)
    # A feature file may be hidden, and so its labels are.
    kept = (of for of in paths if not re.search(r"^\.(?!.*\.h5$)|\.part$", of.name))
    return sorted(path.relative_to(manifest.parent).as_posix() for path in kept)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_file(path: Path) -> None:
    """Raise InputError for what is in the place of a file, and could not be read to its end."""
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: must be a file, found a folder, a pipe or a device")


def read_bytes(path: Path) -> bytes:
    """A file's content. Raises InputError if it cannot be read."""
    check_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def read_json(path: Path) -> Any:
    """Parse a JSON artifact. Raises InputError if it is missing or is not JSON, or is not as it was
    written, if it has its digest."""
    try:
        text = read_bytes(path).decode("utf-8")
        # NaN and Infinity are no int, which says so.
        found = json.loads(text, object_pairs_hook=_each_once, parse_constant=int)
        written = found.pop(_DIGEST, None) if isinstance(found, dict) else None
        own = digest(found)  # which a number such as 1e999 has not
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON: {error}") from None
    if written not in (None, own):
        raise InputError(f"{path}: was changed after it was written (it does not match its sha256)")
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError(f"a key comes twice, among {', '.join(list(found)[:8])}")
    return found


def parse(model: type[AnyModel], path: Path) -> AnyModel:
    """Read a JSON artifact as `model`. Raises InputError naming the first key that is wrong."""
    from pydantic import ValidationError  # which scoring does without

    try:
        return model.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        # On one line, whatever is in the names.
        key = " ".join(".".join(map(str, first["loc"])).split()) or "the content"
        what = first["msg"].lower().removeprefix("value error, ")
        if first["type"] == "model_type":
            # Pydantic's own words name our classes.
            what = "must be a JSON object"
        raise InputError(f"{path}: {key}: {what}") from None


# What begins a formula of a spreadsheet, where it is not a number's sign.
_FORMULA = r"(?![+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$)('*[=+\-@\t])"


def write_csv(path: Path, table: Any, **how: Any) -> None:
    """Write a table. Text that a spreadsheet would run begins with one ' more than it does, which
    `read_csv` takes off."""
    safe = table.replace(f"^{_FORMULA}", r"'\1", regex=True)
    safe.to_csv(path, lineterminator="\n", **how)


def read_csv(path: Path, types: Any, columns: Iterable[str]) -> Any:
    """A table with at least these columns; empty cells are NaN. Raises InputError, naming the
    file, if it is missing, or is not of these types."""
    import pandas as pd  # which only some steps need

    try:
        # A family may be named NA.
        text = BytesIO(read_bytes(path))
        found = pd.read_csv(text, dtype=types, keep_default_na=False, na_values=[""])
    except (ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: is not such a table: {reason}") from None
    for name in columns:
        if name not in found:
            found_columns = ", ".join(found.columns)
            raise InputError(f"{path}: must have a column {name!r}, found {found_columns}")
    return found.replace(f"^'{_FORMULA}", r"\1", regex=True)
