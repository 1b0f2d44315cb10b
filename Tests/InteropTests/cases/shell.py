"""The `apus` command beside other clients: what one writes the others read, and groups as they are."""

import time
from functools import partial

from clients import kcat
from clients.apus import Apus
from clients.confluent import Confluent
from clients.kafka_python import KafkaPython
from confluent_kafka import Consumer
from harness import Context, case

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
LINES = [f"key {i % 7}:value {i}, as long as a line may be in practice" for i in range(2000)]


def expect(what, expected, found):
    if expected != found:
        raise AssertionError(f"{what}: expected {expected!r}, found {found!r}")


def written_by_apus(codec, context: Context):
    apus, topic = Apus(context.apus, context.address), context.topic("apus")
    apus.run("topic", "create", topic)
    apus.produce(topic, LINES, "--key-separator", ":", "--compression", codec, "--header", "a=b")
    expected = [tuple(part.encode() for part in line.split(":", 1)) for line in LINES]
    for client in (kcat.Kcat(), KafkaPython(), Confluent()):
        found = client.consume(context.address, topic, 0)
        expect(f"{client.name} reads", expected, [(r.key, r.value) for r in found])
        expect(f"{client.name} sees the headers", {(("a", b"b"),)}, {r.headers for r in found})


def read_by_apus(codec, context: Context):
    apus, topic = Apus(context.apus, context.address), context.topic("apus")
    apus.run("topic", "create", topic)
    text = "".join(f"{line}\n" for line in LINES).encode()
    kcat.run(context.address, "-P", "-t", topic, "-z", codec, "-K:", stdin=text)
    expect("apus reads", text, apus.run("consume", topic, "--key-separator", ":"))


for codec in CODECS:
    case(f"what apus writes with {codec} others read")(partial(written_by_apus, codec))
    case(f"what kcat writes with {codec} apus reads")(partial(read_by_apus, codec))


def read_and_commit(address, group, topic, protocol, count):
    """A member that reads `count` records and stays; the caller closes it."""
    member = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": group,
            "group.protocol": protocol,
            "client.id": "reader",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    member.subscribe([topic])
    seen, deadline = 0, time.monotonic() + 30
    while seen < count:
        if time.monotonic() > deadline:
            raise AssertionError(f"{seen} of {count} records came")
        message = member.poll(0.5)
        if message is not None and not message.error():
            member.commit(message, asynchronous=False)
            seen += 1
    return member


def life_of_a_group(protocol, context: Context):
    apus, topic = Apus(context.apus, context.address), context.topic("apus")
    group = f"{topic}-group"
    apus.run("topic", "create", topic, "--partitions", "2")
    apus.produce(topic, LINES[:100], "--partition", "1")
    member = read_and_commit(context.address, group, topic, protocol, 30)
    try:
        described = apus.group(group)
        expect("type and lag", (protocol, 70), (described["type"], described["lag"]))
        expect("members", ["reader"], [m["client"] for m in described["members"]])
        parts = [(p["partition"], p["committed"], p["end"]) for p in described["partitions"]]
        expect("partitions", [(0, None, 0), (1, 30, 100)], parts)
        move = ("group", "reset-offsets", group, "--topic", topic, "--shift-by", "-20")
        apus.run(*move, "--execute", code=1)
    finally:
        member.close()
    move = ("group", "reset-offsets", group, "--topic", f"{topic}:1", "--shift-by", "-20")
    [plan] = apus.objects(*move)
    expect("plan", (30, 10, False), (plan["current"], plan["new"], plan["executed"]))
    expect("lag after the plan", 70, apus.group(group)["lag"])
    apus.run(*move, "--execute")
    expect("lag after the move", 90, apus.group(group)["lag"])
    read_and_commit(context.address, group, topic, protocol, 90).close()
    expect("lag at the end", 0, apus.group(group)["lag"])
    apus.run("group", "delete", group, "--execute")
    expect("groups left", [], [g for g in apus.objects("group", "list") if g["group"] == group])


for protocol in ("classic", "consumer"):
    case(f"apus shows, moves and deletes a group of the {protocol} protocol")(
        partial(life_of_a_group, protocol)
    )
