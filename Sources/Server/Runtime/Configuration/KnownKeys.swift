/// Kafka's settings that the server does not act on, so that a server.properties written for Kafka
/// is either served, with a word about what has no effect, or refused with the reason.
enum KnownKeys {
    /// What to do with a name that is not declared.
    enum Answer: Equatable {
        /// Taken, and named in the one warning line about such settings.
        case withoutEffect
        /// Refused: going on would break what the setting promises.
        case refused(String)
    }

    static func answer(to name: String, value: String) -> Answer? {
        for (prefix, reason) in refusedPrefixes where name.hasPrefix(prefix) {
            return .refused(reason)
        }
        if let refusal = refusedUnless[name] {
            let harmless = refusal.harmless == ConfigurationText.trim(value).lowercased()
            return harmless ? .withoutEffect : .refused(refusal.reason)
        }
        if accepted.contains(name) || acceptedPrefixes.contains(where: name.hasPrefix) {
            return .withoutEffect
        }
        return nil
    }

    static let refusedPrefixes: [(prefix: String, reason: String)] = [
        (
            "zookeeper.",
            "there is no ZooKeeper here: the cluster's metadata lives in the brokers' own log"
        ),
        (
            "config.providers",
            "values from elsewhere are not fetched: write the value itself, or use --override"
        ),
    ]

    /// Settings with one value that asks for nothing; any other asks for what is not done.
    static let refusedUnless: [String: (harmless: String, reason: String)] = [
        "authorizer.class.name": ("", "access control is not there yet and would not be enforced"),
        "create.topic.policy.class.name": ("", "policies in Java classes cannot be enforced"),
        "alter.config.policy.class.name": ("", "policies in Java classes cannot be enforced"),
        "client.quota.callback.class": ("", "quota callbacks in Java classes cannot be run"),
        "remote.log.storage.system.enable": ("false", "tiered storage is not offered"),
        "control.plane.listener.name": ("", "Kafka has it in ZooKeeper mode only"),
    ]

    static let acceptedPrefixes: [String] = [
        "sasl.", "ssl.", "listener.name.", "delegation.token.", "password.encoder.", "rlmm.config.",
        "rsm.config.", "remote.log.", "group.coordinator.", "group.share.", "group.streams.",
        "share.coordinator.",
    ]

    static let accepted: Set<String> = [
        "controller.quorum.append.linger.ms", "controller.quorum.auto.join.enable",
        "controller.quorum.election.backoff.max.ms", "controller.quorum.election.timeout.ms",
        "controller.quorum.fetch.max.bytes", "controller.quorum.fetch.snapshot.max.bytes",
        "controller.quorum.fetch.timeout.ms", "controller.quorum.request.timeout.ms",
        "controller.quorum.retry.backoff.ms",
        "metadata.log.max.record.bytes.between.snapshots",
        "metadata.log.max.snapshot.interval.ms", "metadata.log.segment.bytes",
        "metadata.log.segment.ms", "offsets.commit.timeout.ms",

        "offsets.commit.required.acks",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        "transaction.max.timeout.ms", "transaction.partition.verification.enable",
        "transaction.remove.expired.transaction.cleanup.interval.ms",
        "transaction.state.log.load.buffer.size", "transaction.state.log.min.isr",
        "transaction.state.log.num.partitions", "transaction.state.log.replication.factor",
        "transaction.state.log.segment.bytes", "transaction.two.phase.commit.enable",
        "allow.everyone.if.no.acl.found", "alter.log.dirs.replication.quota.window.num",
        "alter.log.dirs.replication.quota.window.size.seconds", "auto.include.jmx.reporter",
        "auto.leader.rebalance.enable", "broker.heartbeat.interval.ms",
        "broker.id.generation.enable", "broker.session.timeout.ms",
        "connection.failed.authentication.delay.ms", "connections.max.reauth.ms",
        "controlled.shutdown.enable", "controlled.shutdown.max.retries",
        "controlled.shutdown.retry.backoff.ms", "controller.quota.window.num",
        "controller.quota.window.size.seconds", "controller.socket.timeout.ms",
        "delete.records.purgatory.purge.interval.requests", "early.start.listeners",
        "eligible.leader.replicas.enable", "fetch.purgatory.purge.interval.requests",
        "group.consumer.assignor.offload.enable", "group.consumer.regex.refresh.interval.ms",
        "initial.broker.registration.timeout.ms",
        "inter.broker.protocol.version", "kafka.metrics.polling.interval.secs",
        "kafka.metrics.reporters", "leader.imbalance.check.interval.seconds",
        "leader.imbalance.per.broker.percentage", "log.dir.failure.timeout.ms",
        "log.local.retention.bytes", "log.local.retention.ms",
        "log.message.downconversion.enable", "log.message.format.version",
        "log.message.timestamp.difference.max.ms", "max.connection.creation.rate",
        "metadata.max.idle.interval.ms", "metadata.max.retention.bytes",
        "metadata.max.retention.ms", "metric.reporters", "metrics.num.samples",
        "metrics.recording.level", "metrics.sample.window.ms", "num.io.threads",
        "num.replica.alter.log.dirs.threads", "num.replica.fetchers", "principal.builder.class",
        "producer.purgatory.purge.interval.requests", "queued.max.requests", "quota.window.num",
        "quota.window.size.seconds", "remote.fetch.max.wait.ms",
        "remote.list.offsets.request.timeout.ms", "replica.fetch.backoff.ms",
        "replica.fetch.max.bytes", "replica.fetch.min.bytes", "replica.fetch.response.max.bytes",
        "replica.fetch.wait.max.ms", "replica.lag.time.max.ms", "replica.selector.class",
        "replica.socket.receive.buffer.bytes", "replica.socket.timeout.ms",
        "replication.quota.window.num", "replication.quota.window.size.seconds",
        "request.timeout.ms", "reserved.broker.max.id", "security.providers",
        "server.max.startup.time.ms", "share.fetch.purgatory.purge.interval.requests",
        "socket.connection.setup.timeout.max.ms", "socket.connection.setup.timeout.ms",
        "super.users", "telemetry.max.bytes", "transactional.id.expiration.ms",
        "unclean.leader.election.interval.ms", "unstable.api.versions.enable",
        "unstable.feature.versions.enable",
    ]

    /// For the nearest right name.
    static let suggestions: [String] = accepted.sorted()
}
