"""What an HDF5 file says, apart from how it is stored: a SHA-256 of each of its nodes.

A file's md5 changes with the HDF5 library, its chunks and its filters; these hashes change only
with names, types, shapes, values and attributes. Each step that writes HDF5 files records them
in nodes.json, so that two runs can be compared node by node without either's files.
"""

import math
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers blosc, zstd, lz4, ... with h5py)
import numpy as np
from numpy.lib.recfunctions import repack_fields

from alpha.core import artifacts
from alpha.core.errors import InputError
from alpha.core.store.read import reading

NODES = "nodes.json"
# Values are read in parts of about this many bytes.
_PART_BYTES = 1 << 25
# Attributes by which PyTables remembers how it stores a node, and in which version of its format.
_STORAGE = {"CLASS", "VERSION", "FILTERS", "PYTABLES_FORMAT_VERSION"}


def record(folder: Path, written: Mapping[Path, dict[str, str]] = MappingProxyType({})) -> None:
    """Write folder/nodes.json: of each HDF5 file below `folder`, by relative name, its nodes.

    Files in `written` are not read again: it has the nodes that their writer gave back. Nothing
    is written if there is no such file.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and h5py.is_hdf5(path))
    if paths:
        found = {
            path.relative_to(folder).as_posix(): written.get(path) or nodes(path) for path in paths
        }
        artifacts.write_json(folder / NODES, found)


def digest(found: Mapping[str, str]) -> str:
    """One SHA-256 of a whole file, given its `nodes`."""
    return artifacts.digest(dict(found))


def nodes(path: Path) -> dict[str, str]:
    """The SHA-256 of each node, by full name, "/" first and then in order.

    It covers the node's kind and name, its attributes (but for _STORAGE), and of a dataset the type
    (with its byte order), the shape and the values, NaN by its bits. A group's children are nodes
    of their own. Links are not followed: the hash covers their kind and target. Memory is
    bounded, however large a dataset is.

    Raises InputError, naming the file and node, if it is not whole HDF5, or holds what has no
    value of its own: references, values kept in other files, long doubles.
    """
    with reading(path), h5py.File(path, "r") as file:
        return of_file(file)


def of_file(file: Any, begun: Mapping[str, "Hash"] = MappingProxyType({})) -> dict[str, str]:
    """As `nodes`, of an open file. `begun` has the hashes of datasets, by full name, that are
    complete but for their attributes: `begin`, and all values since."""
    found: dict[str, str] = {}
    _walk(file, "/", found, {}, begun)
    return dict(sorted(found.items()))


def begin(dataset: Any) -> "Hash":
    """The hash of a dataset before its first value."""
    said = Hash("dataset", dataset.name)
    said.text(_type(dataset.dtype, f"{dataset.file.filename}: {dataset.name}"), str(dataset.shape))
    return said


def about(dataset: Any) -> bytes:
    """What the hash of a dataset is of beside what `begin` and its values give it: the same for
    each dataset with the same attributes."""
    said = _Words()
    _attributes(said, dataset)
    return said.all()


class Hash:
    """SHA-256 of a sequence of texts and arrays, unambiguous about where each ends."""

    def __init__(self, *texts: str) -> None:
        self._sha: Any = sha256()
        self.text(*texts)

    def text(self, *texts: str) -> None:
        for text in texts:
            self.data(text.encode("utf-8", "surrogateescape"))

    def data(self, data: bytes) -> None:
        self._sha.update(len(data).to_bytes(8, "little"))
        self._sha.update(data)

    def more(self, said: bytes) -> None:
        """What `about` gave."""
        self._sha.update(said)

    def values(self, values: np.ndarray) -> None:
        """In C order; parts of an array one after the other hash as the whole does."""
        flat = values.reshape(-1)
        if not flat.dtype.hasobject:
            # What stands between the fields of a compound is not content.
            flat = flat if flat.dtype.names is None else repack_fields(flat, recurse=True)
            self._sha.update(np.ascontiguousarray(flat).view(np.uint8).data)
        elif flat.dtype.names is not None:
            for at in range(len(flat)):
                for field in flat.dtype.names:
                    self.values(flat[at : at + 1][field])
        else:
            for value in flat:
                self._of_any_length(value)

    def _of_any_length(self, value: Any) -> None:
        if isinstance(value, np.ndarray):
            self.text(str(len(value)))
            self.values(value)
        else:
            self.data(value if isinstance(value, bytes) else str(value).encode("utf-8"))

    def hex(self) -> str:
        return self._sha.hexdigest()


class _Words(Hash):
    """What would be hashed, as it is."""

    def __init__(self) -> None:
        self._sha = self
        self._found: list[bytes] = []

    def update(self, data: Any) -> None:
        self._found.append(bytes(data))

    def all(self) -> bytes:
        return b"".join(self._found)


def _walk(
    node: Any, name: str, found: dict[str, str], seen: dict[int, str], begun: Mapping[str, Hash]
) -> None:
    """Add the hashes of `node` and of all below it; `seen` has the name of each by address."""
    address = h5py.h5o.get_info(node.id).addr
    if address in seen:
        found[name] = Hash("hard link", name, seen[address]).hex()
        return
    seen[address] = name
    found[name] = _of_node(node, name, begun.get(name))
    if not isinstance(node, h5py.Group):
        return
    for child in sorted(node):
        below = f"{name.rstrip('/')}/{child}"
        link = node.get(child, getlink=True)
        if isinstance(link, h5py.HardLink):
            _walk(node[child], below, found, seen, begun)
        else:
            file = link.filename if isinstance(link, h5py.ExternalLink) else ""
            found[below] = Hash(type(link).__name__.lower(), below, file, link.path).hex()


def _of_node(node: Any, name: str, begun: Hash | None) -> str:
    where = f"{node.file.filename}: {name}"
    if begun is not None:
        said = begun
    elif isinstance(node, h5py.Dataset):
        if node.is_virtual or node.external:
            raise InputError(f"{where} keeps its values in another file, which is not followed")
        said = begin(node)
        for part in parts(node):
            said.values(node[part])
    elif isinstance(node, h5py.Datatype):
        said = Hash("datatype", name)
        said.text(_type(node.dtype, where))
    else:
        said = Hash("group", name)
    _attributes(said, node)
    return said.hex()


def _attributes(said: Hash, node: Any) -> None:
    for name in attributes(node):
        said.text(name)
        _attribute(said, node, name)


def attributes(node: Any) -> list[str]:
    """The names of the attributes that count, in order."""
    return sorted(set(node.attrs) - _STORAGE)


def attribute(node: Any, name: str) -> str | None:
    """The SHA-256 of one attribute of a node, None if it has none of that name."""
    said = Hash()
    if name not in node.attrs:
        return None
    _attribute(said, node, name)
    return said.hex()


def _attribute(said: Hash, node: Any, name: str) -> None:
    at = node.attrs.get_id(name)
    dtype, shape = at.dtype, at.shape
    said.text(_type(dtype, f"{node.file.filename}: {node.name}, attribute {name!r},"))
    if shape is None:
        said.text("empty")
        return
    said.text(str(shape))
    # The attribute's own bytes: h5py's nicer reading strips the end of texts.
    values = np.zeros(shape, dtype=dtype)
    at.read(values, mtype=h5py.h5t.py_create(dtype))
    said.values(values)


def parts(dataset: Any) -> Iterator[Any]:
    """Selections of a dataset that follow each other in C order, of about _PART_BYTES each; none
    of one without a space for values."""
    shape = dataset.shape
    if shape is None:
        return
    if not shape or 0 in shape:
        yield ...
        return
    # Nobody knows how long texts of any length are.
    itemsize = 1024 if dataset.dtype.hasobject else dataset.dtype.itemsize
    axis = 0
    while axis < len(shape) - 1 and itemsize * math.prod(shape[axis + 1 :]) > _PART_BYTES:
        axis += 1
    step = max(1, _PART_BYTES // (itemsize * math.prod(shape[axis + 1 :])))
    for before in np.ndindex(*shape[:axis]):
        for low in range(0, shape[axis], step):
            yield (*before, slice(low, low + step))


def _type(dtype: np.dtype, where: str) -> str:
    """A type in words: byte order said, padding and offsets not."""
    if h5py.check_ref_dtype(dtype) is not None:
        raise InputError(f"{where} holds references, which have no value outside of the file")
    if dtype.char in "gG":
        raise InputError(f"{where} holds long doubles, whose bytes differ between machines")
    text = h5py.check_string_dtype(dtype)
    if text is not None:
        return f"text {text.encoding} {text.length}"
    base = h5py.check_vlen_dtype(dtype)
    if base is not None:
        return f"list of {_type(np.dtype(base), where)}"
    codes = h5py.check_enum_dtype(dtype)
    if codes is not None:
        return f"{dtype.str} where {sorted(codes.items())}"
    if dtype.subdtype is not None:
        return f"{dtype.shape} of {_type(dtype.base, where)}"
    if dtype.names is not None:
        fields = [(field, _type(dtype[field], where)) for field in dtype.names]
        return f"compound {fields}"
    return dtype.str
