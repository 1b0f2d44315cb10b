"""Many small records: every one arrives once, in order."""

from clients.admin import confluent_admin, settle
from clients.confluent import Sending, consumer, read_to_end
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewTopic
from harness import Context, case
from record import Record

PARTITIONS = 12
FULL, SHORT = 1_000_000, 50_000


def value_of(partition: int, number: int) -> bytes:
    """100 bytes that say where they belong."""
    return b"%02d-%09d-" % (partition, number) + b"." * 87


@case("a million 100-byte records over 12 partitions, in order", seconds=400)
def million(context: Context):
    total = SHORT if context.short else FULL
    topic = context.topic("volume")
    admin = confluent_admin(context.address)
    settle(admin.create_topics([NewTopic(topic, PARTITIONS, 1)]))

    sending = Sending(
        context.address,
        enable_idempotence=True,
        queue_buffering_max_messages=500_000,
    )
    for number in range(total):
        partition = number % PARTITIONS
        sending.send(topic, partition, Record(None, value_of(partition, number // PARTITIONS)))
    sending.finish(200)
    if sending.acknowledged != total:
        raise AssertionError(f"{sending.acknowledged} of {total} acknowledged")

    seen = [0] * PARTITIONS
    reader = consumer(context.address)
    try:
        for message in read_to_end(
            reader, [TopicPartition(topic, p, 0) for p in range(PARTITIONS)], seconds=200
        ):
            partition = message.partition()
            number = seen[partition]
            if message.offset() != number or message.value() != value_of(partition, number):
                raise AssertionError(
                    f"partition {partition}: expected number {number},"
                    f" found {message.value()[:12]} at offset {message.offset()}"
                )
            seen[partition] += 1
    finally:
        reader.close()
    if sum(seen) != total:
        raise AssertionError(f"{sum(seen)} of {total} read: {seen}")
