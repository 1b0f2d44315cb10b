"""Negotiation: what is advertised, and clients that speak old versions."""

import struct

import corpus
import wire
from clients.confluent import Confluent, Sending, as_consumed, consumer, read_to_end
from clients.kafka_python import consumer as kp_consumer
from clients.kafka_python import producer as kp_producer
from clients.kafka_python import read_to_end as kp_read
from clients.kafka_python import require_delivered, send
from confluent_kafka import TopicPartition
from harness import Context, case
from kafka import TopicPartition as KPTopicPartition
from record import Record, require_same

FIND_COORDINATOR = 10
RECORDS = [
    Record(b"k%d" % i, b"v%d" % i, (("h", b"%d" % i),), corpus.EPOCH + i) for i in range(100)
]


@case("ApiVersions in every version lists the same")
def every_version(context: Context):
    lists = {}
    for version in range(5):
        body = b"" if version < 3 else b"\0" + wire.compact("interop") + wire.compact("1") + b"\0"
        with wire.Connection(context.address) as connection:
            reader = connection.ask(wire.API_VERSIONS, version, body)
            lists[version] = wire.read_api_versions(reader, version)
    for version, found in lists.items():
        if found != lists[0]:
            raise AssertionError(f"version {version} and version 0 differ")


@case("ApiVersions lists what librdkafka needs to see")
def needed(context: Context):
    found = wire.api_versions_v0(context.address)
    # Without Produce from 0, librdkafka before 2.8 leaves compression away without a word.
    if found[wire.PRODUCE][0] != 0:
        raise AssertionError(f"Produce is listed from {found[wire.PRODUCE][0]}, expected 0")
    # Without FindCoordinator, librdkafka holds the broker to be older than lz4.
    if FIND_COORDINATOR not in found:
        raise AssertionError("FindCoordinator is not listed: librdkafka sends no lz4")
    # The highest version is what zstd, topic ids and sessions hang on.
    least = {wire.PRODUCE: 11, wire.FETCH: 16, 2: 8, wire.METADATA: 12, wire.INIT_PRODUCER_ID: 4}
    for key, highest in least.items():
        if found[key][1] < highest:
            raise AssertionError(f"key {key} up to {found[key][1]}, expected {highest} or more")


@case("ApiVersions in an unknown version is answered in version 0 with error 35")
def unknown_version(context: Context):
    with wire.Connection(context.address) as connection:
        reader = connection.ask(wire.API_VERSIONS, 99, b"\0\1\1\0")
        found = wire.read_api_versions(reader, 0, expected_error=35)
        if wire.API_VERSIONS not in found:
            raise AssertionError("the answer does not list ApiVersions itself")
        # The connection is good for the next try, which is what clients do.
        wire.read_api_versions(connection.ask(wire.API_VERSIONS, 0), 0)


@case("Metadata 0 and 1, as kafka-python's older probing asks")
def metadata_probe(context: Context):
    with wire.Connection(context.address) as connection:
        reader = connection.ask(wire.METADATA, 0, struct.pack(">i", 0))
        brokers = reader.array(lambda: (reader.int32(), reader.string(), reader.int32()))
        host, port = context.address.rsplit(":", 1)
        if [(b[1], b[2]) for b in brokers] != [(host, int(port))]:
            raise AssertionError(f"advertised {brokers}, expected {context.address}")
        reader = connection.ask(wire.METADATA, 1, struct.pack(">i", 0))
        reader.array(lambda: (reader.int32(), reader.string(), reader.int32(), reader.string()))
        if reader.int32() != brokers[0][0]:
            raise AssertionError("the controller is not the one broker")
        if reader.int32() != 0:
            raise AssertionError("version 1 with no topic asked for must list none")
        reader.require_end()


@case("librdkafka that does not negotiate (fallback 0.11)")
def librdkafka_fallback(context: Context):
    topic = context.topic("fallback")
    old = {"api_version_request": False, "broker_version_fallback": "0.11.0"}
    sending = Sending(context.address, compression_type="lz4", **old)
    for record in RECORDS:
        sending.send(topic, 0, record)
    sending.finish()
    reader = consumer(context.address, **old)
    try:
        found = [as_consumed(m) for m in read_to_end(reader, [TopicPartition(topic, 0, 0)])]
    finally:
        reader.close()
    require_same(RECORDS, found)
    require_same(RECORDS, Confluent().consume(context.address, topic, 0))


def through_kafka_python(context: Context, version):
    topic = context.topic("version")
    client = kp_producer(context.address, api_version=version, compression_type="gzip")
    try:
        require_delivered([send(client, topic, 0, record) for record in RECORDS])
    finally:
        client.close(timeout=5)
    client = kp_consumer(context.address, api_version=version)
    try:
        require_same(RECORDS, kp_read(client, KPTopicPartition(topic, 0), 0))
    finally:
        client.close()


for _version in ((0, 11), (1, 0), (1, 1), (2, 0), (2, 1), (2, 3), (2, 4), (2, 7), (2, 8), (3, 1),
                 (3, 5), (3, 7), (3, 9), (4, 0)):  # fmt: skip

    def _body(context, version=_version):
        through_kafka_python(context, version)

    case(f"kafka-python speaking to Kafka {'.'.join(map(str, _version))}")(_body)
