"""Chunks of artifacts: cut, compressed and decompressed outside of HDF5.

HDF5 runs its filters one chunk after the other, under a lock. Here any number of threads may do
it at once, one chunk each, and HDF5 is handed what its Blosc2 filter would have made: pandas,
PyTables, and h5py with hdf5plugin read the result like any other. The bytes of a chunk depend on
its values alone: Blosc2's own threads, whose blocks land in the order in which they are done,
are not used.

A chunk holds so few columns that a row of it is one element to the shuffle filter, which then
puts bytes of one column and one significance side by side. LZ4 finds far more in them than in
bytes of neighbouring columns: features take 60 % of their size, and 75 % otherwise.
"""

import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from alpha.core.store import blosc

# As registered with the HDF Group. Of the parameters HDF5's filter fills in the first four itself;
# then follow level, shuffle and LZ4.
FILTER = 32026
FILTER_PARAMETERS = (0, 0, 0, 0, 1, 1, 1)
_LEVEL = 1
_ELEMENT_BYTES = 255  # at most, to Blosc2
_CHUNK_BYTES = 1 << 19
# The most rows of a chunk: those of any other divide it.
ROWS = 1 << 14
_BLOCK_BYTES = 1 << 17

# A chunk is a contiguous frame of Blosc2 (README_CFRAME_FORMAT.rst of c-blosc2) around a single
# Blosc2 chunk: a header, then the chunk, then an index and a trailer that are always the same.
_HEADER = (
    bytes.fromhex("9ea862326672616d6500d200000061cf"),  # then the size of the frame
    bytes.fromhex("a412005102d3"),  # then that of the values
    bytes.fromhex("d3"),  # then that of the chunk
    bytes.fromhex("d2"),  # then that of an element
    bytes.fromhex("d200000000d2"),  # then that of the values of a chunk
    bytes.fromhex("d10001d10001c2d8060100000000000100000000000000000093cd0007de0000dc0000"),
)
_TRAILER = bytes.fromhex(
    "050107080800000008000000280000000000000000010000000000000000000000000000"
    "00000000940193cd0006de0000dc0000ce00000023d8"
).ljust(75, b"\0")
_HEADER_BYTES = 97
# What the bytes of a chunk take at most beside its values.
OVERHEAD = _HEADER_BYTES + blosc.OVERHEAD + len(_TRAILER)

_own = threading.local()
# Makes and reads chunks, for whoever has some. No thread starts before there is work.
POOL = ThreadPoolExecutor(2, thread_name_prefix="chunks")


def shape(rows: int, columns: int, itemsize: int) -> tuple[int, int]:
    """Rows and columns of the chunks of a (rows, columns) array."""
    across = -(-columns // -(-columns // (_ELEMENT_BYTES // itemsize)))
    most = min(ROWS, _CHUNK_BYTES // (across * itemsize))
    return min(rows, 1 << (most.bit_length() - 1)), across


def encode(values: np.ndarray, chunk: tuple[int, int]) -> bytes:
    """The bytes that HDF5 stores for a chunk of the given shape, of which `values`, 2-D and
    possibly smaller, is the start; zeros are the rest."""
    nbytes = values.itemsize * chunk[0] * chunk[1]
    scratch = _scratch(2 * nbytes + blosc.OVERHEAD)
    whole, out = scratch[:nbytes], scratch[nbytes:]
    rows = whole.view(values.dtype).reshape(chunk)
    rows[: values.shape[0], : values.shape[1]] = values
    rows[values.shape[0] :] = 0
    rows[:, values.shape[1] :] = 0
    element = chunk[1] * values.itemsize
    # In rows by which the shuffle filter works fastest. Stated: Blosc2's choice is its version's.
    block = max(1, _BLOCK_BYTES // element // 32) * 32 * element
    size = blosc.compress(whole, out, element=element, block=min(block, nbytes), level=_LEVEL)
    return b"".join((_header(nbytes, size, element), out[:size].data, _TRAILER))


def decode(stored: Any, out: np.ndarray) -> bool:
    """Fill `out`, a whole chunk in C order, from what `encode` made of it.

    False, and `out` as it was, if `stored` (bytes) is anything else: HDF5's filter may know it.
    Raises ValueError if it is damaged.
    """
    stored = memoryview(stored)
    end = len(stored) - len(_TRAILER)
    chunk = stored[_HEADER_BYTES:end]
    header = _header(out.nbytes, len(chunk), out.shape[-1] * out.itemsize)
    if stored[:_HEADER_BYTES] != header or stored[end:] != _TRAILER or len(chunk) < 32:
        return False
    # Blosc2 believes what a chunk says of its size.
    nbytes, _, cbytes = struct.unpack_from("<iii", chunk, 4)
    if nbytes != out.nbytes or cbytes != len(chunk):
        return False
    blosc.decompress(np.frombuffer(chunk, dtype=np.uint8), out)
    return True


def _scratch(size: int) -> np.ndarray:
    """Bytes of this thread's own: new pages take the system longer to give than to fill."""
    if getattr(_own, "bytes", np.empty(0)).size < size:
        _own.bytes = np.empty(size, dtype=np.uint8)
    found: np.ndarray = _own.bytes[:size]
    return found


def _header(nbytes: int, stored: int, element: int) -> bytes:
    sizes = (
        struct.pack(">Q", _HEADER_BYTES + stored + len(_TRAILER)),
        struct.pack(">q", nbytes),
        struct.pack(">q", stored),
        struct.pack(">i", element),
        struct.pack(">i", nbytes),
    )
    known = b"".join(part + size for part, size in zip(_HEADER, sizes, strict=False))
    return known + _HEADER[-1]
