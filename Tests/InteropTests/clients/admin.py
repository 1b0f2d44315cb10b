"""The admin clients, and what their futures bring."""

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    ResourceType,
)
from kafka import KafkaAdminClient

from clients.confluent import QUIET


def confluent_admin(address) -> AdminClient:
    return AdminClient({"bootstrap.servers": address, **QUIET})


def kafka_python_admin(address, **settings) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=address, **settings)


def settle(futures, seconds=30) -> dict:
    """Waits for all; raises the first error."""
    return {key: future.result(seconds) for key, future in futures.items()}


def topic_resource(topic, **settings) -> ConfigResource:
    """Settings with `_` for `.`."""
    dotted = {key.replace("_", "."): value for key, value in settings.items()}
    return ConfigResource(ResourceType.TOPIC, topic, set_config=dotted)


def describe_topic(admin: AdminClient, topic) -> dict:
    """{name: ConfigEntry} of a topic's settings."""
    return next(iter(settle(admin.describe_configs([topic_resource(topic)])).values()))


def is_own(entry) -> bool:
    """Whether a setting was given for the topic itself, and is not the broker's or the default."""
    return getattr(entry.source, "value", entry.source) == ConfigSource.DYNAMIC_TOPIC_CONFIG.value


def require_error(expected_codes, futures):
    """The one future must fail with one of `expected_codes` (KafkaError's numbers)."""
    (future,) = futures.values()
    try:
        found = future.result(30)
    except KafkaException as error:
        code = error.args[0].code()
        if code not in expected_codes:
            raise AssertionError(f"expected error {expected_codes}, found {error.args[0]}")
        return error.args[0]
    raise AssertionError(f"expected error {expected_codes}, found {found!r}")


def alter(admin: AdminClient, topic, **settings):
    """Sets settings of a topic one by one (IncrementalAlterConfigs); None takes one away."""
    entries = [
        ConfigEntry(
            key.replace("_", "."),
            value,
            incremental_operation=AlterConfigOpType.DELETE
            if value is None
            else AlterConfigOpType.SET,
        )
        for key, value in settings.items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    settle(admin.incremental_alter_configs([resource]))
