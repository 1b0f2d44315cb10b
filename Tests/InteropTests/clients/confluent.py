"""confluent-kafka: librdkafka, a recent version."""

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from record import Consumed

#: Keeps the client's own log lines (each refused connection of a restart) off the output.
QUIET = {"log_level": 0}


def producer(address, **settings) -> Producer:
    """Settings are librdkafka's, with `_` for `.`."""
    config = {"bootstrap.servers": address, "acks": "all", "linger.ms": 5, **QUIET}
    config.update({key.replace("_", "."): value for key, value in settings.items()})
    return Producer(config)


def consumer(address, **settings) -> Consumer:
    config = {
        "bootstrap.servers": address,
        # librdkafka wants a name; without subscribe and commit nothing is done with it.
        "group.id": "unused",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        # The end of a partition is told by an empty answer: how long a fetch waits for one.
        "fetch.wait.max.ms": 20,
        "auto.offset.reset": "error",
        **QUIET,
    }
    config.update({key.replace("_", "."): value for key, value in settings.items()})
    return Consumer(config)


class Sending:
    """Sends without waiting, and remembers what was acknowledged."""

    def __init__(self, address, **settings):
        self.producer = producer(address, **settings)
        self.acknowledged = 0
        self.errors = []

    def _delivered(self, error, message):
        if error is not None:
            self.errors.append(error)
        else:
            self.acknowledged += 1

    def send(self, topic, partition, record):
        while True:
            try:
                self.producer.produce(
                    topic,
                    partition=partition,
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers) or None,
                    timestamp=record.timestamp or 0,
                    on_delivery=self._delivered,
                )
                break
            except BufferError:
                self.producer.poll(0.1)
        self.producer.poll(0)

    def finish(self, seconds=90):
        left = self.producer.flush(seconds)
        if self.errors:
            raise AssertionError(f"{len(self.errors)} not delivered, first: {self.errors[0]}")
        if left:
            raise AssertionError(f"{left} not acknowledged after {seconds} s")


def as_consumed(message) -> Consumed:
    headers = tuple((name, value) for name, value in message.headers() or ())
    return Consumed(
        message.offset(), message.key(), message.value(), headers, message.timestamp()[1]
    )


def read_to_end(client, partitions, seconds=90, at_once=10_000):
    """Every message of `partitions` ([TopicPartition] with offsets) up to each one's end."""
    client.assign(partitions)
    open_ends = {(p.topic, p.partition) for p in partitions}
    deadline = time.monotonic() + seconds
    while open_ends:
        if time.monotonic() > deadline:
            raise AssertionError(f"consumer saw no end of {sorted(open_ends)} in {seconds} s")
        # consume() waits until it has as many as it may return, or its time is over; so wait for
        # one, and then take what is there.
        first = client.poll(0.5)
        for message in [first, *client.consume(at_once, 0)] if first is not None else ():
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                open_ends.discard((message.topic(), message.partition()))
            elif not error.retriable() and error.code() not in (
                KafkaError._TRANSPORT,
                KafkaError._ALL_BROKERS_DOWN,
                KafkaError._RESOLVE,
            ):
                raise KafkaException(error)


class Confluent:
    name = "confluent-kafka"
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")

    def sendable(self, records):
        return records

    def produce(self, address, topic, partition, records, codec="none", idempotent=False):
        sending = Sending(address, compression_type=codec, enable_idempotence=idempotent)
        for record in records:
            sending.send(topic, partition, record)
        sending.finish()

    def consume(self, address, topic, partition, start=0):
        client = consumer(address)
        try:
            there = [TopicPartition(topic, partition, start)]
            return [as_consumed(message) for message in read_to_end(client, there)]
        finally:
            client.close()
