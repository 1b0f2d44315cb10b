"""Consumer groups of both protocols: members that come, go and die, and a broker that does."""

import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import clients.member
from clients.admin import confluent_admin, kafka_python_admin, settle
from clients.confluent import Sending, consumer
from confluent_kafka import ConsumerGroupState, TopicPartition
from confluent_kafka.admin import NewTopic
from harness import Context, case
from record import Record

PARTITIONS = 4
#: The broker's own; short, so that groups of one start soon, and the new protocol's times like
#: those of `clients/member.py`.
QUICK = {
    "group.initial.rebalance.delay.ms": "200",
    "group.consumer.min.session.timeout.ms": "6000",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.heartbeat.interval.ms": "500",
    "group.consumer.heartbeat.interval.ms": "500",
}


class Member:
    """A process of `clients/member.py`, and what it has processed."""

    def __init__(self, client, address, group, topic, strategy):
        program = Path(clients.member.__file__)
        self.process = subprocess.Popen(
            [sys.executable, str(program), client, address, group, topic, strategy],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.is_ready = threading.Event()
        self.values = []
        self.errors = []
        self.readers = [
            threading.Thread(target=read, daemon=True) for read in (self._read, self._read_errors)
        ]
        for reader in self.readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            # A line that the kill cut short was not processed.
            if not line.endswith("\n"):
                continue
            if line == "ready\n":
                self.is_ready.set()
            else:
                self.values.append(line.rstrip("\n"))

    def _read_errors(self):
        self.errors.extend(self.process.stderr)

    def ready(self) -> "Member":
        if not self.is_ready.wait(40):
            raise AssertionError(f"a member got no partitions in 40 s: {self.errors[-3:]}")
        return self

    def kill(self):
        self.process.kill()
        self._ended()

    def leave(self):
        self.process.terminate()
        self._ended()
        if self.process.returncode != 0:
            raise AssertionError(f"a member ended with {self.process.returncode}: {self.errors}")

    def _ended(self):
        self.process.wait(30)
        for reader in self.readers:
            reader.join(5)


class Crowd:
    """The members of one group, and a producer that feeds them."""

    def __init__(self, address, client, strategy, topic, count):
        self.address = address
        self.arguments = (client, address, f"group-of-{topic}", topic, strategy)
        self.group, self.topic = self.arguments[2], topic
        self.values = [f"value {i}" for i in range(count)]
        self.all = []
        admin = confluent_admin(address)
        settle(admin.create_topics([NewTopic(topic, PARTITIONS, 1)]))
        self.feeding = threading.Thread(target=self._feed)
        self.failure = None

    def _feed(self):
        try:
            sending = Sending(self.address, enable_idempotence=True)
            for i, value in enumerate(self.values):
                sending.send(self.topic, i % PARTITIONS, Record(None, value.encode()))
                if i % 50 == 0:
                    time.sleep(0.1)
            sending.finish()
        except Exception as error:  # shown by `finish`, on the case's own thread
            self.failure = error

    def add(self, count=1, strategy=None) -> list:
        arguments = (*self.arguments[:-1], strategy or self.arguments[-1])
        members = [Member(*arguments) for _ in range(count)]
        self.all += members
        return [member.ready() for member in members]

    def processed(self) -> Counter:
        return Counter(value for member in self.all for value in list(member.values))

    def finish(self, members, seconds=60):
        """Waits until everything is processed; then all leave."""
        self.feeding.join(120)
        if self.failure:
            raise self.failure
        deadline = time.monotonic() + seconds
        while len(self.processed()) < len(self.values):
            if time.monotonic() > deadline:
                missing = sorted(set(self.values) - set(self.processed()))
                raise AssertionError(
                    f"{len(missing)} of {len(self.values)} records are not processed,"
                    f" such as {missing[:3]}"
                )
            time.sleep(0.1)
        for member in members:
            member.leave()

    def require_committed(self):
        client = consumer(self.address, group_id=self.group)
        try:
            there = [TopicPartition(self.topic, i) for i in range(PARTITIONS)]
            committed = {p.partition: p.offset for p in client.committed(there, 30)}
            ends = {p.partition: client.get_watermark_offsets(p)[1] for p in there}
        finally:
            client.close()
        if committed != ends:
            raise AssertionError(f"committed {committed}, the ends are {ends}")


@contextmanager
def crowd(broker, client, strategy, context):
    count = 1_500 if context.short else 6_000
    group = Crowd(broker.address, client, strategy, context.topic("group"), count)
    try:
        yield group
    finally:
        for member in group.all:
            if member.process.poll() is None:
                member.kill()


KINDS = [
    ("confluent-kafka", "range"),
    ("confluent-kafka", "roundrobin"),
    ("confluent-kafka", "cooperative-sticky"),
    ("confluent-kafka", clients.member.NEW_PROTOCOL),
    ("kafka-python", "range"),
    ("kafka-python", "roundrobin"),
    ("aiokafka", "range"),
    ("aiokafka", "roundrobin"),
]


def add_cases(client, strategy):
    @case(
        f"a group of one to four, {client} ({strategy}): members join, leave and die,"
        " nothing is skipped",
        240,
        own_process=True,
    )
    def comings_and_goings(context: Context):
        with (
            context.own_broker(QUICK) as broker,
            crowd(broker, client, strategy, context) as group,
        ):
            (first,) = group.add()
            group.feeding.start()
            second, third = group.add(2)
            second.kill()
            (fourth,) = group.add()
            first.leave()
            fifth, sixth = group.add(2)
            third.kill()
            group.finish([fourth, fifth, sixth])
            group.require_committed()

    @case(
        f"a group of {client} ({strategy}) hands over cleanly: each record is processed once",
        240,
        own_process=True,
    )
    def clean_handover(context: Context):
        with (
            context.own_broker(QUICK) as broker,
            crowd(broker, client, strategy, context) as group,
        ):
            (first,) = group.add()
            group.feeding.start()
            second, third = group.add(2)
            first.leave()
            (fourth,) = group.add()
            second.leave()
            group.finish([third, fourth])
            twice = [value for value, count in group.processed().items() if count > 1]
            if twice:
                raise AssertionError(f"{len(twice)} records came twice, such as {twice[:3]}")
            group.require_committed()


for kind in KINDS:
    add_cases(*kind)


@case("a group moves to the new protocol and back while it works", 240, own_process=True)
def migration(context: Context):
    with (
        context.own_broker(QUICK) as broker,
        crowd(broker, "confluent-kafka", "cooperative-sticky", context) as group,
    ):
        classic = group.add(2)
        group.feeding.start()
        new = group.add(1, clients.member.NEW_PROTOCOL)
        classic.pop().leave()
        new += group.add(1, clients.member.NEW_PROTOCOL)
        for member in new:
            member.leave()
        classic += group.add(1)
        group.finish(classic)
        group.require_committed()
        log = broker.log_text()
        for step in ("becomes a consumer group", "becomes a classic group"):
            if step not in log:
                raise AssertionError(f"the broker does not say that the group {step}")


@case("a group and its offsets survive a kill of the broker", 240, own_process=True)
def broker_killed(context: Context):
    with (
        context.own_broker(QUICK) as broker,
        crowd(broker, "confluent-kafka", "range", context) as group,
    ):
        members = group.add(2)
        group.feeding.start()
        time.sleep(1)
        before = group.processed().total()
        broker.restart_after_kill()
        # The members are found in the group that they were in, without a rebalance.
        admin = confluent_admin(broker.address)
        described = settle(admin.describe_consumer_groups([group.group]))[group.group]
        if described.state != ConsumerGroupState.STABLE or len(described.members) != 2:
            raise AssertionError(f"{described.state}, {len(described.members)} members")
        group.finish(members)
        if before == 0:
            raise AssertionError("nothing was processed before the kill")
        group.require_committed()


@case("admin clients list, describe, move and delete groups", own_process=True)
def administration(context: Context):
    with (
        context.own_broker(QUICK) as broker,
        crowd(broker, "confluent-kafka", "range", context) as group,
    ):
        members = group.add(2)
        group.feeding.start()
        admin = confluent_admin(broker.address)
        listed = admin.list_consumer_groups(states={ConsumerGroupState.STABLE}).result(30).valid
        if [g.group_id for g in listed] != [group.group]:
            raise AssertionError(f"listed: {listed}")
        described = settle(admin.describe_consumer_groups([group.group]))[group.group]
        shares = sorted(
            p.partition for m in described.members for p in m.assignment.topic_partitions
        )
        if described.partition_assignor != "range" or shares != list(range(PARTITIONS)):
            raise AssertionError(f"described: {described.partition_assignor}, {shares}")
        group.finish(members)
        described = settle(admin.describe_consumer_groups([group.group]))[group.group]
        if described.state != ConsumerGroupState.EMPTY:
            raise AssertionError(f"after all left: {described.state}")
        python_admin = kafka_python_admin(broker.address)
        try:
            settle(admin.delete_consumer_groups([group.group]))
            left = python_admin.list_groups()
        finally:
            python_admin.close()
        if left:
            raise AssertionError(f"after the deletion: {left}")
