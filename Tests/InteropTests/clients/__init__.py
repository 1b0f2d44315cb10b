"""One adapter a client. Each offers the same few calls, so that cases can cross them freely:

    name                                     as shown in the names of cases
    codecs                                   what it can compress with; all can read all
    sendable(records) -> records             what arrives when these are produced: a client that
                                             cannot send a part (kcat: timestamps) leaves it out,
                                             and a timestamp left out is None
    produce(address, topic, partition, records, codec="none", idempotent=False)
                                             returns once every record is acknowledged (acks=all)
    consume(address, topic, partition, start=0) -> [Consumed]
                                             from `start` to the end offset at the time of the call

No adapter joins a group or commits an offset: each consumer is assigned its partition.
"""

from clients.aio_kafka import AIOKafka
from clients.confluent import Confluent
from clients.kafka_python import KafkaPython
from clients.kcat import Kcat

ALL_CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def all_clients() -> list:
    return [Kcat(), Confluent(), KafkaPython(), AIOKafka()]
