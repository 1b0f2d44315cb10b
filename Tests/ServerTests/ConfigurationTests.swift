import Primitives
import Server
import Testing

/// What is wrong with the settings, in one text; empty when nothing is.
private func problems(_ settings: [String: String]) -> String {
    do {
        _ = try BrokerConfiguration(settings)
        return ""
    } catch {
        return error.lines.joined(separator: "\n")
    }
}

@Suite("Broker settings")
struct BrokerConfigurationTests {
    @Test("a server.properties as Kafka ships it is served")
    func kafkasOwn() throws {
        let properties = [
            "process.roles": "broker,controller", "node.id": "1",
            "controller.quorum.bootstrap.servers": "localhost:9093",
            "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
            "inter.broker.listener.name": "PLAINTEXT",
            "advertised.listeners": "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map":
                "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL",
            "num.network.threads": "3", "num.io.threads": "8",
            "socket.send.buffer.bytes": "102400", "socket.receive.buffer.bytes": "102400",
            "socket.request.max.bytes": "104857600", "log.dirs": "/tmp/kraft-combined-logs",
            "num.partitions": "1", "num.recovery.threads.per.data.dir": "1",
            "offsets.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1", "log.retention.hours": "168",
            "log.segment.bytes": "1073741824", "log.retention.check.interval.ms": "300000",
        ].sorted { $0.key < $1.key }.map { Property(key: $0.key, value: $0.value, origin: "f:1") }
        let (configuration, warnings) = try ConfigurationLoader.load(properties, hostName: "here")
        #expect(configuration.listeners.map(\.description) == ["PLAINTEXT://:9092"])
        #expect(configuration.controllerListeners.map(\.description) == ["CONTROLLER://:9093"])
        #expect(
            configuration.advertisedListeners.map(\.description) == ["PLAINTEXT://localhost:9092"])
        #expect(configuration.interBrokerListenerName == "PLAINTEXT")
        #expect(configuration.networkThreads == 3)
        // One line for all that is known and not used, and one for each that is kept without
        // effect.
        #expect(warnings.count == 3, "\(warnings)")
        #expect(warnings.contains { $0.contains("num.io.threads, share.coordinator") })
    }

    @Test(
        "listeners are taken apart",
        arguments: [
            ("PLAINTEXT://127.0.0.1:0", "PLAINTEXT", "127.0.0.1", 0),
            ("PLAINTEXT://[::1]:9092", "PLAINTEXT", "::1", 9092),
            ("plaintext://Some-host.example:65535", "PLAINTEXT", "Some-host.example", 65535),
        ])
    func listeners(text: String, name: String, host: String, port: UInt16) throws {
        let configuration = try BrokerConfiguration(["listeners": text])
        #expect(configuration.listeners == [Listener(name: name, host: host, port: port)])
    }

    @Test("a listener without a host is advertised under the machine's name")
    func advertisedHost() throws {
        let bare = try BrokerConfiguration(["listeners": "PLAINTEXT://:9092"], hostName: "box")
        #expect(bare.advertisedListeners.map(\.description) == ["PLAINTEXT://box:9092"])
    }

    @Test(
        "what cannot be had is refused with the reason",
        arguments: [
            (["listeners": "9092"], "is not of the form NAME://host:port"),
            (["listeners": "PLAINTEXT://h:65536"], "a number from 0 to 65535"),
            (["listeners": "PLAINTEXT://::1:9092"], "an IPv6 address stands in brackets"),
            (["listeners": ""], "listeners names none"),
            (["listeners": "PLAINTEXT://a:1,PLAINTEXT://b:2"], "names PLAINTEXT twice"),
            (["listeners": "SSL://a:1"], "would speak SSL, which is not there yet"),
            (["listeners": "INSIDE://a:1"], "add INSIDE:PLAINTEXT"),
            (["listeners": "PLAINTEXT://0.0.0.0:1"], "set advertised.listeners=PLAINTEXT://"),
            (["advertised.listeners": "PLAINTEXT://0.0.0.0:1"], "nobody can connect to"),
            (["advertised.listeners": "OTHER://a:1"], "OTHER, which is none of the listeners"),
            (["inter.broker.listener.name": "X"], "is none of the listeners for brokers"),
            (["process.roles": "controller"], "a controller by itself is not there yet"),
            (["process.roles": "broker"], "not there yet"),
            (["process.roles": "brokr"], "any of broker, controller"),
            (["controller.quorum.voters": "2@a:1"], "names node 2, and this is node 1"),
            (["controller.quorum.voters": "1@a:1,2@b:1"], "names node 2"),
            (["controller.quorum.voters": "a:1"], "not of the form id@host:port"),
            (["controller.quorum.bootstrap.servers": "a:1"], "none of this node's"),
            (["node.id": "1", "broker.id": "2"], "broker.id=2 is not node.id=1"),
            (["node.id": "-1"], "at least 0"),
            (["node.id": "2147483648"], "is no int"),
            (["log.dirs": "/a,/a"], "a directory twice"),
            (["log.dirs": "/a,/a/"], "a directory twice"),
            (["log.dirs": "/a,,/b"], "an empty directory between its commas"),
            (["log.dirs": "/a,/b", "metadata.log.dir": "/c"], "is not one of log.dirs (/a,/b)"),
            (["log.retention.hours": "0"], "would delete everything"),
            (["queued.max.request.bytes": "5"], "one request might never fit"),
            (["max.connections.per.ip": "0"], "lets nobody connect"),
            (["max.connections.per.ip.overrides": "h"], "not of the form address:count"),
            (["group.consumer.max.sizes": "5"], "did you mean group.consumer.max.size?"),
            (["authorizer.class.name": "x.Y"], "access control is not there yet"),
            (["compression.type": "brotli"], "one of uncompressed, zstd"),
            (["compression.gzip.level": "0"], "1 to 9, or -1"),
            (["log.cleaner.min.cleanable.ratio": "1.5"], "0 to 1"),
        ] as [([String: String], String)])
    func refusals(settings: [String: String], reason: String) {
        let found = problems(settings)
        #expect(found.contains(reason), "\(found)")
        #expect(!found.contains("\n"), "one mistake, one line: \(found)")
    }

    @Test("one node may name itself as its quorum")
    func ownQuorum() {
        let listeners = [
            "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
            "controller.listener.names": "CONTROLLER", "node.id": "7",
        ]
        let voters = ["controller.quorum.voters": "7@localhost:9093"]
        let servers = ["controller.quorum.bootstrap.servers": "localhost:9093"]
        #expect(problems(listeners.merging(voters) { $1 }) == "")
        #expect(problems(listeners.merging(servers) { $1 }) == "")
    }

    @Test("broker.id is node.id by its old name")
    func oldName() throws {
        #expect(try BrokerConfiguration(["broker.id": "5"]).nodeID == BrokerID(5))
    }

    @Test("dynamic settings count over the start's, this broker's over all brokers'")
    func dynamicLayers() throws {
        let start = try BrokerConfiguration(["log.segment.bytes": "2000000"])
        #expect(start.topicDefaults.segmentBytes == 2_000_000)
        let changed = start.applying(
            forCluster: ["log.segment.bytes": "3000000", "message.max.bytes": "7"],
            forBroker: ["log.segment.bytes": "4000000"])
        #expect(changed.topicDefaults.segmentBytes == 4_000_000)
        #expect(changed.topicDefaults.maxMessageBytes == 7)
        let back = changed.applying(forCluster: [:], forBroker: [:])
        #expect(back.topicDefaults == start.topicDefaults)
    }

    @Test("dynamic settings that do not pass are left out, not believed")
    func badDynamic() throws {
        let start = try BrokerConfiguration()
        let changed = start.applying(
            forCluster: ["log.segment.bytes": "x", "no.such": "1", "node.id": "9"], forBroker: [:])
        #expect(changed.topicDefaults == start.topicDefaults)
        #expect(changed.nodeID == BrokerID(1))
    }

    @Test("every declared default is a value of its key")
    func defaults() {
        for key in ConfigurationKey.brokerKeys + ConfigurationKey.topicKeys {
            guard let text = key.defaultText else { continue }
            #expect(key.problem(with: text) == nil, "\(key.name)=\(text)")
            #expect(key.documentation.hasSuffix("."), "\(key.name)")
        }
    }
}

@Suite("Topic settings")
struct TopicConfigurationTests {
    @Test("without any setting they are Kafka's defaults")
    func kafkasDefaults() throws {
        let topic = try BrokerConfiguration().topicDefaults
        #expect(topic.segmentBytes == 1 << 30)
        #expect(topic.segmentMilliseconds == 604_800_000)
        #expect(topic.segmentJitterMilliseconds == 0)
        #expect(topic.retentionMilliseconds == 604_800_000)
        #expect(topic.retentionBytes == -1)
        #expect(topic.flushMessages == Int64.max && topic.flushMilliseconds == Int64.max)
        #expect(topic.maxMessageBytes == 1_048_588)
        #expect(topic.timestampAfterMaxMilliseconds == 3_600_000)
        #expect(topic.compression == .producer)
        #expect(topic.deletes && !topic.compacts)
        #expect(topic.minInSyncReplicas == 1)
        #expect(topic.minCleanableDirtyRatio == 0.5)
    }

    @Test(
        "the finest unit that is set counts, converted",
        arguments: [
            (["log.retention.hours": "2"], 7_200_000),
            (["log.retention.hours": "2", "log.retention.minutes": "5"], 300_000),
            (["log.retention.minutes": "5", "log.retention.ms": "77"], 77),
            (["log.retention.hours": "-1"], -1),
            (["log.retention.hours": "2147483647"], 2_147_483_647 * 3_600_000),
        ] as [([String: String], Int64)])
    func units(settings: [String: String], milliseconds: Int64) throws {
        #expect(
            try BrokerConfiguration(settings).topicDefaults.retentionMilliseconds == milliseconds)
    }

    @Test("a topic's own settings count over the broker's")
    func overrides() throws {
        let broker = try BrokerConfiguration([
            "compression.type": "lz4", "log.cleanup.policy": "delete",
        ])
        let topic = TopicConfiguration(
            overrides: [
                "compression.type": "zstd", "compression.zstd.level": "-5",
                "cleanup.policy": " compact , delete ", "internal.segment.bytes": "100",
                "message.timestamp.type": "LogAppendTime", "retention.ms": "bad", "x": "1",
            ], broker: broker)
        #expect(topic.compression == .zstd(level: -5))
        #expect(topic.deletes && topic.compacts)
        #expect(topic.segmentBytes == 100)
        #expect(topic.timestampType == .logAppendTime)
        #expect(topic.retentionMilliseconds == 604_800_000)
        #expect(broker.topicDefaults.compression == .lz4(level: 9))
    }

    @Test(
        "a change is refused with a sentence",
        arguments: [
            ("retention.mss", "1", "did you mean retention.ms?"),
            ("retention.ms", "-2", "at least -1"),
            ("segment.bytes", "1024", "at least 1048576"),
            ("cleanup.policy", "delete,burn", "any of compact, delete"),
            ("remote.storage.enable", "true", "tiered storage is not offered"),
            ("min.insync.replicas", "many", "is no int"),
        ])
    func validation(name: String, value: String, reason: String) {
        #expect(ConfigurationRules.validateTopic(name, value)?.contains(reason) == true)
    }

    @Test("settings that contradict each other are refused together")
    func together() throws {
        let broker = try BrokerConfiguration()
        let lags = ["min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5"]
        #expect(
            ConfigurationRules.validateTopic(overrides: lags, broker: broker)
                == "min.compaction.lag.ms=10 is more than max.compaction.lag.ms=5")
        #expect(
            ConfigurationRules.validateTopic(overrides: ["retention.ms": "1"], broker: broker)
                == nil)
    }

    @Test("a broker's read-only setting is not changed while it runs")
    func readOnly() {
        #expect(ConfigurationRules.validateBroker("log.retention.ms", "5") == nil)
        #expect(
            ConfigurationRules.validateBroker("listeners", "X://a:1")?.contains("at start only")
                == true)
        #expect(
            ConfigurationRules.validateBroker("num.io.threads", "1")?.contains("no effect") == true)
        #expect(
            ConfigurationRules.validateBroker("num.partition", "1")?
                .contains("did you mean num.partitions?") == true)
    }
}

@Suite("Settings as DescribeConfigs shows them")
struct ConfigurationEntryTests {
    @Test("an entry says where its value comes from, and what else was given")
    func provenance() throws {
        let broker = try BrokerConfiguration(["log.retention.hours": "1"]).applying(
            forCluster: ["log.retention.ms": "5000"], forBroker: [:])
        let entries = TopicConfiguration.entries(
            overrides: ["retention.ms": " 77 "], broker: broker)
        let entry = try #require(entries.first { $0.name == "retention.ms" })
        #expect(entry.value == "77")
        #expect(entry.source == .dynamicTopic)
        #expect(entry.kind.rawValue == 5)
        let synonyms = entry.synonyms.map {
            "\($0.name)=\($0.value ?? "") from \($0.source.rawValue)"
        }
        #expect(
            synonyms == [
                "retention.ms=77 from 1", "log.retention.ms=5000 from 3",
                "log.retention.hours=1 from 4", "log.retention.hours=168 from 5",
            ])
    }

    @Test("a topic without settings shows the broker's, in the topic's unit")
    func inherited() throws {
        let broker = try BrokerConfiguration(["log.retention.hours": "1"])
        let entries = TopicConfiguration.entries(overrides: [:], broker: broker)
        let entry = try #require(entries.first { $0.name == "retention.ms" })
        #expect(entry.value == "3600000")
        #expect(entry.source == .staticBroker)
        #expect(entries.map(\.name) == entries.map(\.name).sorted())
        #expect(!entries.contains { $0.name == "internal.segment.bytes" })
        #expect(entries.count == 34)
    }

    @Test("a broker's entries say which can be changed")
    func broker() throws {
        let broker = try BrokerConfiguration().applying(
            forCluster: ["message.max.bytes": "9"], forBroker: [:])
        let entries = broker.entries
        #expect(entries.first { $0.name == "node.id" }?.isReadOnly == true)
        let size = try #require(entries.first { $0.name == "message.max.bytes" })
        #expect(!size.isReadOnly && size.source == .dynamicDefaultBroker && size.value == "9")
        #expect(broker.clusterDefaultEntries.map(\.name) == ["message.max.bytes"])
    }

    @Test("docs/config.md is what the declarations say")
    func documentation() throws {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        let path = root.joined(separator: "/") + "/docs/config.md"
        let text = try PosixFileSystem().readAll(path, limit: 1 << 20).text
        #expect(
            text == ConfigurationDocumentation.markdown + "\n",
            "run: brokerd --print-config-docs > docs/config.md")
    }
}
