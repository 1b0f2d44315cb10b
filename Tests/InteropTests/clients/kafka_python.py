"""kafka-python: pure Python, with its own codec for everything."""

import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from record import Consumed


def producer(address, **settings) -> KafkaProducer:
    config = dict(bootstrap_servers=address, acks="all", linger_ms=5, batch_size=262_144)
    config.update(settings)
    return KafkaProducer(**config)


def consumer(address, **settings) -> KafkaConsumer:
    config = dict(
        bootstrap_servers=address,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_poll_records=10_000,
    )
    config.update(settings)
    return KafkaConsumer(**config)


def as_consumed(message) -> Consumed:
    headers = tuple((name, value) for name, value in message.headers or ())
    return Consumed(message.offset, message.key, message.value, headers, message.timestamp)


def send(client, topic, partition, record):
    return client.send(
        topic,
        partition=partition,
        key=record.key,
        value=record.value,
        headers=list(record.headers),
        timestamp_ms=record.timestamp,
    )


def require_delivered(futures, seconds=90):
    for future in futures:
        future.get(timeout=seconds)


def read_to_end(client, partition, start, seconds=90):
    client.assign([partition])
    client.seek(partition, start)
    end = client.end_offsets([partition])[partition]
    deadline = time.monotonic() + seconds
    found = []
    while client.position(partition) < end:
        if time.monotonic() > deadline:
            raise AssertionError(f"at {client.position(partition)} of {end} after {seconds} s")
        for messages in client.poll(500).values():
            found += [as_consumed(message) for message in messages]
    return found


class KafkaPython:
    name = "kafka-python"
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")

    def sendable(self, records):
        # It refuses null header values, and records with neither key nor value.
        def whole(record):
            headers = tuple((name, value or b"") for name, value in record.headers)
            return record._replace(headers=headers)

        return [whole(r) for r in records if r.key is not None or r.value is not None]

    def produce(self, address, topic, partition, records, codec="none", idempotent=False):
        client = producer(
            address,
            compression_type=None if codec == "none" else codec,
            enable_idempotence=idempotent,
        )
        try:
            futures = [send(client, topic, partition, record) for record in records]
            client.flush(90)
            require_delivered(futures)
        finally:
            client.close(timeout=5)

    def consume(self, address, topic, partition, start=0):
        client = consumer(address)
        try:
            return read_to_end(client, TopicPartition(topic, partition), start)
        finally:
            client.close()
