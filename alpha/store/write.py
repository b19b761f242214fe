"""Write a frame as pandas' fixed format lays it out, with bytes that depend on content alone.

pandas' own writer stamps node times and pickles attributes, so its bytes differ each time;
this one writes the same layout through PyTables without either. `pandas.read_hdf(path, "df")`
opens the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tables

KEY = "df"
_CHUNK_BYTES = 1 << 19
_FILTERS = tables.Filters(complevel=1, complib="blosc:lz4", shuffle=True)


@dataclass(frozen=True)
class Block:
    """Columns of one dtype: `values` is (rows, len(names)), numeric or bool."""

    names: tuple[str, ...]
    values: np.ndarray

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise ValueError(
                f"a block of {len(self.names)} names needs values of shape (rows, "
                f"{len(self.names)}), found {self.values.shape}"
            )


def write_frame(path: Path, time_ns: np.ndarray, blocks: Sequence[Block], *, aware: bool) -> None:
    """Write `time_ns` (rows,) int64 UTC nanoseconds as the index and `blocks` as the columns.

    `aware` says whether pandas reads the index as UTC or as naive. Column order is that of
    the blocks. The file is written in place: callers write to a scratch path and rename.
    """
    rows = len(time_ns)
    if any(len(block.values) != rows for block in blocks):
        raise ValueError("all blocks must have as many rows as the index")
    with tables.open_file(str(path), "w", filters=_FILTERS) as file:
        group = file.create_group("/", KEY)
        names = tuple(name for block in blocks for name in block.names)
        attributes: dict[str, Any] = {
            "pandas_type": "frame",
            "pandas_version": "0.15.2",
            "encoding": "UTF-8",
            "errors": "strict",
            "ndim": 2,
            "axis0_variety": "regular",
            "axis1_variety": "regular",
            "nblocks": len(blocks),
        }
        _names(file, group, "axis0", names)
        index = {"kind": "datetime64[ns]", "index_class": "datetime"}
        if aware:
            index["tz"] = "UTC"
        _array(file, group, "axis1", np.ascontiguousarray(time_ns, dtype=np.int64), index)
        for number, block in enumerate(blocks):
            attributes[f"block{number}_items_variety"] = "regular"
            _names(file, group, f"block{number}_items", block.names)
            _array(
                file,
                group,
                f"block{number}_values",
                np.ascontiguousarray(block.values),
                {},
            )
        for name, value in attributes.items():
            setattr(group._v_attrs, name, value)


def _names(file: Any, group: Any, name: str, values: Sequence[str]) -> None:
    encoded = np.array([value.encode("utf-8") for value in values], dtype=np.bytes_)
    _array(file, group, name, encoded, {"kind": "string", "nan_rep": "nan"})


def _array(file: Any, group: Any, name: str, values: np.ndarray, attributes: dict) -> None:
    node: Any
    if values.nbytes > 4096:
        row_bytes = max(1, values.nbytes // len(values))
        chunk = (max(1, min(len(values), _CHUNK_BYTES // row_bytes)), *values.shape[1:])
        node = file.create_carray(group, name, obj=values, chunkshape=chunk, track_times=False)
    else:
        node = file.create_array(group, name, obj=values, track_times=False)
    # pandas stores blocks with rows first and marks them so.
    node._v_attrs.transposed = True
    for key, value in attributes.items():
        setattr(node._v_attrs, key, value)
