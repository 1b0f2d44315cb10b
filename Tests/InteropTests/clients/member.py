#!/usr/bin/env python3
"""One member of a consumer group, as a process of its own, so that it can be killed.

    member.py CLIENT ADDRESS GROUP TOPIC STRATEGY

Says `ready` whenever it is told its part, and the value of each record, a line each, when it has
processed it. It commits after each handful and, what could not be committed then, before it gives
up partitions, with the next handful, or before it ends. SIGTERM makes it leave and end.
"""

import asyncio
import signal
import sys
import time

#: Milliseconds. Quick, so that a killed member is missed soon.
SESSION, HEARTBEAT = 6_000, 500
#: In the place of a strategy: the coordinator assigns, and names the times (KIP-848).
NEW_PROTOCOL = "new protocol"


class Progress:
    """How far the member has come: whether it goes on, and whether something is to be committed."""

    #: How long a member that was asked to stop tries to commit, in seconds.
    PATIENCE = 10

    def __init__(self):
        self.must_commit = False
        self.stop_at = None

    def stop(self, signum, frame):
        self.stop_at = time.monotonic() + self.PATIENCE

    @property
    def goes_on(self):
        if self.stop_at is None:
            return True
        return self.must_commit and time.monotonic() < self.stop_at

    def processed(self, values):
        for value in values:
            say(value.decode())
        self.must_commit = self.must_commit or bool(values)

    def failed(self, error):
        """Out of the group, a rebalance, no broker: tried again, or read again by somebody."""
        print(error, file=sys.stderr)


def say(line):
    print(line, flush=True)


def confluent(progress, address, group, topic, strategy):
    from confluent_kafka import Consumer, KafkaError, KafkaException

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

    def commit(*_):
        if not progress.must_commit:
            return
        try:
            client.commit(asynchronous=False)
            progress.must_commit = False
        except KafkaException as error:
            progress.failed(error)
            # Its partitions are somebody else's by now.
            progress.must_commit = error.args[0].code() != KafkaError._NO_OFFSET

    client.subscribe([topic], on_assign=lambda *_: say("ready"), on_revoke=commit)
    while progress.goes_on:
        first = client.poll(0.2)
        found = [] if first is None else [first, *client.consume(50, 0)]
        progress.processed([message.value() for message in found if message.error() is None])
        commit()
    client.close()


def python_settings(assignors, address, group, strategy):
    """What kafka-python and aiokafka call by the same names."""
    return {
        "bootstrap_servers": address,
        "group_id": group,
        "partition_assignment_strategy": [assignors[strategy]],
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "session_timeout_ms": SESSION,
        "heartbeat_interval_ms": HEARTBEAT,
    }


def kafka_python(progress, address, group, topic, strategy):
    from kafka import ConsumerRebalanceListener, KafkaConsumer
    from kafka.coordinator.assignors.range import RangePartitionAssignor
    from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
    from kafka.errors import KafkaError

    assignors = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}
    client = KafkaConsumer(**python_settings(assignors, address, group, strategy))

    def commit():
        if not progress.must_commit:
            return
        try:
            client.commit()
            progress.must_commit = False
        except KafkaError as error:
            progress.failed(error)

    class Listener(ConsumerRebalanceListener):
        def on_partitions_revoked(self, revoked):
            commit()

        def on_partitions_assigned(self, assigned):
            say("ready")

    client.subscribe([topic], listener=Listener())
    while progress.goes_on:
        batches = client.poll(200, max_records=50)
        progress.processed([message.value for part in batches.values() for message in part])
        commit()
    client.close()


def aiokafka(progress, address, group, topic, strategy):
    from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
    from aiokafka.coordinator.assignors.range import RangePartitionAssignor
    from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
    from aiokafka.errors import KafkaError

    assignors = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}

    async def work():
        client = AIOKafkaConsumer(**python_settings(assignors, address, group, strategy))

        async def commit():
            if not progress.must_commit:
                return
            try:
                await client.commit()
                progress.must_commit = False
            except KafkaError as error:
                progress.failed(error)

        class Listener(ConsumerRebalanceListener):
            async def on_partitions_revoked(self, revoked):
                await commit()

            async def on_partitions_assigned(self, assigned):
                say("ready")

        client.subscribe([topic], listener=Listener())
        await client.start()
        while progress.goes_on:
            batches = await client.getmany(timeout_ms=200, max_records=50)
            progress.processed([message.value for part in batches.values() for message in part])
            await commit()
        await client.stop()

    asyncio.run(work())


if __name__ == "__main__":
    progress = Progress()
    signal.signal(signal.SIGTERM, progress.stop)
    name, *arguments = sys.argv[1:]
    {"confluent-kafka": confluent, "kafka-python": kafka_python, "aiokafka": aiokafka}[name](
        progress, *arguments
    )
