#!/usr/bin/env python3
"""One member of a consumer group, as a process of its own, so that it can be killed.

    member.py CLIENT ADDRESS GROUP TOPIC STRATEGY

Says `ready` whenever it is told its part, and the value of each record, a line each, when it has
processed it; commits after each handful. SIGTERM makes it commit, leave and end.
"""

import asyncio
import signal
import sys

#: Milliseconds. Quick, so that a killed member is missed soon.
SESSION, HEARTBEAT = 6_000, 500
#: In the place of a strategy: the coordinator assigns, and names the times (KIP-848).
NEW_PROTOCOL = "new protocol"


class Stop:
    asked = False


def say(line):
    print(line, flush=True)


def confluent(address, group, topic, strategy):
    from confluent_kafka import Consumer, KafkaException

    if strategy == NEW_PROTOCOL:
        protocol = {"group.protocol": "consumer"}
    else:
        protocol = {
            "partition.assignment.strategy": strategy,
            "session.timeout.ms": SESSION,
            "heartbeat.interval.ms": HEARTBEAT,
        }
    client = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "log_level": 0,
            **protocol,
        }
    )
    client.subscribe([topic], on_assign=lambda *_: say("ready"))
    while not Stop.asked:
        first = client.poll(0.2)
        found = [] if first is None else [first, *client.consume(50, 0)]
        values = [message.value().decode() for message in found if message.error() is None]
        for value in values:
            say(value)
        if values:
            try:
                client.commit(asynchronous=False)
            except KafkaException as error:
                # Out of the group or the broker away: the records will come again, to somebody.
                print(error, file=sys.stderr)
    client.close()


def kafka_python(address, group, topic, strategy):
    from kafka import ConsumerRebalanceListener, KafkaConsumer
    from kafka.coordinator.assignors.range import RangePartitionAssignor
    from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
    from kafka.errors import KafkaError

    class Listener(ConsumerRebalanceListener):
        def on_partitions_revoked(self, revoked):
            pass

        def on_partitions_assigned(self, assigned):
            say("ready")

    assignors = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}
    client = KafkaConsumer(
        bootstrap_servers=address,
        group_id=group,
        partition_assignment_strategy=[assignors[strategy]],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=SESSION,
        heartbeat_interval_ms=HEARTBEAT,
    )
    client.subscribe([topic], listener=Listener())
    while not Stop.asked:
        found = [m for part in client.poll(200, max_records=50).values() for m in part]
        for message in found:
            say(message.value.decode())
        if found:
            try:
                client.commit()
            except KafkaError as error:
                print(error, file=sys.stderr)
    client.close()


def aiokafka(address, group, topic, strategy):
    from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
    from aiokafka.coordinator.assignors.range import RangePartitionAssignor
    from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
    from aiokafka.errors import KafkaError

    class Listener(ConsumerRebalanceListener):
        async def on_partitions_revoked(self, revoked):
            pass

        async def on_partitions_assigned(self, assigned):
            say("ready")

    assignors = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}

    async def work():
        client = AIOKafkaConsumer(
            bootstrap_servers=address,
            group_id=group,
            partition_assignment_strategy=[assignors[strategy]],
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=SESSION,
            heartbeat_interval_ms=HEARTBEAT,
        )
        client.subscribe([topic], listener=Listener())
        await client.start()
        while not Stop.asked:
            batches = await client.getmany(timeout_ms=200, max_records=50)
            found = [message for part in batches.values() for message in part]
            for message in found:
                say(message.value.decode())
            if found:
                try:
                    await client.commit()
                except KafkaError as error:
                    print(error, file=sys.stderr)
        await client.stop()

    asyncio.run(work())


def stop(signum, frame):
    Stop.asked = True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    name, *arguments = sys.argv[1:]
    {"confluent-kafka": confluent, "kafka-python": kafka_python, "aiokafka": aiokafka}[name](
        *arguments
    )
