"""Consumer groups of both protocols: members that come, go and die, and a broker that does."""

import time
from contextlib import contextmanager
from functools import partial

from clients.admin import confluent_admin, kafka_python_admin, settle
from clients.member import NEW_PROTOCOL
from confluent_kafka import ConsumerGroupState
from crowd import PARTITIONS, crowd
from harness import Context, case

#: The broker's own; short, so that groups of one start soon, and the new protocol's times like
#: those of `clients/member.py`.
QUICK = {
    "group.initial.rebalance.delay.ms": "200",
    "group.consumer.min.session.timeout.ms": "6000",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.heartbeat.interval.ms": "500",
    "group.consumer.heartbeat.interval.ms": "500",
}

#: Every client with every way of assigning that it has, and what the short form puts it through.
KINDS = {
    ("confluent-kafka", "range"): {"handover"},
    ("confluent-kafka", "roundrobin"): set(),
    ("confluent-kafka", "cooperative-sticky"): {"deaths"},
    ("confluent-kafka", NEW_PROTOCOL): {"deaths", "handover", "broker"},
    ("kafka-python", "range"): {"handover"},
    ("kafka-python", "roundrobin"): set(),
    ("aiokafka", "range"): {"broker"},
    ("aiokafka", "roundrobin"): {"handover"},
}


@contextmanager
def working_group(context: Context, kind, members=1):
    """A broker of its own, and a group that has its partitions and is being fed."""
    with context.own_broker(QUICK) as broker, crowd(broker, *kind, context) as group:
        group.add(members)
        group.feeding.start()
        yield broker, group


def comings_and_goings(deaths, kind, context: Context):
    steps, pause, most = (6, 1, 4) if context.short else (18, 2, 12)
    with working_group(context, kind) as (_, group):
        group.come_and_go(steps, pause, most, deaths, seed=str(kind))
        group.finish()
        if not deaths:
            group.require_each_once()


def broker_killed(kind, context: Context):
    with working_group(context, kind, 2) as (broker, group):
        deadline = time.monotonic() + 30
        while min(group.committed()) < 1:
            if time.monotonic() > deadline:
                raise AssertionError("nothing was committed before the kill")
            time.sleep(0.1)
        for _ in range(1 if context.short else 3):
            time.sleep(1)
            before = group.committed()
            broker.restart_after_kill()
            # The members are found in the group that they were in, without a rebalance.
            admin = confluent_admin(broker.address)
            described = settle(admin.describe_consumer_groups([group.group]))[group.group]
            if described.state != ConsumerGroupState.STABLE or len(described.members) != 2:
                raise AssertionError(f"{described.state}, {len(described.members)} members")
            after = group.committed()
            if any(now < then for now, then in zip(after, before, strict=True)):
                raise AssertionError(f"committed {after}, before the kill {before}")
        group.finish()


def add_cases(kind, short):
    """What every kind is put through; in the short form only what `short` names."""

    def add(what, body, in_short):
        name = f"groups of {kind[0]} ({kind[1]}): {what}"
        case(name, 300, own_process=True, full_only=in_short not in short)(partial(body, kind))

    add(
        "members join, leave and die every few seconds, nothing is skipped",
        partial(comings_and_goings, True),
        "deaths",
    )
    add(
        "members join and leave every few seconds, each record is processed once",
        partial(comings_and_goings, False),
        "handover",
    )
    add("members and offsets survive a kill of the broker", broker_killed, "broker")


for kind, short in KINDS.items():
    add_cases(kind, short)


@case("groups move to the new protocol and back while they work", 240, own_process=True)
def migration(context: Context):
    kind = ("confluent-kafka", "cooperative-sticky")
    with working_group(context, kind, 2) as (broker, group):
        group.add(1, NEW_PROTOCOL)
        group.take(1).leave()
        group.add(1, NEW_PROTOCOL)
        for _ in range(2):
            group.take(1).leave()
        group.add(1)
        group.finish()
        log = broker.log_text()
        for step in ("becomes a consumer group", "becomes a classic group"):
            if step not in log:
                raise AssertionError(f"the broker does not say that the group {step}")


@case("groups: admin clients list, describe and delete them", own_process=True)
def administration(context: Context):
    with working_group(context, ("confluent-kafka", "range"), 2) as (broker, group):
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
        group.finish()
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
