#!/usr/bin/env python3
"""Writes golden frames: what real clients send to a broker, and what it answers.

A proxy stands between the clients and a brokerd that advertises the proxy's address. For each
client one file is written, Tests/WireProtocolTests/Golden/<client>.frames, one frame a line:

    <client> <request|response> <API key> <version> <hex of the frame, without its length>

Of all frames with the same direction, key and version one is kept: the longest that is not over
2,000 bytes, because an empty answer shows little.
"""

import argparse
import logging
import socket
import struct
import sys
import tempfile
import threading
from pathlib import Path

import corpus
import wire
from broker import Broker, OutsideBroker
from clients import aio_kafka, all_clients, confluent, kafka_python, kcat
from clients.admin import alter, confluent_admin, describe_topic, kafka_python_admin, settle
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewPartitions, NewTopic, OffsetSpec
from kafka import TopicPartition as KPTopicPartition
from kafka.admin import ConfigResource as KPConfigResource
from record import Record

GOLDEN = Path(__file__).resolve().parent.parent / "WireProtocolTests" / "Golden"
BEARABLE = 2_000
VERSIONS = ((0, 11), (1, 0), (2, 0), (2, 1), (2, 3), (2, 4), (2, 8), (3, 1), (3, 5), (3, 7), (4, 0))


def is_overlong(key, version, frame: bytes) -> bool:
    """Whether this is librdkafka's Metadata for all topics, which has bytes behind its body.

    A reader passes them over, so that the frame is not what a writer makes of it.
    """
    if key != wire.METADATA or version < 11:
        return False
    body = wire.Reader(frame)
    body.take(8)
    body.string()
    body.uvarint()
    # No list of topics; then two flags, and no tagged fields.
    return body.uvarint() == 0 and len(frame) > body.at + 3


class Frames:
    """The frames of one client that are worth keeping."""

    def __init__(self):
        self.lock = threading.Lock()
        self.kept = {}

    def add(self, direction, key, version, frame: bytes):
        place = (key, version, direction)

        def worth(data):
            return (len(data) <= BEARABLE, len(data) if len(data) <= BEARABLE else -len(data))

        with self.lock:
            before = self.kept.get(place)
            if before is None or worth(frame) > worth(before):
                self.kept[place] = frame

    def write(self, client, folder: Path) -> int:
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / f"{client}.frames", "w") as file:
            for (key, version, direction), frame in sorted(self.kept.items()):
                file.write(f"{client} {direction} {key} {version} {frame.hex()}\n")
        return len(self.kept)


class Proxy:
    """Passes frames on as they are, and shows each to `frames` first."""

    def __init__(self, port=0):
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.upstream = 0
        self.frames = Frames()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            try:
                broker = socket.create_connection(("127.0.0.1", self.upstream))
            except OSError:
                client.close()
                continue
            waiting = {}
            for source, sink, see in (
                (client, broker, self._request),
                (broker, client, self._response),
            ):
                arguments = (source, sink, see, waiting, self.frames)
                threading.Thread(target=self._pump, args=arguments, daemon=True).start()

    @staticmethod
    def _pump(source, sink, see, waiting, frames):
        try:
            with source.makefile("rb") as stream:
                while len(head := stream.read(4)) == 4:
                    frame = stream.read(struct.unpack(">i", head)[0])
                    see(frame, waiting, frames)
                    sink.sendall(head + frame)
        except (OSError, ValueError, struct.error):
            pass
        finally:
            for one in (source, sink):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    @staticmethod
    def _request(frame, waiting, frames):
        key, version, correlation = struct.unpack(">hhi", frame[:8])
        waiting[correlation] = (key, version)
        if not is_overlong(key, version, frame):
            frames.add("request", key, version, frame)

    @staticmethod
    def _response(frame, waiting, frames):
        (correlation,) = struct.unpack(">i", frame[:4])
        key, version = waiting.pop(correlation)
        frames.add("response", key, version, frame)


RECORDS = [
    Record(b"key %d" % i, b"a value", (("name", b"header"),), corpus.EPOCH + i) for i in range(5)
]


def produce_and_consume(client, address, topic):
    for idempotent in (False, True):
        client.produce(address, topic, 0, client.sendable(RECORDS), "none", idempotent)
    client.consume(address, topic, 0)


def work_kcat(address, topic):
    produce_and_consume(kcat.Kcat(), address, topic)
    kcat.run(address, "-L")
    kcat.run(address, "-Q", "-t", f"{topic}:0:{corpus.EPOCH}")


def work_confluent(address, topic):
    admin = confluent_admin(address)
    settle(admin.create_topics([NewTopic(topic, 1, 1, config={"retention.ms": "9999999"})]))
    settle(admin.create_partitions([NewPartitions(topic, 2)]))
    produce_and_consume(confluent.Confluent(), address, topic)
    describe_topic(admin, topic)
    alter(admin, topic, retention_ms="8888888")
    there = TopicPartition(topic, 0)
    settle(admin.list_offsets({there: OffsetSpec.for_timestamp(corpus.EPOCH)}))
    settle(admin.delete_records([TopicPartition(topic, 0, 1)]))
    admin.describe_cluster().result(20)
    settle(admin.delete_topics([topic]))


def work_kafka_python(address, topic):
    for version in (None, *VERSIONS):
        name = topic if version is None else f"{topic}-{version[0]}.{version[1]}"
        producer = kafka_python.producer(address, api_version=version)
        kafka_python.require_delivered(
            [kafka_python.send(producer, name, 0, record) for record in RECORDS]
        )
        producer.close()
        consumer = kafka_python.consumer(address, api_version=version)
        there = KPTopicPartition(name, 0)
        kafka_python.read_to_end(consumer, there, 0)
        consumer.offsets_for_times({there: corpus.EPOCH})
        consumer.close()
        admin = kafka_python_admin(address, api_version=version)
        if version is None or version >= (2, 4):
            admin.create_topics({f"{name}-made": {"num_partitions": 2, "replication_factor": 1}})
            admin.describe_topics([f"{name}-made"])
            admin.create_partitions({f"{name}-made": 3})
            admin.describe_configs([KPConfigResource("TOPIC", name)])
            admin.alter_configs([KPConfigResource("TOPIC", name, {"retention.ms": "2000000"})])
            # Over DescribeCluster 0, kafka-python trips over a field that came with version 1.
            if version is None or version < (2, 8) or version >= (3, 7):
                admin.describe_cluster()
            admin.delete_records({there: 1})
            admin.delete_topics([f"{name}-made"])
        admin.delete_topics([name])
        admin.close()


def work_aiokafka(address, topic):
    produce_and_consume(aio_kafka.AIOKafka(), address, topic)


WORK = {
    "kcat": work_kcat,
    "confluent-kafka": work_confluent,
    "kafka-python": work_kafka_python,
    "aiokafka": work_aiokafka,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brokerd", help="the brokerd to run")
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="use this running Kafka instead")
    parser.add_argument("--listen", type=int, default=0, help="the proxy's own port")
    parser.add_argument("--output", type=Path, default=GOLDEN)
    parser.add_argument("--only", choices=sorted(WORK), action="append")
    options = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    assert {client.name for client in all_clients()} == set(WORK)

    failed = False
    proxy = Proxy(options.listen)
    with tempfile.TemporaryDirectory(prefix="apus-capture-") as folder:
        broker = (
            OutsideBroker(options.bootstrap)
            if options.bootstrap
            else Broker(options.brokerd, Path(folder), advertised=proxy.address)
        )
        with broker:
            proxy.upstream = broker.port
            for client in options.only or WORK:
                proxy.frames = Frames()
                try:
                    WORK[client](proxy.address, f"golden-{client}")
                except Exception as error:
                    # What was seen until then is still worth having.
                    print(f"FAILED  {client}: {type(error).__name__}: {error}", flush=True)
                    failed = True
                print(f"{client}: {proxy.frames.write(client, options.output)} frames", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
