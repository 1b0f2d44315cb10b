"""Kafka frames made by hand, for what no client would send. Only the old, fixed encodings.

A request is its body; `Connection.ask` puts header version 1 and the length before it.
"""

import socket
import struct
import time

from crc32c import crc32c

PRODUCE, FETCH, METADATA, API_VERSIONS, INIT_PRODUCER_ID = 0, 1, 3, 18, 22


class Closed(Exception):
    """The broker closed the connection."""


def string(text) -> bytes:
    if text is None:
        return struct.pack(">h", -1)
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def sized(data) -> bytes:
    if data is None:
        return struct.pack(">i", -1)
    return struct.pack(">i", len(data)) + data


def array(items) -> bytes:
    items = list(items)
    return struct.pack(">i", len(items)) + b"".join(items)


def varint(number: int) -> bytes:
    """Zigzag, as in records."""
    number = (number << 1) ^ (number >> 63)
    return uvarint(number & 0xFFFF_FFFF_FFFF_FFFF)


def uvarint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def compact(text: str) -> bytes:
    data = text.encode()
    return uvarint(len(data) + 1) + data


class Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise AssertionError(f"answer of {len(self.data)} bytes ends within a field")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, form: str) -> int:
        return struct.unpack(">" + form, self.take(struct.calcsize(form)))[0]

    def int8(self):
        return self.number("b")

    def int16(self):
        return self.number("h")

    def int32(self):
        return self.number("i")

    def int64(self):
        return self.number("q")

    def uvarint(self):
        shift = value = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def string(self):
        size = self.int16()
        return None if size < 0 else self.take(size).decode()

    def bytes(self):
        size = self.int32()
        return None if size < 0 else self.take(size)

    def array(self, item):
        return [item() for _ in range(max(self.int32(), 0))]

    def require_end(self):
        if self.at != len(self.data):
            raise AssertionError(f"{len(self.data) - self.at} bytes too many in the answer")


def header(key: int, version: int, correlation: int, client="interop") -> bytes:
    return struct.pack(">hhi", key, version, correlation) + string(client)


class Connection:
    """One socket. Requests get correlation ids 1, 2, 3 …; `answer` checks them in that order."""

    def __init__(self, address: str, seconds: float = 15):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=seconds)
        self.asked = self.answered = 0

    def frame(self, key, version, body=b"", client="interop") -> bytes:
        self.asked += 1
        return sized(header(key, version, self.asked, client) + body)

    def ask(self, key, version, body=b"") -> Reader:
        self.socket.sendall(self.frame(key, version, body))
        return self.answer()

    def send_raw(self, data: bytes):
        """A broker that has closed already may reset the connection while we write."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _receive(self, count: int) -> bytes:
        parts = []
        while count:
            try:
                part = self.socket.recv(min(count, 1 << 20))
            except ConnectionResetError:
                part = b""
            if not part:
                raise Closed()
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def answer(self) -> Reader:
        size = struct.unpack(">i", self._receive(4))[0]
        reader = Reader(self._receive(size))
        self.answered += 1
        correlation = reader.int32()
        if correlation != self.answered:
            raise AssertionError(f"answer to {correlation}, expected one to {self.answered}")
        return reader

    def require_closed(self):
        """The broker must close, and must not answer first."""
        try:
            reader = self.answer()
        except Closed:
            return
        except TimeoutError:
            raise AssertionError("neither closed nor answered") from None
        raise AssertionError(f"expected a closed connection, found an answer {reader.data[:40]!r}")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()


def record(index: int, key, value, timestamp_delta=0) -> bytes:
    def field(data):
        return varint(-1) if data is None else varint(len(data)) + data

    body = b"\0" + varint(timestamp_delta) + varint(index) + field(key) + field(value) + varint(0)
    return varint(len(body)) + body


def batch(values, *, attributes=0, timestamp=None, producer=(-1, -1, -1), **lies):
    """A version 2 batch of `values`. `lies` replace fields: crc, length, count, last_delta, magic.

    `body` replaces the records themselves, for bodies that are compressed or damaged.
    """
    body = lies.get("body", b"".join(record(i, None, v) for i, v in enumerate(values)))
    timestamp = int(time.time() * 1000) if timestamp is None else timestamp
    after_crc = struct.pack(
        ">hiqqqhii",
        attributes,
        lies.get("last_delta", len(values) - 1),
        timestamp,
        timestamp,
        *producer,
        lies.get("count", len(values)),
    )
    after_crc += body
    crc = lies.get("crc", crc32c(after_crc))
    length = lies.get("length", 4 + 1 + 4 + len(after_crc))
    return struct.pack(">qiibI", 0, length, -1, lies.get("magic", 2), crc) + after_crc


def produce_body(topic, partition, records, acks=-1) -> bytes:
    """Produce version 3."""
    data = array([struct.pack(">i", partition) + sized(records)])
    return string(None) + struct.pack(">hi", acks, 10_000) + array([string(topic) + data])


def new_producer(connection: Connection) -> tuple:
    """(producer id, epoch), through InitProducerId 0."""
    reader = connection.ask(INIT_PRODUCER_ID, 0, string(None) + struct.pack(">i", 60_000))
    reader.int32()
    error, producer, epoch = reader.int16(), reader.int64(), reader.int16()
    if error:
        raise AssertionError(f"InitProducerId: error {error}")
    return producer, epoch


def read_produced(reader: Reader) -> tuple:
    """(error, base offset) of the only partition of a Produce version 3 answer."""
    found = []

    def partition():
        found.append((reader.int32(), reader.int16(), reader.int64(), reader.int64()))

    reader.array(lambda: (reader.string(), reader.array(partition)))
    reader.int32()
    reader.require_end()
    return found[0][1], found[0][2]


def fetch_body(partitions, *, wait=0, least=1, most=50 << 20, session=0, epoch=-1, forget=()):
    """Fetch version 11. `partitions` holds (topic, partition, offset, its most bytes)."""
    topics = [
        string(topic) + array([struct.pack(">iiqqi", number, -1, offset, -1, its_most)])
        for topic, number, offset, its_most in partitions
    ]
    forgotten = [string(topic) + array([struct.pack(">i", number)]) for topic, number in forget]
    head = struct.pack(">iiiibii", -1, wait, least, most, 0, session, epoch)
    return head + array(topics) + array(forgotten) + string("")


class Fetched:
    """A Fetch version 11 answer; `partitions` maps (topic, partition) to a `Part`."""

    class Part:
        def __init__(self, reader):
            self.number = reader.int32()
            self.error = reader.int16()
            self.high_watermark = reader.int64()
            self.last_stable = reader.int64()
            self.log_start = reader.int64()
            reader.array(lambda: (reader.int64(), reader.int64()))
            reader.int32()
            self.records = reader.bytes() or b""

    def __init__(self, reader: Reader):
        reader.int32()
        self.error, self.session = reader.int16(), reader.int32()
        self.partitions = {}

        def topic():
            name = reader.string()
            for part in reader.array(lambda: Fetched.Part(reader)):
                self.partitions[(name, part.number)] = part

        reader.array(topic)
        reader.require_end()

    def only(self) -> "Fetched.Part":
        if len(self.partitions) != 1:
            raise AssertionError(f"expected one partition, found {sorted(self.partitions)}")
        return next(iter(self.partitions.values()))


def first_records(address: str, topic) -> bytes:
    """The batches at the start of partition 0, a megabyte at most."""
    with Connection(address) as connection:
        part = Fetched(connection.ask(FETCH, 11, fetch_body([(topic, 0, 0, 1 << 20)]))).only()
    if part.error or not part.records:
        raise AssertionError(f"fetch: error {part.error}, {len(part.records)} bytes")
    return part.records


#: The number of each codec in a batch's attributes.
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def codec_of(records: bytes) -> int:
    """The codec's number in the attributes of the first batch."""
    return struct.unpack(">h", records[21:23])[0] & 7


def codecs_of(records: bytes) -> set:
    """The codecs' numbers of all batches; the last one may be cut."""
    found, at = set(), 0
    while at + 61 <= len(records):
        found.add(codec_of(records[at:]))
        at += 12 + struct.unpack(">i", records[at + 8 : at + 12])[0]
    return found


def api_versions_v0(address: str) -> dict:
    """{key: (lowest, highest)}; also the quickest proof that a broker serves."""
    with Connection(address) as connection:
        return read_api_versions(connection.ask(API_VERSIONS, 0), 0)


def read_api_versions(reader: Reader, version: int, expected_error=0) -> dict:
    error = reader.int16()
    if error != expected_error:
        raise AssertionError(f"ApiVersions {version}: expected error {expected_error}, got {error}")
    found = {}
    if version < 3:
        for key, low, high in reader.array(
            lambda: (reader.int16(), reader.int16(), reader.int16())
        ):
            found[key] = (low, high)
        if version > 0:
            reader.int32()
        reader.require_end()
        return found
    for _ in range(reader.uvarint() - 1):
        key, low, high = reader.int16(), reader.int16(), reader.int16()
        reader.uvarint()
        found[key] = (low, high)
    reader.int32()
    return found
