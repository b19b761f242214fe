"""Groups and arrays as PyTables makes them, through h5py: what pandas' `read_hdf` asks for.

PyTables itself cannot compress in several threads, takes a quarter of a second to import, and
stores the time at which a node was made. Attributes are what it writes, to the type.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (HDF5 refuses to make a dataset whose filter it does not know)
import numpy as np

from alpha.core.store import chunks

# Smaller arrays are stored as they are.
_PLAIN_BYTES = 4096
_SCALAR, _NULL = h5py.h5s.create(h5py.h5s.SCALAR), h5py.h5s.create(h5py.h5s.NULL)

Attributes = Mapping[str, str | int | bool]


def create_file(path: Any) -> Any:
    """An open h5py.File without nodes, in the place of any that is there."""
    file = h5py.File(path, "w")
    _mark(file, "GROUP", "1.0", {"PYTABLES_FORMAT_VERSION": "2.1"})
    return file


def create_group(file: Any, name: str, attributes: Attributes) -> Any:
    group = file.create_group(name)
    _mark(group, "GROUP", "1.0", attributes)
    return group


def write_array(group: Any, name: str, values: np.ndarray, attributes: Attributes) -> None:
    """Store a small array whole."""
    array = create_array(group, name, values.shape, values.dtype, attributes)
    array.id.write(h5py.h5s.ALL, h5py.h5s.ALL, values, mtype=array.id.get_type())


def create_array(
    group: Any, name: str, shape: tuple[int, ...], dtype: np.dtype, attributes: Attributes
) -> Any:
    """An h5py.Dataset for values to come, (rows,) or (rows, columns): in the chunks of
    `alpha.core.store.chunks`, or in one piece (`chunks` is None) if it is small."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_obj_track_times(False)
    chunked = int(np.prod(shape)) * dtype.itemsize > _PLAIN_BYTES
    if chunked:
        columns = shape[1] if len(shape) == 2 else 1
        plist.set_chunk(chunks.shape(shape[0], columns, dtype.itemsize)[: len(shape)])
        plist.set_filter(chunks.FILTER, h5py.h5z.FLAG_OPTIONAL, chunks.FILTER_PARAMETERS)
        # Each chunk is written, and whole.
        plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    space = h5py.h5s.create_simple(shape)
    array = h5py.Dataset(h5py.h5d.create(group.id, name.encode(), _type(dtype), space, plist))
    if chunked:
        _mark(array, "CARRAY", "1.1", attributes, utf8=False)
    else:
        _mark(array, "ARRAY", "2.4", {"FLAVOR": "numpy", **attributes})
    return array


def _mark(node: Any, kind: str, version: str, attributes: Attributes, *, utf8: bool = True) -> None:
    """Give a node the attributes that PyTables gives each, and then its own."""
    for name, word in (("CLASS", kind), ("TITLE", ""), ("VERSION", version)):
        _attribute(node, name, word, utf8=utf8)
    for name, value in attributes.items():
        _attribute(node, name, value)


def _attribute(node: Any, name: str, value: str | int | bool, *, utf8: bool = True) -> None:
    if isinstance(value, str):
        encoded = value.encode("utf-8")
        kind = _text(len(encoded) or 1, utf8=utf8)
        data = np.frombuffer(encoded, dtype=np.uint8)
    else:
        data = np.array(value)
        kind = _type(data.dtype)
    attribute = h5py.h5a.create(
        node.id, name.encode("utf-8"), kind, _SCALAR if value != "" else _NULL
    )
    if value != "":
        attribute.write(data, mtype=kind)


@cache
def _type(dtype: np.dtype) -> Any:
    if dtype.kind == "S":
        return _text(dtype.itemsize, utf8=False)
    # PyTables' flags are bit fields.
    return h5py.h5t.STD_B8LE if dtype.kind == "b" else h5py.h5t.py_create(dtype)


@cache
def _text(size: int, *, utf8: bool) -> Any:
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(size)
    kind.set_cset(h5py.h5t.CSET_UTF8 if utf8 else h5py.h5t.CSET_ASCII)
    return kind
