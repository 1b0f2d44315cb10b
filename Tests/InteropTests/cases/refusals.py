"""What a broker refuses, and that each client says it in its own proper words."""

import asyncio

import aiokafka.errors
import kafka.errors
import wire
from clients import aio_kafka, kafka_python, kcat
from clients.admin import confluent_admin, require_error
from clients.confluent import Sending
from confluent_kafka import KafkaError
from confluent_kafka.admin import NewTopic
from harness import Context, case
from record import Record

TOO_LARGE = b"." * 3_000_000
BAD_NAMES = ["bad/name", "a b", "..", "x" * 250, "ünïcode"]


def first_error(sending: Sending, seconds=30):
    sending.producer.flush(seconds)
    if not sending.errors:
        raise AssertionError(f"no error; {sending.acknowledged} acknowledged")
    return sending.errors[0].code()


def expect(what, expected, found):
    if found not in expected:
        raise AssertionError(f"{what}: expected one of {expected}, found {found}")


@case("a message too large, told by confluent-kafka")
def too_large_confluent(context: Context):
    topic = context.topic("large")
    sending = Sending(context.address, message_max_bytes=10_000_000)
    sending.send(topic, 0, Record(None, TOO_LARGE))
    expect("error", [KafkaError.MSG_SIZE_TOO_LARGE], first_error(sending))


@case("a message too large, told by kafka-python")
def too_large_kafka_python(context: Context):
    topic = context.topic("large")
    client = kafka_python.producer(context.address, max_request_size=10_000_000)
    try:
        client.send(topic, TOO_LARGE, partition=0).get(30)
    except kafka.errors.MessageSizeTooLargeError:
        return
    finally:
        client.close(timeout=5)
    raise AssertionError("no error")


@case("a message too large, told by aiokafka")
def too_large_aiokafka(context: Context):
    async def work():
        client = aio_kafka.producer(
            context.address, max_request_size=10_000_000, max_batch_size=10_000_000
        )
        await client.start()
        try:
            topic = context.topic("large")
            await asyncio.wait_for(client.send_and_wait(topic, TOO_LARGE, partition=0), 30)
        except aiokafka.errors.MessageSizeTooLargeError:
            return
        finally:
            await client.stop()
        raise AssertionError("no error")

    asyncio.run(work())


@case("an unknown topic where topics are not made on first use", own_process=True)
def unknown_topic(context: Context):
    with context.own_broker({"auto.create.topics.enable": "false"}) as broker:
        sending = Sending(broker.address, topic_metadata_propagation_max_ms=500)
        sending.send("nowhere", 0, Record(None, b"x"))
        unknown = [KafkaError._UNKNOWN_TOPIC, KafkaError.UNKNOWN_TOPIC_OR_PART]
        expect("confluent-kafka", unknown, first_error(sending))

        client = kafka_python.producer(broker.address, max_block_ms=2000)
        try:
            client.send("nowhere", b"x", partition=0).get(10)
            raise AssertionError("kafka-python: no error")
        except (kafka.errors.UnknownTopicOrPartitionError, kafka.errors.KafkaTimeoutError):
            pass
        finally:
            client.close(timeout=5)

        try:
            kcat.Kcat().consume(broker.address, "nowhere", 0)
            raise ValueError("kcat: no error")
        except AssertionError as error:
            if "nknown topic" not in str(error):
                raise

        if confluent_admin(broker.address).list_topics(timeout=10).topics:
            raise AssertionError("a topic came into being")


@case("invalid topic names are refused by the admin client")
def bad_names(context: Context):
    admin = confluent_admin(context.address)
    for name in BAD_NAMES:
        require_error([KafkaError.TOPIC_EXCEPTION], admin.create_topics([NewTopic(name, 1, 1)]))


@case("an invalid topic name is refused to a producer")
def bad_name_on_first_use(context: Context):
    sending = Sending(context.address, message_timeout_ms=8000)
    sending.send("bad/name", 0, Record(None, b"x"))
    expected = [
        KafkaError.TOPIC_EXCEPTION,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    ]
    expect("error", expected, first_error(sending))
    if "bad/name" in confluent_admin(context.address).list_topics(timeout=10).topics:
        raise AssertionError("the topic came into being")


@case("impossible topics are refused: replicas, partitions, assignments")
def impossible(context: Context):
    admin = confluent_admin(context.address)
    topic = context.topic("impossible")
    refusals = {
        KafkaError.INVALID_REPLICATION_FACTOR: NewTopic(topic, 1, 3),
        KafkaError.INVALID_PARTITIONS: NewTopic(topic, 0, 1),
        KafkaError.INVALID_REPLICA_ASSIGNMENT: NewTopic(topic, 1, replica_assignment=[[777]]),
    }
    for code, impossible_topic in refusals.items():
        require_error([code], admin.create_topics([impossible_topic]))


@case("a partition that does not exist is unknown, and others of the request are served")
def unknown_partition(context: Context):
    topic = context.topic("known")
    kafka_python.KafkaPython().produce(context.address, topic, 0, [Record(b"k", b"v")])
    with wire.Connection(context.address) as connection:
        for name, partition in ((topic, 7), ("nobody-made-this", 0)):
            body = wire.produce_body(name, partition, wire.batch([b"x"]))
            error, _ = wire.read_produced(connection.ask(wire.PRODUCE, 3, body))
            expect("produce", [3], error)
        body = wire.fetch_body([(topic, 0, 0, 1000), (topic, 7, 0, 1000)])
        parts = wire.Fetched(connection.ask(wire.FETCH, 11, body)).partitions
        expect("fetch", [(0, 3)], (parts[(topic, 0)].error, parts[(topic, 7)].error))


@case("wrong sequence numbers of an idempotent producer are refused, duplicates are not")
def sequences(context: Context):
    topic = context.topic("sequences")
    kafka_python.KafkaPython().produce(context.address, topic, 0, [Record(b"k", b"v")])
    with wire.Connection(context.address) as connection:
        producer, epoch = wire.new_producer(connection)

        def put(sequence, values=(b"a", b"b")):
            batch = wire.batch(list(values), producer=(producer, epoch, sequence))
            body = wire.produce_body(topic, 0, batch)
            return wire.read_produced(connection.ask(wire.PRODUCE, 3, body))

        expect("first", [(0, 1)], put(0))
        expect("second", [(0, 3)], put(2))
        expect("the second again: the old offset", [(0, 3)], put(2))
        expect("the first again: the old offset", [(0, 1)], put(0))
        expect("a gap (OUT_OF_ORDER_SEQUENCE_NUMBER)", [45], put(9)[0])
        expect("the third", [(0, 5)], put(4))
        body = wire.fetch_body([(topic, 0, 0, 1 << 20)])
        part = wire.Fetched(connection.ask(wire.FETCH, 11, body)).only()
        expect("the end", [7], part.high_watermark)
