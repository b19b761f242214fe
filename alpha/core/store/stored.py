"""The bytes of columns as a file stores them: before any filter or library has touched them.

They say whether a file's columns are the same as before, however reading may have changed, and
without the rest of the file.
"""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import h5py

from alpha.core.store.layout import Column
from alpha.core.store.logical import Hash
from alpha.core.store.read import FrameReader, reading

_PART_BYTES = 1 << 20


def digest(frame: FrameReader, names: Sequence[str | None]) -> str:
    """SHA-256 of the stored bytes, types and shapes of these columns; None is the index.

    Columns of one block share its bytes. Raises InputError if the file is damaged.
    """
    said = Hash()
    datasets: dict[str, Any] = {}
    for name in names:
        column: Column = frame.source(name)
        said.text(str(column.field), str(column.position), str(column.unit))
        datasets[column.dataset.name] = column.dataset
    with reading(frame.path), frame.path.open("rb") as file:
        for name, dataset in datasets.items():
            said.text(name, str(dataset.dtype), str(dataset.shape), str(dataset.chunks))
            said.text(str(dataset.fillvalue))
            for at, offset, size in _places(dataset):
                said.text(str(at), str(size))
                for part in _read(file, offset, size):
                    said.data(part)
            if dataset.id.get_create_plist().get_layout() == h5py.h5d.COMPACT:
                said.values(dataset[()])
    return said.hex()


def _places(dataset: Any) -> list[tuple[Any, int, int]]:
    """Chunk by chunk, in their order, where in the dataset and in the file it is, and its bytes."""
    if dataset.chunks is None:
        offset = dataset.id.get_offset()
        return [] if offset is None else [(None, offset, dataset.id.get_storage_size())]
    found: list[Any] = []
    dataset.id.chunk_iter(found.append)
    ordered = sorted(found, key=lambda chunk: chunk.chunk_offset)
    return [(chunk.chunk_offset, chunk.byte_offset, chunk.size) for chunk in ordered]


def _read(file: BinaryIO, offset: int, size: int) -> Iterator[bytes]:
    file.seek(offset)
    while size > 0 and (part := file.read(min(size, _PART_BYTES))):
        yield part
        size -= len(part)
