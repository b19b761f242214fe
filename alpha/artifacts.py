"""Artifacts appear whole or not at all, and the same content always has the same bytes."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alpha.errors import InputError


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """Give a scratch path beside `out`; rename it to `out` only if the block succeeds.

    Works for a file and for a directory (the caller creates either). An earlier artifact
    at `out` stays untouched until the rename, and a failure leaves nothing but it; what a
    killed run left behind is cleared at the next start.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    _remove(part)
    try:
        yield part
        if not part.exists():
            raise RuntimeError(f"nothing was written to {part}")
    except BaseException:
        _remove(part)
        raise
    if out.is_dir() and not out.is_symlink():
        # os.replace cannot replace a folder that is not empty.
        shutil.rmtree(out)
    os.replace(part, out)


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """As `whole`, for a folder, which is made before the block starts."""
    with whole(out) as part:
        part.mkdir()
        yield part


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def json_text(content: Any) -> str:
    """JSON with sorted keys, so that equal content has equal bytes. NaN is refused: use None."""
    return json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n"


def write_json(path: Path, content: Any) -> None:
    path.write_text(json_text(content), encoding="utf-8")


def read_json(path: Path) -> Any:
    """Parse a JSON artifact. Raises InputError if it is missing or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"{path}: is not JSON: {error}") from None
