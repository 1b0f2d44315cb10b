"""What is sent and what comes back, in a form that all clients share."""

from typing import NamedTuple, Optional


class Record(NamedTuple):
    """One record as a producer gives it. Timestamps are milliseconds since 1970."""

    key: Optional[bytes]
    value: Optional[bytes]
    headers: tuple = ()  # of (str, bytes or None), in order
    timestamp: Optional[int] = None


class Consumed(NamedTuple):
    """One record as a consumer sees it."""

    offset: int
    key: Optional[bytes]
    value: Optional[bytes]
    headers: tuple
    timestamp: int

    @property
    def record(self) -> Record:
        return Record(self.key, self.value, self.headers, self.timestamp)


def shorten(data, limit=60) -> str:
    """A value for an error message: whole when small, else its beginning and its length."""
    if data is None or not isinstance(data, (bytes, str)) or len(data) <= limit:
        return repr(data)
    return f"{data[:limit]!r}... ({len(data)} long)"


def first_difference(expected: Record, found: Record) -> str:
    for name, ours, theirs in zip(Record._fields, expected, found):
        if ours != theirs:
            return f"{name}: expected {shorten(ours)}, found {shorten(theirs)}"
    return "no difference"


def require_same(expected, consumed, first_offset=0):
    """`consumed` must be exactly `expected`, at consecutive offsets from `first_offset`."""
    for index, (want, got) in enumerate(zip(expected, consumed)):
        if got.offset != first_offset + index:
            raise AssertionError(
                f"record {index}: expected offset {first_offset + index}, found {got.offset}"
            )
        if want != got.record:
            raise AssertionError(f"offset {got.offset}: {first_difference(want, got.record)}")
    if len(expected) != len(consumed):
        raise AssertionError(f"expected {len(expected)} records, found {len(consumed)}")
