"""Topics made on first use, and topic settings that take effect."""

import time

import corpus
import wire
from clients import all_clients
from clients.admin import alter, confluent_admin, describe_topic, is_own, settle
from clients.confluent import Confluent, Sending, consumer
from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME, TopicPartition
from confluent_kafka.admin import NewTopic
from harness import Context, case
from record import Record, require_same

TEXT = b"some text that can be made smaller " * 5
RECORDS = [Record(b"key %d" % i, TEXT, (("n", b"%d" % i),), corpus.EPOCH + i) for i in range(200)]


def create(context: Context, hint: str, partitions=1, **config) -> str:
    topic = context.topic(hint)
    dotted = {key.replace("_", "."): str(value) for key, value in config.items()}
    # The client must live until its futures have their results.
    admin = confluent_admin(context.address)
    settle(admin.create_topics([NewTopic(topic, partitions, 1, config=dotted)]))
    return topic


@case("every client makes a topic by its first record")
def first_use(context: Context):
    for client in all_clients():
        topic = context.topic("first-use")
        records = client.sendable(RECORDS[:3])
        client.produce(context.address, topic, 0, records)
        found = confluent_admin(context.address).list_topics(topic, 10).topics[topic]
        if found.error is not None or len(found.partitions) != 1:
            raise AssertionError(
                f"{client.name}: {found.error}, {len(found.partitions)} partitions"
            )


@case("num.partitions is what a topic made on first use gets", own_process=True)
def first_use_partitions(context: Context):
    with context.own_broker({"num.partitions": "5"}) as broker:
        topic = context.topic("five")
        Confluent().produce(broker.address, topic, 4, RECORDS)
        require_same(RECORDS, Confluent().consume(broker.address, topic, 4))
        found = confluent_admin(broker.address).list_topics(topic, 10).topics[topic]
        if sorted(found.partitions) != [0, 1, 2, 3, 4]:
            raise AssertionError(f"partitions {sorted(found.partitions)}, expected 0 to 4")


@case("compression.type makes the broker compress again")
def recompression(context: Context):
    for codec in ("gzip", "snappy", "lz4", "zstd", "uncompressed"):
        for sent in ("none", "gzip", "zstd"):
            topic = create(context, f"re-{codec}", compression_type=codec)
            Confluent().produce(context.address, topic, 0, RECORDS, sent)
            found = wire.codec_of(wire.first_records(context.address, topic))
            expected = wire.CODECS["none" if codec == "uncompressed" else codec]
            if found != expected:
                raise AssertionError(f"{sent} into a {codec} topic is stored with codec {found}")
            for client in all_clients():
                require_same(RECORDS, client.consume(context.address, topic, 0))


@case("without compression.type the producer's codec stays")
def codec_stays(context: Context):
    for codec, number in wire.CODECS.items():
        topic = create(context, f"as-{codec}")
        Confluent().produce(context.address, topic, 0, RECORDS, codec)
        found = wire.codec_of(wire.first_records(context.address, topic))
        if found != number:
            raise AssertionError(f"{codec} is stored with codec {found}, expected {number}")


@case("message.timestamp.type=LogAppendTime gives the broker's time")
def append_time(context: Context):
    kinds = {"CreateTime": TIMESTAMP_CREATE_TIME, "LogAppendTime": TIMESTAMP_LOG_APPEND_TIME}
    for setting, kind in kinds.items():
        topic = create(context, setting, message_timestamp_type=setting)
        before = int(time.time() * 1000) - 1000
        for codec in ("none", "zstd"):
            Confluent().produce(context.address, topic, 0, RECORDS[:5], codec)
        after = int(time.time() * 1000) + 1000
        client = consumer(context.address)
        try:
            client.assign([TopicPartition(topic, 0, 0)])
            messages = client.consume(10, 15)
        finally:
            client.close()
        messages = [m for m in messages if m.error() is None]
        if len(messages) != 10:
            raise AssertionError(f"{len(messages)} of 10 records in 15 s")
        for index, message in enumerate(messages):
            found_kind, moment = message.timestamp()
            if found_kind != kind:
                raise AssertionError(f"timestamp type {found_kind} in a {setting} topic")
            expected = RECORDS[index % 5].timestamp
            if setting == "CreateTime" and moment != expected:
                raise AssertionError(f"timestamp {moment}, expected {expected}")
            if setting == "LogAppendTime" and not before <= moment <= after:
                raise AssertionError(f"timestamp {moment} is not the broker's time")


@case("max.message.bytes of a topic is what counts")
def max_message(context: Context):
    topic = create(context, "small", max_message_bytes=2000)
    with wire.Connection(context.address) as connection:
        small = wire.produce_body(topic, 0, wire.batch([b"." * 1000]))
        large = wire.produce_body(topic, 0, wire.batch([b"." * 3000]))
        answers = [connection.ask(wire.PRODUCE, 3, body) for body in (small, large)]
        results = [wire.read_produced(answer)[0] for answer in answers]
        if results != [0, 10]:
            raise AssertionError(f"errors {results}, expected [0, 10]")
        admin = confluent_admin(context.address)
        alter(admin, topic, max_message_bytes="5000")
        error, offset = wire.read_produced(connection.ask(wire.PRODUCE, 3, large))
        if (error, offset) != (0, 1):
            raise AssertionError(f"after raising the limit: error {error}, offset {offset}")


@case("acks 0, 1 and all")
def acknowledgements(context: Context):
    topic = create(context, "acks")
    for acks in ("0", "1", "all"):
        sending = Sending(context.address, acks=acks)
        for record in RECORDS:
            sending.send(topic, 0, record)
        sending.finish()
    # acks=0 has no answer, so what it sent may lie behind what was acknowledged later.
    deadline = time.monotonic() + 15
    while True:
        found = Confluent().consume(context.address, topic, 0)
        if len(found) == 600 or time.monotonic() > deadline:
            break
    require_same(RECORDS * 3, found)


@case("settings given at creation are the topic's own, and others the broker's")
def origins(context: Context):
    topic = create(context, "origin", retention_ms=123_456, segment_bytes=1_048_576)
    admin = confluent_admin(context.address)
    settings = describe_topic(admin, topic)
    for name, value in {"retention.ms": "123456", "segment.bytes": "1048576"}.items():
        if (settings[name].value, is_own(settings[name])) != (value, True):
            raise AssertionError(f"{name}: {settings[name]!r}")
    for name, value in {
        "cleanup.policy": "delete",
        "max.message.bytes": "1048588",
        "compression.type": "producer",
        "message.timestamp.type": "CreateTime",
        "min.insync.replicas": "1",
        "retention.bytes": "-1",
    }.items():
        if (settings[name].value, is_own(settings[name])) != (value, False):
            raise AssertionError(f"{name}: expected default {value}, found {settings[name]!r}")
