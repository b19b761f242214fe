"""HDF5: the only place that reads feature files and reads or writes artifacts.

Files from outside are untrusted: no pickle is loaded, no link out of the file is followed,
and nothing larger than the stated limit is read into memory.
"""

from alpha.core.store import stored
from alpha.core.store.logical import NODES, record
from alpha.core.store.read import FrameReader, open_frame
from alpha.core.store.write import Block, FrameWriter, open_writer, write_frame

__all__ = [
    "NODES",
    "Block",
    "FrameReader",
    "FrameWriter",
    "open_frame",
    "open_writer",
    "record",
    "stored",
    "write_frame",
]
