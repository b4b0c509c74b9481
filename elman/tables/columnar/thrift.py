"""Thrift: values of the compact protocol, in which Parquet describes its row groups and pages.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from typing import Any

INT32, INT64, LIST, STRUCT = 5, 6, 9, 12
"""The types of fields that Parquet's limits depend on."""

DEPTH = 32
"""Most structs and lists inside each other; Parquet needs fewer."""

Struct = dict[tuple[int, int], Any]
"""The fields of a struct by their number and type, as a reader ignores a field of another type than it expects."""


class ThriftReader:
    """Reads structs without a description of their fields.

    Args:
        content: the bytes.
        place: where the next struct begins.
    """

    def __init__(self, content: bytes, place: int = 0) -> None:
        self._content, self.place = content, place

    def read_struct(self, *, with_lists: bool = False, depth: int = DEPTH) -> Struct:
        """Return the numbers and structs inside the next struct.

        Args:
            with_lists: return its lists of structs too, as pairs of the place and the fields of each.
            depth: how deep the structs inside may be.

        Raises:
            IndexError: the bytes end before the struct does.
            ValueError: the bytes are no struct.
        """
        fields, number = Struct(), 0
        while head := self._read_byte():
            kind = head & 15
            number = number + (head >> 4) if head >> 4 else self._read_integer()
            value = self._read_list(depth) if with_lists and kind == LIST else self._read_value(kind, depth)
            if value is not None:
                fields[number, kind] = value
        return fields

    def _read_list(self, depth: int) -> list[tuple[int, Struct]] | None:
        """Return the structs of a list with their places; None if it has other elements."""
        head = self._read_byte()
        count = head >> 4 if head >> 4 < 15 else self._read_unsigned()
        if head & 15 != STRUCT:
            for _ in range(count):
                self._read_element(head & 15, depth)
            return None
        return [(self.place, self.read_struct(depth=depth - 1)) for _ in range(count)]

    def _read_value(self, kind: int, depth: int) -> Any:
        """Return a number or a struct; None for a value that has only been skipped."""
        if depth <= 0:
            raise ValueError("nested too deeply")
        if kind in (INT32, INT64):
            return self._read_integer()
        if kind == STRUCT:
            return self.read_struct(depth=depth - 1)
        if kind in (3, 4):  # a byte, or a short number
            self._read_byte() if kind == 3 else self._read_integer()
        elif kind in (7, 8):  # a double, or bytes with their length
            self._skip(8 if kind == 7 else self._read_unsigned())
        elif kind in (LIST, 10):  # 10 is a set
            head = self._read_byte()
            for _ in range(head >> 4 if head >> 4 < 15 else self._read_unsigned()):
                self._read_element(head & 15, depth - 1)
        elif kind not in (1, 2):  # a boolean is in its type
            raise ValueError("an unknown type")
        return None

    def _read_element(self, kind: int, depth: int) -> None:
        self._read_value(3 if kind in (1, 2) else kind, depth)  # a boolean in a list is a byte

    def _read_byte(self) -> int:
        self.place += 1
        return self._content[self.place - 1]

    def _skip(self, size: int) -> None:
        self.place += size
        if self.place > len(self._content):
            raise IndexError("the bytes end")

    def _read_unsigned(self) -> int:
        value, shift = 0, 0
        while (byte := self._read_byte()) & 128:
            value, shift = value | (byte & 127) << shift, shift + 7
            if shift > 63:
                raise ValueError("a number is too long")
        return value | byte << shift

    def _read_integer(self) -> int:
        value = self._read_unsigned()
        return value >> 1 ^ -(value & 1)
