"""SIGKILL while clients work. Nothing acknowledged is lost; idempotent producers never double."""

import asyncio
import subprocess
import time

import corpus
import wire
from clients import aio_kafka, kafka_python
from clients.admin import confluent_admin, describe_topic, settle
from clients.confluent import Confluent, Sending, as_consumed, consumer, read_to_end
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic
from harness import Context, case
from record import Record, require_same

FULL, SHORT = 60_000, 6_000


def records_for(context: Context) -> list:
    count = SHORT if context.short else FULL
    return [
        Record(b"%d" % i, b"record %d " % i + b"." * (i % 200), (), corpus.EPOCH + i)
        for i in range(count)
    ]


def kill_points(count: int, short: bool) -> list:
    """The numbers of records after which the broker is killed."""
    return [count // 2] if short else [count // 4, count // 2, count * 3 // 4]


def check(broker, topic, records):
    require_same(records, Confluent().consume(broker.address, topic, 0))


@case("killed while confluent-kafka produces: no duplicate, no gap", 300, own_process=True)
def confluent_idempotent(context: Context):
    records = records_for(context)
    with context.own_broker() as broker:
        points = kill_points(len(records), context.short)
        sending = Sending(broker.address, enable_idempotence=True, compression_type="lz4")
        for record in records:
            if points and sending.acknowledged >= points[0]:
                points.pop(0)
                broker.restart_after_kill()
            sending.send("crash", 0, record)
            # Few enough in flight that the kill comes among them, not after them.
            while len(sending.producer) > 2000:
                sending.producer.poll(0.05)
        while points and len(sending.producer):
            sending.producer.poll(0.01)
            if sending.acknowledged >= points[0]:
                points.pop(0)
                broker.restart_after_kill()
        sending.finish()
        check(broker, "crash", records)


@case("killed while kafka-python produces: no duplicate, no gap", 300, own_process=True)
def kafka_python_idempotent(context: Context):
    records = records_for(context)
    with context.own_broker() as broker:
        client = kafka_python.producer(broker.address, enable_idempotence=True, batch_size=16_384)
        points = kill_points(len(records), context.short)
        futures = []
        try:
            for index, record in enumerate(records):
                if index in points:
                    futures[index - 1000].get(60)
                    broker.restart_after_kill()
                futures.append(kafka_python.send(client, "crash", 0, record))
            client.flush(90)
            kafka_python.require_delivered(futures)
        finally:
            client.close(timeout=5)
        check(broker, "crash", records)


@case("killed while aiokafka produces: no duplicate, no gap", 300, own_process=True)
def aiokafka_idempotent(context: Context):
    records = records_for(context)
    with context.own_broker() as broker:

        async def kill(futures):
            await asyncio.wait_for(asyncio.shield(futures[-1000]), 60)
            # In a thread, so that the client goes on sending while the broker dies.
            await asyncio.get_running_loop().run_in_executor(None, broker.restart_after_kill)

        async def work():
            client = aio_kafka.producer(
                broker.address, enable_idempotence=True, max_batch_size=16_384
            )
            await client.start()
            try:
                points = kill_points(len(records), context.short)
                await aio_kafka.send_all(
                    client, "crash", 0, records, {point: kill for point in points}
                )
            finally:
                await client.stop()

        asyncio.run(work())
        check(broker, "crash", records)


@case("killed while kcat produces: no duplicate, no gap", 300, own_process=True)
def kcat_idempotent(context: Context):
    # -E: while its only broker is away, kcat shall go on.
    lines = [b"line %d" % i for i in range(SHORT if context.short else FULL)]
    half = len(lines) // 2
    with context.own_broker() as broker:
        arguments = ["-E", "-P", "-t", "crash", "-p", "0", "-X", "enable.idempotence=true"]
        arguments += ["-X", "acks=all", "-X", "linger.ms=1"]
        process = subprocess.Popen(
            ["kcat", "-b", broker.address, *arguments],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        process.stdin.write(b"".join(line + b"\n" for line in lines[:half]))
        process.stdin.flush()
        reader = consumer(broker.address)
        try:
            deadline = time.monotonic() + 60
            there = TopicPartition("crash", 0)
            while time.monotonic() < deadline:
                if "crash" in reader.list_topics(timeout=10).topics:
                    if reader.get_watermark_offsets(there, timeout=10)[1] >= half // 2:
                        break
                time.sleep(0.02)
        finally:
            reader.close()
        broker.restart_after_kill()
        _, said = process.communicate(b"".join(line + b"\n" for line in lines[half:]), 120)
        if process.returncode != 0:
            raise AssertionError(f"kcat ended with {process.returncode}: {said.decode()[-300:]}")
        found = Confluent().consume(broker.address, "crash", 0)
        if [r.value for r in found] != lines:
            pairs = enumerate(zip(lines, found))
            wrong = next((i for i, (line, got) in pairs if line != got.value), "the end")
            raise AssertionError(f"{len(found)} of {len(lines)} lines, first difference at {wrong}")


@case("a batch sent again after SIGKILL is known again, however old its timestamps", 60, True)
def known_again(context: Context):
    with context.own_broker() as broker:
        for number, age in enumerate((0, 2 * corpus.DAY, 6 * corpus.DAY)):
            topic = f"again-{number}"
            admin = confluent_admin(broker.address)
            settle(admin.create_topics([NewTopic(topic, 1, 1)]))
            stamp = int(time.time() * 1000) - age
            with wire.Connection(broker.address) as connection:
                producer, epoch = wire.new_producer(connection)

            def put(sequence):
                batch = wire.batch(
                    [b"a", b"b"], timestamp=stamp, producer=(producer, epoch, sequence)
                )
                body = wire.produce_body(topic, 0, batch)
                with wire.Connection(broker.address) as connection:
                    return wire.read_produced(connection.ask(wire.PRODUCE, 3, body))

            results = [put(0), put(2)]
            broker.restart_after_kill()
            results += [put(2), put(4)]
            if results != [(0, 0), (0, 2), (0, 2), (0, 4)]:
                days = age // corpus.DAY
                raise AssertionError(
                    f"timestamps {days} days old: (error, offset) of two batches, the second again"
                    f" after SIGKILL, and a third: {results}, expected offsets 0, 2, 2, 4"
                )


@case("killed under a producer that is not idempotent: what was acknowledged is there", 300, True)
def acknowledged_stay(context: Context):
    records = records_for(context)
    with context.own_broker() as broker:
        points = kill_points(len(records), context.short)
        acknowledged = set()
        sending = Sending(broker.address, enable_idempotence=False)

        def delivered(error, message):
            sending._delivered(error, message)
            if error is None:
                acknowledged.add(message.key())

        for index, record in enumerate(records):
            sending.producer.produce(
                "crash", partition=0, key=record.key, value=record.value, on_delivery=delivered
            )
            sending.producer.poll(0)
            if index in points:
                while not acknowledged:
                    sending.producer.poll(0.05)
                broker.restart_after_kill()
        sending.finish()
        found = {r.key for r in Confluent().consume(broker.address, "crash", 0)}
        lost = acknowledged - found
        if lost:
            raise AssertionError(f"{len(lost)} acknowledged records lost, one of them {min(lost)}")


@case("killed while a consumer reads: it goes on where it was", 200, own_process=True)
def reading_goes_on(context: Context):
    records = records_for(context)
    with context.own_broker() as broker:
        # Small batches and small fetches: most must still be unread when the broker dies.
        sending = Sending(broker.address, compression_type="zstd", batch_num_messages=100)
        for record in records:
            sending.send("crash", 0, record)
        sending.finish()
        client = consumer(
            broker.address,
            max_partition_fetch_bytes=20_000,
            queued_min_messages=1,
            fetch_queue_backoff_ms=5,
        )
        found = []
        try:
            for message in read_to_end(client, [TopicPartition("crash", 0, 0)], at_once=100):
                found.append(as_consumed(message))
                if len(found) == len(records) // 2:
                    broker.restart_after_kill()
        finally:
            client.close()
        require_same(records, found)


@case("topics, settings and records outlive SIGKILL at any moment", 200, own_process=True)
def metadata_stays(context: Context):
    rounds = 5 if context.short else 20
    with context.own_broker() as broker:
        for number in range(rounds):
            topic = f"round-{number}"
            config = {"retention.ms": str(10_000_000 + number)}
            admin = confluent_admin(broker.address)
            settle(admin.create_topics([NewTopic(topic, 1 + number % 3, 1, config=config)]))
            Confluent().produce(broker.address, topic, 0, [Record(b"k", b"%d" % number)])
            if number % 3 == 2:
                settle(admin.delete_topics([f"round-{number - 1}"]))
            broker.restart_after_kill()
        admin = confluent_admin(broker.address)
        listed = admin.list_topics(timeout=10).topics
        expected = {f"round-{n}" for n in range(rounds) if not (n % 3 == 1 and n + 1 < rounds)}
        if set(listed) != expected:
            raise AssertionError(f"topics {sorted(listed)}, expected {sorted(expected)}")
        for topic in expected:
            number = int(topic.split("-")[1])
            found = describe_topic(admin, topic)["retention.ms"].value
            if found != str(10_000_000 + number):
                raise AssertionError(f"{topic}: retention.ms {found}")
            if len(listed[topic].partitions) != 1 + number % 3:
                raise AssertionError(f"{topic}: {len(listed[topic].partitions)} partitions")
            values = [r.value for r in Confluent().consume(broker.address, topic, 0)]
            if values != [b"%d" % number]:
                raise AssertionError(f"{topic}: {values}")
