"""What an operator sees without a Kafka client: /metrics and /healthz over HTTP."""

import re
import urllib.error
import urllib.request

from broker import Broker
from clients.admin import kafka_python_admin
from clients.kafka_python import consumer, producer, require_delivered, send
from harness import Context, case
from record import Record

METRICS = {"metrics.listener": "127.0.0.1:0", "group.initial.rebalance.delay.ms": "0"}
LISTENS = re.compile(r"metrics at (http://\S+)/metrics")
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? ([0-9.]+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def get(broker: Broker, path: str) -> str:
    base = LISTENS.findall(broker.log_text())[-1]
    with urllib.request.urlopen(base + path, timeout=20) as answer:
        return answer.read().decode()


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)


def scrape(broker: Broker) -> dict:
    """{(name, labels as sorted pairs): value}"""
    found = {}
    for line in get(broker, "/metrics").splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        if not match:
            raise AssertionError(f"not a sample: {line}")
        name, labels, value = match.groups()
        pairs = [(key, unescaped(text)) for key, text in LABEL.findall(labels or "")]
        found[name, tuple(sorted(pairs))] = float(value)
    return found


def lags(broker: Broker, group: str) -> dict:
    """{(topic, partition): lag} as the broker shows it."""
    shown = {}
    for (metric, labels), value in scrape(broker).items():
        labels = dict(labels)
        if metric == "kafka_consumergroup_lag" and labels["consumergroup"] == group:
            shown[labels["topic"], int(labels["partition"])] = int(value)
    return shown


def lags_by_client(address: str, group: str) -> dict:
    """The same as kafka-python works it out: the ends less what is committed."""
    admin = kafka_python_admin(address)
    try:
        committed = admin.list_group_offsets({group: None})[group]
    finally:
        admin.close()
    reader = consumer(address)
    try:
        ends = reader.end_offsets(list(committed))
    finally:
        reader.close()
    return {(p.topic, p.partition): ends[p] - entry.offset for p, entry in committed.items()}


def produce(address: str, topic: str, counts: dict):
    client = producer(address)
    try:
        require_delivered(
            send(client, topic, partition, Record(None, b"%d" % i))
            for partition, count in counts.items()
            for i in range(count)
        )
    finally:
        client.close()


@case(
    "/metrics shows the lag that kafka-python works out, before and after a kill",
    120,
    own_process=True,
)
def lag(context: Context):
    group = 'a "group" \\ of mine'
    with context.own_broker(METRICS) as broker:
        admin = kafka_python_admin(broker.address)
        topic = context.topic("lag")
        admin.create_topics({topic: {"num_partitions": 3}})
        admin.close()
        produce(broker.address, topic, {0: 50, 1: 7})
        client = consumer(
            broker.address, group_id=group, auto_offset_reset="earliest", max_poll_records=20
        )
        client.subscribe([topic])
        seen = 0
        while seen == 0:
            seen = sum(len(records) for records in client.poll(1000).values())
        client.commit()
        produce(broker.address, topic, {1: 5, 2: 9})
        expected = lags_by_client(broker.address, group)
        if not expected or sum(expected.values()) != 50 + 7 + 5 + 9 - seen:
            raise AssertionError(f"kafka-python finds {expected} after {seen} records")
        shown = lags(broker, group)
        if shown != expected:
            raise AssertionError(f"/metrics says {shown}, kafka-python {expected}")
        members = scrape(broker)["kafka_consumergroup_members", (("consumergroup", group),)]
        if members != 1:
            raise AssertionError(f"{members} members, 1 expected")
        client.close()
        broker.restart_after_kill()
        if lags_by_client(broker.address, group) != expected or lags(broker, group) != expected:
            raise AssertionError(f"another lag after a kill: {lags(broker, group)}, not {expected}")


@case("/healthz says ok, other paths are not found", own_process=True)
def health(context: Context):
    with context.own_broker(METRICS) as broker:
        if get(broker, "/healthz") != "ok\n":
            raise AssertionError("/healthz does not say ok")
        try:
            get(broker, "/")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
        else:
            raise AssertionError("/ was found")
