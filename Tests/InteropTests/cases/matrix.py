"""Text through each codec of each client, read back by every client, byte for byte.

Halfway through each share of the text the broker is killed and started again, so that what was
acknowledged before is read from a recovered log.
"""

import time

import corpus
import wire
from clients import ALL_CODECS, all_clients
from harness import Context, case
from record import Record, require_same

FULL_BYTES = 5_300_000
SHORT_BYTES = 260_000


def with_timestamps(expected, consumed, earliest, latest):
    """Fills in the timestamps that a producer chose itself, after a look whether they can be."""
    filled = []
    for want, got in zip(expected, consumed):
        if want.timestamp is None:
            if not earliest <= got.timestamp <= latest:
                raise AssertionError(f"offset {got.offset}: timestamp {got.timestamp} is not now")
            want = want._replace(timestamp=got.timestamp)
        filled.append(want)
    return filled + list(expected[len(consumed) :])


def read_by_all(address, topic, expected, earliest, latest):
    for consumer in all_clients():
        consumed = consumer.consume(address, topic, 0)
        try:
            expected = with_timestamps(expected, consumed, earliest, latest)
            require_same(expected, consumed)
        except AssertionError as error:
            raise AssertionError(f"read by {consumer.name}: {error}") from None


def share_through(context: Context, producer, codec, number, of):
    size = SHORT_BYTES if context.short else FULL_BYTES
    records = producer.sendable(corpus.share(number, of, size))
    context.text_bytes += corpus.size_of(records)
    topic = context.topic(f"text-{producer.name}-{codec}")
    half = len(records) // 2
    earliest = int(time.time() * 1000) - 1000

    producer.produce(context.address, topic, 0, records[:half], codec)
    if not context.outside:
        context.broker.restart_after_kill()
    producer.produce(context.address, topic, 0, records[half:], codec)

    latest = int(time.time() * 1000) + 1000
    read_by_all(context.address, topic, records, earliest, latest)
    # A client that thinks the broker lacks a codec sends uncompressed batches, without a word.
    stored = wire.codecs_of(wire.first_records(context.address, topic))
    if wire.CODECS[codec] not in stored:
        raise AssertionError(f"all is well but the codec: stored with {stored}, not with {codec}")


def add_matrix():
    pairs = [(p, codec) for p in all_clients() for codec in ALL_CODECS if codec in p.codecs]
    for number, (producer, codec) in enumerate(pairs):

        def body(context, producer=producer, codec=codec, number=number):
            share_through(context, producer, codec, number, len(pairs))

        case(f"text from {producer.name} with {codec} to every client", seconds=400)(body)


add_matrix()


@case("every client and codec in turn in one partition")
def mixed(context: Context):
    topic = context.topic("mixed")
    expected = []
    earliest = int(time.time() * 1000) - 1000
    texts = corpus.share(11, 20, 200_000)
    for producer in all_clients():
        for codec in producer.codecs:
            piece = producer.sendable(texts[len(expected) % 300 :][:40])
            producer.produce(context.address, topic, 0, piece, codec)
            expected += piece
    read_by_all(context.address, topic, expected, earliest, int(time.time() * 1000) + 1000)


@case("arbitrary bytes in keys, values and headers")
def arbitrary(context: Context):
    every_byte = bytes(range(256))
    records = [
        Record(every_byte, every_byte * 40, (("all", every_byte),), corpus.EPOCH),
        Record(b"", b"\0", (("zero", b"\0"),), corpus.EPOCH - 1),
        Record(b"\0", b"", (), corpus.EPOCH),
        Record(b"large", bytes(i * 7 % 251 for i in range(700_000)), (), corpus.EPOCH + 1),
    ]
    clients = [c for c in all_clients() if c.name != "kcat"]
    for producer in clients:
        for codec in producer.codecs:
            topic = context.topic("bytes")
            producer.produce(context.address, topic, 0, records, codec)
            for consumer in clients:
                require_same(records, consumer.consume(context.address, topic, 0))
