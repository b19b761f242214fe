"""Where what was rebuilt first differs from what was recorded, in words."""

from collections.abc import Iterator
from pathlib import Path

import h5py
from pydantic import RootModel

from alpha.core.artifacts import parse
from alpha.core.store.logical import NODES, nodes
from alpha.history.record.cache import files_of, md5_of
from alpha.history.record.lock import Entry
from alpha.history.record.recorded import Original
from alpha.history.verify import inside


class Differs(Exception):
    """The content of an artifact differs; the message says where."""


class _Nodes(RootModel[dict[str, dict[str, str]]]):
    """nodes.json: file -> node -> SHA-256."""


def of_out(
    original: Original, out: str, entry: Entry, place: Path, *, stored_otherwise: bool = False
) -> Iterator[str]:
    """Compare an output that was rebuilt in `place`; yield each file whose container alone
    differs, as another HDF5 library would write the same content.

    `stored_otherwise` says that earlier files were such. Then digests may differ too, in JSON and
    text: they only repeat what other files say, which are compared themselves. Raises Differs at
    the first file of other content; in a folder nodes.json, which repeats the others, comes last.
    """
    made = place / out
    if not made.exists():
        raise Differs(f"{out} was not made")
    if md5_of(made) == entry.md5:
        return
    of_folder = entry.md5.endswith(".dir")
    if made.is_dir() != of_folder:
        raise Differs(f"{out} must be a {'folder' if of_folder else 'file'}")
    if not of_folder:
        yield from _of_file(original, out, entry.md5, made, None, stored_otherwise)
        return
    then, now = original.listing(out, entry), files_of(made)
    if then is None:
        raise Differs(f"{out} differs, and {_NOT_AT_HAND}")
    node_hashes = _recorded_nodes(original, out, then)
    for name in sorted(then.keys() | now.keys(), key=lambda name: (name == NODES, name)):
        path = f"{out}/{name}"
        if name not in now:
            raise Differs(f"{path} was not made")
        if name not in then:
            raise Differs(f"{path} is made, and is not in the record")
        if then[name] != now[name]:
            hashes = node_hashes.get(name)
            yield from _of_file(original, path, then[name], made / name, hashes, stored_otherwise)


_NOT_AT_HAND = "neither DVC's cache nor the workspace has the recorded one to look inside"


def _of_file(
    original: Original,
    path: str,
    md5: str,
    made: Path,
    hashes: dict[str, str] | None,
    stored_otherwise: bool,
) -> Iterator[str]:
    before = original.content(path, md5)
    if h5py.is_hdf5(made):
        if hashes is None and before is not None and h5py.is_hdf5(before):
            hashes = nodes(before)
        if hashes is not None:
            now = nodes(made)
            if hashes == now:
                yield path
                return
            raise Differs(f"{path}: {inside.hdf5(before, made, hashes, now)}")
    if before is None:
        raise Differs(f"{path} differs, and {_NOT_AT_HAND}")
    digests = made.name == NODES or not stored_otherwise
    where = inside.file(before, made, digests=digests)
    if where is not None:
        raise Differs(f"{path}: {where}")
    yield path


def _recorded_nodes(
    original: Original, out: str, listing: dict[str, str]
) -> dict[str, dict[str, str]]:
    """The nodes of each HDF5 file as the step recorded them; nothing if it did not."""
    file = original.content(f"{out}/{NODES}", listing[NODES]) if NODES in listing else None
    return {} if file is None else parse(_Nodes, file).root
