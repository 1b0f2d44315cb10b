"""The admin clients: topics, partitions, settings, deleting records, offsets, the cluster."""

import asyncio
import time

import corpus
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin import NewTopic as AIONewTopic
from clients import kafka_python
from clients.admin import (
    alter,
    confluent_admin,
    describe_topic,
    is_own,
    kafka_python_admin,
    require_error,
    settle,
    topic_resource,
)
from clients.confluent import Confluent
from confluent_kafka import KafkaError, TopicPartition
from confluent_kafka.admin import ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourceType
from harness import Context, case
from kafka import TopicPartition as KPTopicPartition
from kafka.admin import ConfigResource as KPConfigResource
from record import Record

START = corpus.EPOCH
RECORDS = [Record(None, b"value %d" % i, (), START + i * 10) for i in range(100)]
#: Of 2023: older than any retention.
OLD_RECORDS = [r._replace(timestamp=1_700_000_000_000 + i) for i, r in enumerate(RECORDS)]


def expect(what, expected, found):
    if expected != found:
        raise AssertionError(f"{what}: expected {expected!r}, found {found!r}")


@case("confluent-kafka's admin creates, lists and deletes topics")
def confluent_topics(context: Context):
    admin = confluent_admin(context.address)
    topic = context.topic("admin")
    settle(admin.create_topics([NewTopic(topic, 3, 1)], validate_only=True))
    if topic in admin.list_topics(timeout=10).topics:
        raise AssertionError("validate_only made the topic")
    settle(admin.create_topics([NewTopic(topic, 3, 1)]))
    found = admin.list_topics(timeout=10).topics[topic]
    expect("partitions", [0, 1, 2], sorted(found.partitions))
    leaders = {(p.leader, tuple(p.replicas), tuple(p.isrs)) for p in found.partitions.values()}
    node = next(iter(admin.list_topics(timeout=10).brokers))
    expect("leader, replicas, in-sync set", {(node, (node,), (node,))}, leaders)
    require_error([KafkaError.TOPIC_ALREADY_EXISTS], admin.create_topics([NewTopic(topic, 3, 1)]))
    Confluent().produce(context.address, topic, 2, RECORDS)
    settle(admin.delete_topics([topic]))
    if topic in admin.list_topics(timeout=10).topics:
        raise AssertionError("the deleted topic is still listed")
    require_error(
        [KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC], admin.delete_topics([topic])
    )
    # The name can be used again, and nothing of the old topic is in the new one.
    settle(admin.create_topics([NewTopic(topic, 3, 1)]))
    Confluent().produce(context.address, topic, 2, RECORDS[:1])
    expect("records of the new topic", 1, len(Confluent().consume(context.address, topic, 2)))


@case("confluent-kafka's admin adds partitions")
def confluent_partitions(context: Context):
    admin = confluent_admin(context.address)
    topic = context.topic("grow")
    settle(admin.create_topics([NewTopic(topic, 2, 1)]))
    settle(admin.create_partitions([NewPartitions(topic, 5)]))
    expect("partitions", 5, len(admin.list_topics(timeout=10).topics[topic].partitions))
    Confluent().produce(context.address, topic, 4, RECORDS)
    require_error(
        [KafkaError.INVALID_PARTITIONS], admin.create_partitions([NewPartitions(topic, 3)])
    )


@case("confluent-kafka's admin describes and alters settings")
def confluent_settings(context: Context):
    admin = confluent_admin(context.address)
    topic = context.topic("settings")
    settle(admin.create_topics([NewTopic(topic, 1, 1)]))
    before = describe_topic(admin, topic)["retention.ms"]
    expect("default retention.ms", ("604800000", False), (before.value, is_own(before)))
    alter(admin, topic, retention_ms="1000000", cleanup_policy="delete")
    after = describe_topic(admin, topic)["retention.ms"]
    expect("retention.ms", ("1000000", True), (after.value, is_own(after)))
    alter(admin, topic, retention_ms=None)
    again = describe_topic(admin, topic)["retention.ms"]
    expect("retention.ms, taken away", "604800000", again.value)

    # AlterConfigs replaces all of a topic's own settings.
    alter(admin, topic, segment_bytes="1048576")
    settle(admin.alter_configs([topic_resource(topic, retention_ms="7000000")]))
    found = describe_topic(admin, topic)
    expect("retention.ms", "7000000", found["retention.ms"].value)
    expect("segment.bytes, replaced", "1073741824", found["segment.bytes"].value)


@case("a wrong setting is refused by name")
def wrong_settings(context: Context):
    admin = confluent_admin(context.address)
    topic = context.topic("wrong")
    wrong = [{"retention.ms": "soon"}, {"no.such.setting": "1"}, {"compression.type": "zip"}]
    for config in wrong:
        require_error(
            [KafkaError.INVALID_CONFIG], admin.create_topics([NewTopic(topic, 1, 1, config=config)])
        )
    settle(admin.create_topics([NewTopic(topic, 1, 1)]))
    for config in wrong:
        resource = ConfigResource(ResourceType.TOPIC, topic, set_config=config)
        require_error([KafkaError.INVALID_CONFIG], admin.alter_configs([resource]))


@case("confluent-kafka's admin describes the broker and the cluster")
def confluent_cluster(context: Context):
    admin = confluent_admin(context.address)
    cluster = admin.describe_cluster().result(20)
    if not cluster.cluster_id:
        raise AssertionError("no cluster id")
    expect("nodes", [context.address], [f"{n.host}:{n.port}" for n in cluster.nodes])
    node = str(cluster.nodes[0].id)
    resource = ConfigResource(ResourceType.BROKER, node)
    settings = next(iter(settle(admin.describe_configs([resource])).values()))
    if "log.retention.hours" not in settings:
        raise AssertionError(f"{len(settings)} broker settings, log.retention.hours not among them")


@case("confluent-kafka's admin deletes records and lists offsets")
def confluent_offsets(context: Context):
    admin = confluent_admin(context.address)
    topic = context.topic("offsets")
    Confluent().produce(context.address, topic, 0, RECORDS)
    there = TopicPartition(topic, 0)

    def offset(spec):
        return next(iter(settle(admin.list_offsets({there: spec})).values())).offset

    expect("earliest", 0, offset(OffsetSpec.earliest()))
    expect("latest", 100, offset(OffsetSpec.latest()))
    expect("by time", 50, offset(OffsetSpec.for_timestamp(START + 495)))
    expect("by a time after all", -1, offset(OffsetSpec.for_timestamp(START + 9_999_999_999)))
    expect("of the highest timestamp", 99, offset(OffsetSpec.max_timestamp()))

    deleted = settle(admin.delete_records([TopicPartition(topic, 0, 40)]))
    expect("low watermark", [40], [d.low_watermark for d in deleted.values()])
    expect("earliest", 40, offset(OffsetSpec.earliest()))
    found = Confluent().consume(context.address, topic, 0, start=40)
    expect("first value left", (60, b"value 40"), (len(found), found[0].value))
    require_error(
        [KafkaError.OFFSET_OUT_OF_RANGE], admin.delete_records([TopicPartition(topic, 0, 101)])
    )
    # -1 stands for the end: everything goes.
    settle(admin.delete_records([TopicPartition(topic, 0, -1)]))
    expect("earliest", 100, offset(OffsetSpec.earliest()))


@case("kafka-python's admin does the same")
def kafka_python_all(context: Context):
    admin = kafka_python_admin(context.address)
    try:
        topic = context.topic("kp-admin")
        admin.create_topics({topic: {"num_partitions": 2, "replication_factor": 1}})
        if topic not in admin.list_topics():
            raise AssertionError("the new topic is not listed")
        admin.create_partitions({topic: 4})
        (described,) = admin.describe_topics([topic])
        expect("partitions", 4, len(described["partitions"]))
        expect("error", 0, described["error_code"])

        own = KPConfigResource("TOPIC", topic, {"retention.ms": "2000000"})
        expect("alter", {"topic": {topic: "OK"}}, admin.alter_configs([own]))
        asked = KPConfigResource("TOPIC", topic)
        found = admin.describe_configs([asked])["topic"][topic]
        expect("retention.ms", "2000000", found["retention.ms"]["value"])
        admin.reset_configs([KPConfigResource("TOPIC", topic, {"retention.ms": None})])
        found = admin.describe_configs([asked], config_filter="all")["topic"][topic]
        expect("retention.ms", "604800000", found["retention.ms"]["value"])

        kafka_python.KafkaPython().produce(context.address, topic, 3, RECORDS)
        there = KPTopicPartition(topic, 3)
        expect("by time", 50, admin.list_partition_offsets({there: START + 495})[there].offset)
        expect("latest", 100, admin.list_partition_offsets({there: -1})[there].offset)
        expect("highest", 99, admin.list_partition_offsets({there: -3})[there].offset)
        expect("low watermark", 30, admin.delete_records({there: 30})[there]["low_watermark"])
        expect("earliest", 30, admin.list_partition_offsets({there: -2})[there].offset)

        cluster = admin.describe_cluster()
        expect("nodes", 1, len(cluster["brokers"]))
        admin.describe_log_dirs()
        admin.delete_topics([topic])
        if topic in admin.list_topics():
            raise AssertionError("the deleted topic is still listed")
    finally:
        admin.close()


@case("kafka-python describes topics page by page (DescribeTopicPartitions)")
def topic_pages(context: Context):
    admin = kafka_python_admin(context.address)
    try:
        topic = context.topic("pages")
        admin.create_topics({topic: {"num_partitions": 5, "replication_factor": 1}})
        first = admin.describe_topic_partitions([topic], response_partition_limit=3)
        expect("first page", 3, len(first["topics"][0]["partitions"]))
        rest = admin.describe_topic_partitions([topic], 3, first["next_cursor"])
        expect("second page", 2, len(rest["topics"][0]["partitions"]))
        expect("no third", None, rest["next_cursor"])
    finally:
        admin.close()


@case("aiokafka's admin creates, describes and deletes topics")
def aiokafka_admin(context: Context):
    async def work():
        admin = AIOKafkaAdminClient(bootstrap_servers=context.address)
        await admin.start()
        try:
            topic = context.topic("aio-admin")
            await admin.create_topics([AIONewTopic(topic, 2, 1)])
            (found,) = await admin.describe_topics([topic])
            expect("partitions", 2, len(found["partitions"]))
            await admin.delete_topics([topic])
            if topic in await admin.list_topics():
                raise AssertionError("the deleted topic is still listed")
        finally:
            await admin.close()

    asyncio.run(work())


@case("records go by time and by size", own_process=True)
def retention(context: Context):
    overrides = {
        "log.retention.check.interval.ms": "200",
        "log.segment.delete.delay.ms": "100",
    }
    with context.own_broker(overrides) as broker:
        admin = confluent_admin(broker.address)
        by_time, by_size = context.topic("old"), context.topic("big")
        small = {"segment.bytes": "1048576"}
        settle(
            admin.create_topics(
                [
                    # An hour; the records are of 2023.
                    NewTopic(by_time, 1, 1, config={"retention.ms": "3600000"}),
                    NewTopic(by_size, 1, 1, config={"retention.bytes": "2097152", **small}),
                ]
            )
        )
        Confluent().produce(broker.address, by_time, 0, OLD_RECORDS)
        large = [Record(None, b"." * 50_000)] * 160
        Confluent().produce(broker.address, by_size, 0, large)

        def earliest(topic):
            there = TopicPartition(topic, 0)
            return next(
                iter(settle(admin.list_offsets({there: OffsetSpec.earliest()})).values())
            ).offset

        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if earliest(by_time) == 100 and earliest(by_size) > 60:
                break
            time.sleep(0.1)
        expect("by time, the start", 100, earliest(by_time))
        start = earliest(by_size)
        if not 60 < start < 160:
            raise AssertionError(f"by size, the start is {start} of 160 records of 50,000 bytes")
        left = Confluent().consume(broker.address, by_size, 0, start)
        expect("left by size", 160 - start, len(left))
