"""Positions, waiting, limits and sessions of a consumer."""

import asyncio
import struct
import threading
import time

import corpus
import wire
from clients import aio_kafka, kafka_python
from clients.confluent import Confluent, consumer
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, KafkaError, TopicPartition
from harness import Context, case
from record import Record

START = corpus.EPOCH
RECORDS = [Record(None, b"value %05d" % i, (), START + i * 10) for i in range(1000)]


def filled(context: Context, records=None) -> str:
    topic = context.topic("consuming")
    Confluent().produce(context.address, topic, 0, RECORDS if records is None else records)
    return topic


def expect(what, expected, found):
    if expected != found:
        raise AssertionError(f"{what}: expected {expected!r}, found {found!r}")


def next_value(client):
    for _ in range(40):
        message = client.poll(0.5)
        if message is not None and message.error() is None:
            return message.value()
        if message is not None and message.error().code() != KafkaError._PARTITION_EOF:
            raise AssertionError(str(message.error()))
    raise AssertionError("nothing arrived in 20 s")


@case("confluent-kafka seeks by offset, to both ends and by time")
def confluent_seek(context: Context):
    topic = filled(context)
    client = consumer(context.address)
    try:
        expect("watermarks", (0, 1000), client.get_watermark_offsets(TopicPartition(topic, 0)))
        client.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        expect("from the beginning", b"value 00000", next_value(client))
        client.seek(TopicPartition(topic, 0, 777))
        expect("after a seek", b"value 00777", next_value(client))
        times = [
            (START, 0),
            (START - 5000, 0),
            (START + 4995, 500),
            (START + 9990, 999),
            (START + 9991, -1),
        ]
        for moment, offset in times:
            (answer,) = client.offsets_for_times([TopicPartition(topic, 0, moment)], 10)
            expect(f"offset for START+{moment - START}", offset, answer.offset)
        client.assign([TopicPartition(topic, 0, OFFSET_END)])
        message = None
        while message is None or message.error() is None:
            if message is not None:
                raise AssertionError(f"at the end, found {message.value()!r}")
            message = client.poll(1)
        expect("at the end", KafkaError._PARTITION_EOF, message.error().code())
        Confluent().produce(context.address, topic, 0, [Record(None, b"new")])
        expect("after the end", b"new", next_value(client))
    finally:
        client.close()


@case("kafka-python seeks by offset, to both ends and by time")
def kafka_python_seek(context: Context):
    topic = filled(context)
    there = kafka_python.TopicPartition(topic, 0)
    client = kafka_python.consumer(context.address, consumer_timeout_ms=15_000)
    try:
        client.assign([there])
        expect("beginning", {there: 0}, client.beginning_offsets([there]))
        expect("end", {there: 1000}, client.end_offsets([there]))
        found = client.offsets_for_times({there: START + 4995})[there]
        expect("by time", (500, START + 5000), (found.offset, found.timestamp))
        expect("after all", None, client.offsets_for_times({there: START + 99_999_999})[there])
        client.seek(there, 321)
        expect("after a seek", b"value 00321", next(client).value)
        client.seek_to_beginning(there)
        expect("from the beginning", b"value 00000", next(client).value)
        client.seek_to_end(there)
        expect("position at the end", 1000, client.position(there))
    finally:
        client.close()


@case("aiokafka seeks by offset, to both ends and by time")
def aiokafka_seek(context: Context):
    topic = filled(context)
    there = aio_kafka.TopicPartition(topic, 0)

    async def work():
        client = aio_kafka.consumer(context.address)
        await client.start()
        try:
            client.assign([there])
            expect("beginning", {there: 0}, await client.beginning_offsets([there]))
            expect("end", {there: 1000}, await client.end_offsets([there]))
            found = (await client.offsets_for_times({there: START + 4995}))[there]
            expect("by time", (500, START + 5000), (found.offset, found.timestamp))
            client.seek(there, 321)
            one = await asyncio.wait_for(client.getone(), 15)
            expect("after a seek", b"value 00321", one.value)
            await client.seek_to_end(there)
            expect("position at the end", 1000, await client.position(there))
        finally:
            await client.stop()

    asyncio.run(work())


@case("a position outside the log is an error, or reset as the consumer wishes")
def out_of_range(context: Context):
    topic = filled(context)
    client = consumer(context.address)
    try:
        client.assign([TopicPartition(topic, 0, 5_000)])
        found = None
        for _ in range(40):
            message = client.poll(0.5)
            if message is not None and message.error() is not None:
                found = message.error().code()
                break
        expect("error", KafkaError._AUTO_OFFSET_RESET, found)
    finally:
        client.close()
    client = consumer(context.address, auto_offset_reset="earliest")
    try:
        client.assign([TopicPartition(topic, 0, 5_000)])
        expect("reset to earliest", b"value 00000", next_value(client))
    finally:
        client.close()


def created(context: Context) -> str:
    """A topic with one record, so that it exists for raw requests."""
    return filled(context, [Record(None, b"first")])


def fetch(connection, *arguments, **settings) -> wire.Fetched:
    body = wire.fetch_body(*arguments, **settings)
    return wire.Fetched(connection.ask(wire.FETCH, 11, body))


@case("a fetch at the end waits for its time when nothing comes")
def waits(context: Context):
    topic = created(context)
    with wire.Connection(context.address) as connection:
        began = time.monotonic()
        part = fetch(connection, [(topic, 0, 1, 1 << 20)], wait=700).only()
        took = time.monotonic() - began
    expect("error, end, records", (0, 1, b""), (part.error, part.high_watermark, part.records))
    if not 0.6 <= took <= 5:
        raise AssertionError(f"a wait of 700 ms took {took * 1000:.0f} ms")


@case("a waiting fetch answers when a record arrives")
def woken(context: Context):
    topic = created(context)
    produced = []

    def later():
        with wire.Connection(context.address) as other:
            body = wire.produce_body(topic, 0, wire.batch([b"second"]))
            produced.append(wire.read_produced(other.ask(wire.PRODUCE, 3, body)))

    with wire.Connection(context.address, seconds=40) as connection:
        began = time.monotonic()
        timer = threading.Timer(0.4, later)
        timer.start()
        part = fetch(connection, [(topic, 0, 1, 1 << 20)], wait=30_000).only()
        took = time.monotonic() - began
        timer.join()
    expect("produced", [(0, 1)], produced)
    expect("found", True, b"second" in part.records)
    if took > 10:
        raise AssertionError(f"answered after {took:.1f} s only")


@case("fetch.min.bytes holds a fetch back until enough is there")
def min_bytes(context: Context):
    topic = created(context)
    with wire.Connection(context.address, seconds=40) as connection:
        part = fetch(connection, [(topic, 0, 0, 1 << 20)], wait=500, least=10_000).only()
        expect("what there is, after the wait", True, b"first" in part.records)

        def later():
            with wire.Connection(context.address) as other:
                for _ in range(4):
                    body = wire.produce_body(topic, 0, wire.batch([b"." * 4000]))
                    wire.read_produced(other.ask(wire.PRODUCE, 3, body))

        timer = threading.Timer(0.2, later)
        timer.start()
        part = fetch(connection, [(topic, 0, 0, 1 << 20)], wait=30_000, least=10_000).only()
        timer.join()
    if len(part.records) < 10_000:
        raise AssertionError(f"answered early with {len(part.records)} bytes")


@case("fetch limits: at least one whole batch, and no more than asked")
def max_bytes(context: Context):
    topic = context.topic("limits")
    Confluent().produce(context.address, topic, 0, [Record(None, b"x")])
    with wire.Connection(context.address) as connection:
        for _ in range(20):
            body = wire.produce_body(topic, 0, wire.batch([b"." * 10_000]))
            wire.read_produced(connection.ask(wire.PRODUCE, 3, body))
        one = fetch(connection, [(topic, 0, 1, 1)]).only()
        size = struct.unpack(">i", one.records[8:12])[0] + 12
        if len(one.records) < size:
            raise AssertionError(f"{len(one.records)} bytes of a batch of {size}: nobody can go on")
        some = fetch(connection, [(topic, 0, 1, 35_000)]).only()
        if not 10_000 < len(some.records) <= 35_000:
            raise AssertionError(f"{len(some.records)} bytes for a partition limit of 35,000")
        some = fetch(connection, [(topic, 0, 1, 1 << 20)], most=35_000).only()
        if not 10_000 < len(some.records) <= 35_000:
            raise AssertionError(f"{len(some.records)} bytes for a request limit of 35,000")


@case("an incremental fetch session sends only what changed")
def sessions(context: Context):
    first, second = created(context), created(context)
    both = [(first, 0, 1, 1 << 20), (second, 0, 1, 1 << 20)]
    with wire.Connection(context.address) as connection:
        full = fetch(connection, both, session=0, epoch=0)
        expect("error", 0, full.error)
        expect("partitions of the full answer", {(first, 0), (second, 0)}, set(full.partitions))
        if full.session == 0:
            raise AssertionError("no session was made")
        empty = fetch(connection, [], session=full.session, epoch=1)
        expect("nothing changed", (0, {}), (empty.error, empty.partitions))

        body = wire.produce_body(second, 0, wire.batch([b"second"]))
        wire.read_produced(connection.ask(wire.PRODUCE, 3, body))
        changed = fetch(connection, [], session=full.session, epoch=2, wait=1000)
        expect("changed", {(second, 0)}, set(changed.partitions))

        # Now position 2 is asked for in one, and the other is left out of the session.
        moved = fetch(
            connection,
            [(second, 0, 2, 1 << 20)],
            session=full.session,
            epoch=3,
            forget=[(first, 0)],
        )
        records = [part.records for part in moved.partitions.values()]
        expect("after moving on", (0, b""), (moved.error, b"".join(records)))
        body = wire.produce_body(first, 0, wire.batch([b"forgotten"]))
        wire.read_produced(connection.ask(wire.PRODUCE, 3, body))
        quiet = fetch(connection, [], session=full.session, epoch=4)
        expect("a forgotten partition", {}, quiet.partitions)

        wrong = fetch(connection, [], session=full.session, epoch=9)
        expect("a wrong epoch (INVALID_FETCH_SESSION_EPOCH)", 71, wrong.error)
        unknown = fetch(connection, [], session=123_456_789, epoch=1)
        expect("an unknown session (FETCH_SESSION_ID_NOT_FOUND)", 70, unknown.error)
        closed = fetch(connection, [], session=full.session, epoch=-1)
        expect("closing a session", 0, closed.error)


@case("a long wait on one connection does not hold up another")
def no_blocking(context: Context):
    topic = created(context)
    waiting = [wire.Connection(context.address, 40) for _ in range(20)]
    try:
        for connection in waiting:
            body = wire.fetch_body([(topic, 0, 1, 1 << 20)], wait=4000)
            connection.socket.sendall(connection.frame(wire.FETCH, 11, body))
        began = time.monotonic()
        wire.api_versions_v0(context.address)
        took = time.monotonic() - began
        if took > 2:
            raise AssertionError(f"ApiVersions took {took:.1f} s beside 20 waiting fetches")
        for connection in waiting:
            expect("error", 0, wire.Fetched(connection.answer()).error)
    finally:
        for connection in waiting:
            connection.socket.close()
