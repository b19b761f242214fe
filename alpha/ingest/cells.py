"""Columns of some rows of a table as arrays; what they cannot hold is refused, with its row."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alpha.core.errors import InputError
from alpha.ingest.progress import DIGITS, HIGH_NS, LOW_NS, hash_ids, ns_of, shown

SECONDS = pa.decimal128(38, 9)  # to the ns, which float64 does not tell apart
_UNKNOWN = -128  # the code of a word that no table has
_NAMES = {
    pa.int64().id: "a whole number", pa.float64().id: "a number", SECONDS.id: "a number",
    pa.string().id: "text", pa.timestamp("ns").id: "an ISO 8601 time",
}  # fmt: skip


class Cells:
    """Rows of a table, with their numbers in it; `where` says in which line of which file one is.
    All methods raise InputError."""

    def __init__(
        self, rows: pa.RecordBatch, numbers: np.ndarray, where: Callable[[int], str]
    ) -> None:
        self._rows, self._numbers, self._where = rows, numbers, where

    def __len__(self) -> int:
        return len(self._numbers)

    def line(self, row: int) -> str:
        return self._where(int(self._numbers[row]))

    def filter(self, kept: np.ndarray) -> "Cells":
        """The rows where `kept`, (n,) bool, is true."""
        return Cells(self._rows.filter(pa.array(kept)), self._numbers[kept], self._where)

    def floats(self, name: str) -> np.ndarray:
        """(n,) float64, NaN where a cell is empty."""
        return _floats(self.cast(name, pa.float64()))

    def joined(self, name: str, separator: str) -> list[np.ndarray]:
        """The numbers before and after a separator, as `floats`."""
        text = self.cast(name, pa.string())
        parts = pc.extract_regex(text, f"^(?P<a>.*?)(?:{re.escape(separator)}(?P<b>.*))?$")
        both = (pc.struct_field(parts, part) for part in (0, 1))
        return [_floats(self.cast(name, pa.float64(), part)) for part in both]

    def whole(self, name: str) -> np.ndarray:
        """(n,) int64, 0 where a cell is empty."""
        return np.array(self.cast(name, pa.int64()).fill_null(0))

    def ids(self, name: str) -> np.ndarray:
        """Ids as numbers, (n,) int64, 0 where a cell is empty."""
        column = self.cast(name, pa.string())
        _, ends, text = column.buffers()
        ends = np.frombuffer(ends, np.int32)[column.offset :][: len(column) + 1]
        return hash_ids(np.frombuffer(text or b"", np.uint8), ends)

    def words(self, name: str) -> tuple[list[str], np.ndarray]:
        """The words of a column, and which of them each row has, (n,); "" for an empty cell."""
        column = self._rows[name]
        if not pa.types.is_dictionary(column.type):
            column = self.cast(name, pa.string()).dictionary_encode()
        words = [*column.dictionary.cast(pa.string()).to_pylist(), ""]
        return words, column.indices.fill_null(len(words) - 1).to_numpy()

    def codes(self, name: str, table: Mapping[str, int], used: Any = True) -> np.ndarray:
        """What a table says of each row's word in small letters, (n,) int8; it must have those of
        rows that are used, (n,) bool."""
        words, index = self.words(name)
        found = np.array([table.get(word.lower(), _UNKNOWN) for word in words], np.int8)[index]
        self.refuse((found == _UNKNOWN) & used, name, f"be one of {', '.join(filter(None, table))}")
        return found

    def times(self, name: str, unit: str | None, base_ns: int) -> np.ndarray:
        """UTC in ns, (n,) int64, of 2000 to 2100; `base_ns` is what times count from."""
        column = self._rows[name]
        if pa.types.is_string(column.type):
            # BitMEX has a D where ISO 8601 has a T.
            column = pc.replace_substring(column, "D", "T", max_replacements=1)
            zone = "UTC" if re.search(r"(Z|[+-]\d\d:?\d\d)$", str(column[0])) else None
            column = self.cast(name, pa.timestamp("ns", zone), column)
        if pa.types.is_timestamp(column.type):
            unit, column = column.type.unit, column.cast(pa.int64())
        elif pa.types.is_floating(column.type):
            # No float64 tells ns apart.
            finite = pc.if_else(pc.is_finite(column), column, None)
            digits = max(DIGITS[unit or "s"] - 3, 0)
            column, unit = self.cast(name, pa.decimal128(38, digits), finite), unit or "s"
        if pa.types.is_decimal(column.type) and unit in DIGITS:
            # As whole ns: two halves of 64 bits, of which the upper one is 0 for all times.
            column = self.cast(name, pa.decimal128(38, DIGITS[unit]), column).fill_null(0)
            halves = np.frombuffer(column.buffers()[1], np.int64).reshape(-1, 2)
            low, high = halves[column.offset :][: len(column)].T
            time_ns = np.where(high == 0, low, 0)
        else:
            value = np.array(self.cast(name, pa.int64(), column).fill_null(0))
            per = 10 ** DIGITS[unit] if unit in DIGITS else ns_of(int(value[0]))
            time_ns = np.clip(value, 0, HIGH_NS // per) * per
        time_ns = time_ns + base_ns
        of = f" in {unit}" if unit in DIGITS else ""
        bad = (time_ns < LOW_NS) | (time_ns >= HIGH_NS)
        self.refuse(bad, name, f"be a time of 2000 to 2100{of}")
        return time_ns

    def refuse(self, bad: np.ndarray, name: str, must: str) -> None:
        """Raise InputError for the first row that is bad, if there is one."""
        if bad.any():
            row = int(np.argmax(bad))
            found = shown(self._rows[name][row].as_py())
            raise InputError(f"{self.line(row)}: {name} must {must}, found {found}")

    def cast(self, name: str, kind: pa.DataType, column: Any = None) -> Any:
        """A column, or what was made of it, as another type."""
        column = self._rows[name] if column is None else column
        try:
            return column.cast(kind, safe=False)
        except pa.ArrowException:
            bad = np.array([not _casts(cell, kind) for cell in column])
            self.refuse(bad, name, f"be {_NAMES[kind.id]}")
            raise


def scaled(values: np.ndarray, multiplier: float) -> np.ndarray:
    """Divided where that is exact: 2239500 × 0.0001 is not 223.95."""
    if multiplier == 1:
        return values
    whole = round(1 / multiplier)
    exact = multiplier < 1 and math.isclose(whole * multiplier, 1, rel_tol=1e-12)
    return values / whole if exact else values * multiplier


def _floats(column: Any) -> np.ndarray:
    return np.array(column.to_numpy(zero_copy_only=False))


def _casts(cell: Any, kind: pa.DataType) -> bool:
    try:
        cell.cast(kind)
    except pa.ArrowException:
        return False
    return True
