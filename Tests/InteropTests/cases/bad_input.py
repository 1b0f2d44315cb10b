"""Bytes that no client would send. The broker answers or closes, and serves everyone else."""

import random
import socket
import struct
import zlib

import wire
from clients.confluent import Confluent
from harness import Context, case
from record import Record

from cases.topics import create

CORRUPT, INVALID_RECORD, UNSUPPORTED_FORMAT = 2, 87, 43
#: How much memory a lying length may cost. The frames below declare up to two gigabytes.
MEMORY_SLACK = 64 << 20


def require_serving(context: Context):
    context.broker.require_alive()
    wire.api_versions_v0(context.address)


def closes(context: Context, data: bytes, what: str):
    with wire.Connection(context.address) as connection:
        connection.send_raw(data)
        try:
            connection.require_closed()
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from None
    require_serving(context)


def resident(context: Context):
    return None if context.outside else context.broker.resident_bytes()


def require_modest(context: Context, before):
    if before is not None and context.broker.resident_bytes() > before + MEMORY_SLACK:
        grown = context.broker.resident_bytes() - before
        raise AssertionError(f"memory grew by {grown >> 20} MiB")


@case("garbage closes the connection")
def garbage(context: Context):
    # A TLS greeting and a web request are what a broker meets in practice.
    closes(context, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xa5" * 600, "TLS")
    closes(context, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP")
    source = random.Random(7)
    for number in range(50):
        size = source.randrange(12, 400)
        body = bytearray(source.randbytes(size))
        body[0:2] = struct.pack(">h", source.choice([-1, 999, 12_345]))
        closes(context, wire.sized(bytes(body)), f"random frame {number}")


@case("a frame that is too long is refused before it is read")
def oversize(context: Context):
    before = resident(context)
    for size in (0x7FFFFFFF, 500 << 20, -1, -(1 << 31)):
        closes(context, struct.pack(">i", size) + b"x" * 100, f"frame length {size}")
    require_modest(context, before)


@case("frames too short for a header close the connection")
def undersize(context: Context):
    for size in range(8):
        closes(context, wire.sized(b"\0\x12\0\0\0\0\0\1"[:size]), f"{size} bytes")


@case("connections that end within a frame hurt nobody")
def truncated(context: Context):
    frame = wire.sized(wire.header(wire.METADATA, 1, 1) + struct.pack(">i", -1))
    for cut in range(len(frame)):
        with wire.Connection(context.address) as connection:
            connection.send_raw(frame[:cut])
            connection.socket.shutdown(socket.SHUT_WR)
    require_serving(context)


@case("200 connections that promise much and send little cost little")
def idle_promises(context: Context):
    before = resident(context)
    waiting = []
    try:
        for _ in range(200):
            connection = wire.Connection(context.address)
            connection.send_raw(struct.pack(">i", 50 << 20) + wire.header(wire.PRODUCE, 3, 1))
            waiting.append(connection)
        require_serving(context)
        require_modest(context, before)
    finally:
        for connection in waiting:
            connection.socket.close()
    require_serving(context)


@case("unknown API keys and versions close the connection")
def unknown_api(context: Context):
    for key, version in ((9999, 0), (-1, 0), (wire.PRODUCE, 99), (wire.METADATA, -1), (60, 90)):
        with wire.Connection(context.address) as connection:
            connection.send_raw(connection.frame(key, version, b"\0" * 8))
            try:
                connection.require_closed()
            except AssertionError as error:
                raise AssertionError(f"key {key} version {version}: {error}") from None
    require_serving(context)


@case("lengths that lie within a request close the connection")
def lying_lengths(context: Context):
    before = resident(context)
    huge = struct.pack(">i", 0x7FFFFFFF)
    bodies = {
        "an array of two billion topics": (wire.METADATA, 1, huge),
        "a topic name longer than the frame": (
            wire.METADATA,
            1,
            struct.pack(">ih", 1, 0x7FFF) + b"abc",
        ),
        "records longer than the frame": (
            wire.PRODUCE,
            3,
            wire.string(None)
            + struct.pack(">hii", -1, 1000, 1)
            + wire.string("t")
            + struct.pack(">ii", 1, 0)
            + huge,
        ),
        "a compact array without an end": (wire.API_VERSIONS, 3, b"\0\xff\xff\xff\xff\xff\xff"),
    }
    for what, (key, version, body) in bodies.items():
        with wire.Connection(context.address) as connection:
            connection.send_raw(connection.frame(key, version, body))
            try:
                connection.require_closed()
            except AssertionError as error:
                raise AssertionError(f"{what}: {error}") from None
    require_serving(context)
    require_modest(context, before)


@case("trailing bytes after a request: answered or closed, never stuck")
def trailing(context: Context):
    with wire.Connection(context.address) as connection:
        connection.send_raw(
            connection.frame(wire.METADATA, 1, struct.pack(">i", 0) + b"trailing bytes")
        )
        try:
            connection.answer()
        except wire.Closed:
            pass
    require_serving(context)


@case("damaged batches are refused one by one, with Kafka's error codes")
def damaged_batches(context: Context):
    topic = context.topic("damaged")
    Confluent().produce(context.address, topic, 0, [Record(None, b"good")])
    good = wire.batch([b"one", b"two"])
    flipped = bytearray(good)
    flipped[-2] ^= 0x10
    refusals = (CORRUPT, INVALID_RECORD)
    cases = {
        "a wrong CRC": (wire.batch([b"x"], crc=1), (CORRUPT,)),
        "a flipped bit": (bytes(flipped), (CORRUPT,)),
        "a length beyond the data": (wire.batch([b"x"], length=5000), refusals),
        "a length below the least": (wire.batch([b"x"], length=3), refusals),
        "a negative length": (wire.batch([b"x"], length=-1), refusals),
        "a huge length": (wire.batch([b"x"], length=0x7FFFFFFF), refusals),
        "a cut batch": (good[:-3], refusals),
        "a cut header": (good[:40], refusals),
        "a count that differs from the last delta": (wire.batch([b"x"], last_delta=5), refusals),
        "a negative count": (wire.batch([b"x"], count=-1, last_delta=-2), refusals),
        "no records": (wire.batch([]), refusals),
        "message format 1": (
            wire.batch([b"x"], magic=1),
            refusals + (UNSUPPORTED_FORMAT,),
        ),
        "message format 9": (wire.batch([b"x"], magic=9), refusals + (UNSUPPORTED_FORMAT,)),
        "an unknown codec": (wire.batch([b"x"], attributes=7), refusals + (76,)),
        "a control batch from a client": (wire.batch([b"x"], attributes=0x20), refusals),
    }
    with wire.Connection(context.address) as connection:
        for what, (records, expected) in cases.items():
            body = wire.produce_body(topic, 0, records)
            try:
                error, _ = wire.read_produced(connection.ask(wire.PRODUCE, 3, body))
            except wire.Closed:
                raise AssertionError(f"{what}: closed, expected error {expected}") from None
            if error not in expected:
                raise AssertionError(f"{what}: error {error}, expected one of {expected}")
        body = wire.produce_body(topic, 0, good)
        result = wire.read_produced(connection.ask(wire.PRODUCE, 3, body))
        if result != (0, 1):
            raise AssertionError(f"a good batch afterwards: error, offset {result}")
    found = [r.value for r in Confluent().consume(context.address, topic, 0)]
    if found != [b"good", b"one", b"two"]:
        raise AssertionError(f"the partition holds {found}")


@case("a compressed body that expands without measure is refused")
def bomb(context: Context):
    # A topic that must open batches: it compresses again.
    topic = create(context, "bomb", compression_type="lz4")
    before = resident(context)
    squeezer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"".join(squeezer.compress(b"\0" * (1 << 20)) for _ in range(512)) + squeezer.flush()
    attacks = {"512 MiB of zeros": zeros, "not gzip at all": b"this is not gzip" * 10}
    with wire.Connection(context.address, seconds=60) as connection:
        for what, data in attacks.items():
            batch = wire.batch([b"x"], attributes=1, body=data)
            body = wire.produce_body(topic, 0, batch)
            try:
                error, _ = wire.read_produced(connection.ask(wire.PRODUCE, 3, body))
            except wire.Closed:
                raise AssertionError(f"{what}: closed, expected an error code") from None
            if error not in (CORRUPT, INVALID_RECORD, 10):
                raise AssertionError(f"{what}: error {error}")
    require_modest(context, before)
    require_serving(context)


@case("a request that arrives byte by byte is answered")
def byte_by_byte(context: Context):
    with wire.Connection(context.address) as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in connection.frame(wire.API_VERSIONS, 0):
            connection.socket.sendall(bytes([byte]))
        wire.read_api_versions(connection.answer(), 0)


@case("pipelined requests are answered in order")
def pipelined(context: Context):
    topic, quiet = context.topic("pipeline"), context.topic("quiet")
    for name in (topic, quiet):
        Confluent().produce(context.address, name, 0, [Record(None, b"0")])
    with wire.Connection(context.address, seconds=40) as connection:
        frames = []
        for number in range(1, 201):
            # A fetch that waits stands between requests that need not.
            if number == 50:
                body = wire.fetch_body([(quiet, 0, 1, 1000)], wait=300)
                frames.append(connection.frame(wire.FETCH, 11, body))
            body = wire.produce_body(topic, 0, wire.batch([b"%d" % number]))
            frames.append(connection.frame(wire.PRODUCE, 3, body))
        connection.socket.sendall(b"".join(frames))
        offset = 0
        for index in range(len(frames)):
            reader = connection.answer()
            if index == 49:
                wire.Fetched(reader).only()
                continue
            offset += 1
            if wire.read_produced(reader) != (0, offset):
                raise AssertionError(f"answer {index} is not that of the produce of {offset}")


@case("many connections come and go")
def churn(context: Context):
    for _ in range(5):
        opened = [wire.Connection(context.address) for _ in range(200)]
        for connection in opened:
            connection.send_raw(connection.frame(wire.API_VERSIONS, 0))
        for connection in opened:
            wire.read_api_versions(connection.answer(), 0)
            connection.socket.close()
    require_serving(context)
