"""Columns of some rows of a table as arrays; what they cannot hold is refused, with its row."""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alpha.core.errors import InputError
from alpha.ingest.progress import HIGH_NS, LOW_NS, PER_UNIT, Line, hash_ids, shown, units_ns

_UNKNOWN = -128  # the code of a word that no table has


class Cells:
    """Rows of a table; `line` says where they are. All methods raise InputError."""

    def __init__(self, rows: pa.Table, line: Line) -> None:
        self._rows = rows
        self.line = line

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, kept: np.ndarray) -> "Cells":
        """The rows where `kept`, (n,) bool, is true."""
        rows = np.flatnonzero(kept)
        return Cells(self._rows.filter(pa.array(kept)), lambda row: self.line(int(rows[row])))

    def floats(self, name: str) -> np.ndarray:
        """(n,) float64, NaN where a cell is empty."""
        return self._floats(name, self._column(name))

    def joined(self, name: str, separator: str) -> tuple[np.ndarray, np.ndarray]:
        """The numbers before and after a separator, as `floats`."""
        column = self._column(name)
        both = pc.split_pattern(pc.if_else(pc.equal(column, ""), None, column), separator)
        lengths = pc.list_value_length(both).fill_null(2).to_numpy()
        self.refuse(lengths != 2, name, f"be two numbers with {separator!r} between")
        before, after = (self._floats(name, pc.list_element(both, part)) for part in (0, 1))
        return before, after

    def whole(self, name: str) -> np.ndarray:
        """(n,) int64, 0 where a cell is empty."""
        return self._whole(name, self._column(name))

    def ids(self, name: str) -> np.ndarray:
        """Ids as numbers, (n,) int64, 0 where a cell is empty."""
        column = self._cast(name, self._column(name), pa.string(), "text")
        _, ends, text = column.buffers()
        ends = np.frombuffer(ends, np.int32)[column.offset :][: len(column) + 1]
        return hash_ids(np.frombuffer(text or b"", np.uint8), ends)

    def words(self, name: str) -> tuple[list[str], np.ndarray]:
        """The words of a column, and which of them each row has, (n,); "" for an empty cell."""
        column = self._column(name)
        if not pa.types.is_dictionary(column.type):
            column = self._cast(name, column, pa.string(), "text").dictionary_encode()
        words = [*column.dictionary.cast(pa.string()).to_pylist(), ""]
        return words, column.indices.fill_null(len(words) - 1).to_numpy()

    def codes(
        self, name: str, table: Mapping[str, int], used: np.ndarray | bool = True
    ) -> np.ndarray:
        """What a table says of each row's word, (n,) int8; it must have those that are used."""
        words, index = self.words(name)
        found = np.array([table.get(word, _UNKNOWN) for word in words], np.int8)[index]
        unknown = (found == _UNKNOWN) & used
        self.refuse(unknown, name, f"be one of {', '.join(filter(None, table))}")
        return found

    def times(self, name: str, unit: str | None, base_ns: int = 0) -> np.ndarray:
        """UTC in ns, (n,) int64, of 2000 to 2100; `base_ns` is what times count from."""
        column = self._column(name)
        if pa.types.is_string(column.type):
            # BitMEX has a D where ISO 8601 has a T.
            column = pc.replace_substring(column, "D", "T", max_replacements=1)
            zone = "UTC" if re.search(r"(Z|[+-]\d\d:?\d\d)$", str(column[0])) else None
            column = self._cast(name, column, pa.timestamp("ns", zone), "an ISO 8601 time")
        if pa.types.is_timestamp(column.type):
            unit, column = column.type.unit, column.cast(pa.int64())
        if unit == "s" and pa.types.is_decimal(column.type):
            # Two halves of 64 bits, of which the upper one is 0 for all times that there are.
            column = self._cast(name, column, pa.decimal128(38, 9), "a number").fill_null(0)
            halves = np.frombuffer(column.buffers()[1], np.int64).reshape(-1, 2)
            low, high = halves[column.offset :][: len(column)].T
            time_ns = np.where(high == 0, low, 0)
        elif pa.types.is_floating(column.type):
            # No float64 tells ns apart.
            value = np.nan_to_num(column.fill_null(0).to_numpy(), posinf=0)
            us = value * (PER_UNIT.get(unit or "s", 0) / 1000)
            time_ns = np.rint(np.clip(us, 0, HIGH_NS / 1000)).astype(np.int64) * 1000
        else:
            value = self._whole(name, column)
            per = PER_UNIT[unit] if unit in PER_UNIT else units_ns(value)
            time_ns = np.clip(value, 0, HIGH_NS // per) * per
        time_ns = time_ns + base_ns
        of = f" in {unit}" if unit in PER_UNIT else ""
        bad = (time_ns < LOW_NS) | (time_ns >= HIGH_NS)
        self.refuse(bad, name, f"be a time of 2000 to 2100{of}")
        return time_ns

    def refuse(self, bad: np.ndarray, name: str, must: str) -> None:
        """Raise InputError for the first row that is bad, if there is one."""
        if bad.any():
            row = int(np.argmax(bad))
            found = shown(self._rows[name][row].as_py())
            raise InputError(f"{self.line(row)}: {name} must {must}, found {found}")

    def _column(self, name: str) -> Any:
        return self._rows[name].combine_chunks()

    def _floats(self, name: str, column: Any) -> np.ndarray:
        column = self._cast(name, column, pa.float64(), "a number")
        return np.array(column.to_numpy(zero_copy_only=False))

    def _whole(self, name: str, column: Any) -> np.ndarray:
        return np.array(self._cast(name, column, pa.int64(), "a whole number").fill_null(0))

    def _cast(self, name: str, column: Any, kind: pa.DataType, what: str) -> Any:
        try:
            return column.cast(kind, safe=False)
        except pa.ArrowException:
            bad = np.array([not _casts(cell, kind) for cell in column])
            self.refuse(bad, name, f"be {what}")
            raise


def scaled(values: np.ndarray, multiplier: float) -> np.ndarray:
    """Divided where that is exact: 2239500 × 0.0001 is not 223.95."""
    if multiplier == 1:
        return values
    whole = round(1 / multiplier)
    exact = multiplier < 1 and math.isclose(whole * multiplier, 1, rel_tol=1e-12)
    return values / whole if exact else values * multiplier


def _casts(cell: Any, kind: pa.DataType) -> bool:
    try:
        cell.cast(kind)
    except pa.ArrowException:
        return False
    return True
