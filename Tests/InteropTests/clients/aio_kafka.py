"""aiokafka: asyncio, batches built in C, codecs through cramjam."""

import asyncio
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from record import Consumed


def producer(address, **settings) -> AIOKafkaProducer:
    config = dict(bootstrap_servers=address, acks="all", linger_ms=5, max_batch_size=262_144)
    config.update(settings)
    return AIOKafkaProducer(**config)


def consumer(address, **settings) -> AIOKafkaConsumer:
    config = dict(
        bootstrap_servers=address,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
    )
    config.update(settings)
    return AIOKafkaConsumer(**config)


async def send_all(client, topic, partition, records, at_index=None):
    """Sends in order and waits for all. `at_index` maps an index to a call made before it."""
    futures = []
    for index, record in enumerate(records):
        if at_index and index in at_index:
            await at_index[index](futures)
        futures.append(
            await client.send(
                topic,
                partition=partition,
                key=record.key,
                value=record.value,
                headers=list(record.headers),
                timestamp_ms=record.timestamp,
            )
        )
    await asyncio.wait_for(asyncio.gather(*futures), 90)


async def read_to_end(client, partition, start, seconds=90):
    client.assign([partition])
    client.seek(partition, start)
    end = (await client.end_offsets([partition]))[partition]
    deadline = time.monotonic() + seconds
    found = []
    while await client.position(partition) < end:
        if time.monotonic() > deadline:
            at = await client.position(partition)
            raise AssertionError(f"at {at} of {end} after {seconds} s")
        for messages in (await client.getmany(partition, timeout_ms=500)).values():
            for m in messages:
                headers = tuple((name, value) for name, value in m.headers)
                found.append(Consumed(m.offset, m.key, m.value, headers, m.timestamp))
    return found


class AIOKafka:
    name = "aiokafka"
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")

    def sendable(self, records):
        return [r for r in records if r.key is not None or r.value is not None]

    def produce(self, address, topic, partition, records, codec="none", idempotent=False):
        async def work():
            client = producer(
                address,
                compression_type=None if codec == "none" else codec,
                enable_idempotence=idempotent,
            )
            await client.start()
            try:
                await send_all(client, topic, partition, records)
            finally:
                await client.stop()

        asyncio.run(work())

    def consume(self, address, topic, partition, start=0):
        async def work():
            client = consumer(address)
            await client.start()
            try:
                return await read_to_end(client, TopicPartition(topic, partition), start)
            finally:
                await client.stop()

        return asyncio.run(work())
