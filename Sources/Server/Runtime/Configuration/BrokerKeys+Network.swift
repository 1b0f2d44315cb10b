/// Settings of listeners and connections.
extension ConfigurationKey {
    static let networkKeys: [ConfigurationKey] = [
        .init(
            "listeners", .list, default: "PLAINTEXT://127.0.0.1:9092", .high,
            """
            Where to listen, as NAME://host:port separated by commas. An empty host or 0.0.0.0 \
            means every address; port 0 takes a free port; an IPv6 address stands in brackets.
            """),
        .init(
            "advertised.listeners", .list, default: nil, .high,
            """
            What clients are told to connect to, as NAME://host:port with the names of listeners. \
            A listener not named here is advertised as it stands, one without a host under this \
            machine's name.
            """),
        .init(
            "listener.security.protocol.map", .list, default: "PLAINTEXT:PLAINTEXT", .low,
            """
            The security protocol of each listener name, as NAME:PROTOCOL. Only PLAINTEXT can be \
            had now; other entries may stand here as long as no listener uses them.
            """),
        .init(
            "inter.broker.listener.name", .string, default: nil, .medium,
            effect: .none("there is only one broker yet"),
            "The listener brokers use among themselves; PLAINTEXT, or the first one, if not set."),
        .init(
            "security.inter.broker.protocol", .string, default: nil, limit: .oneOf(["PLAINTEXT"]),
            .medium,
            "An older way to say inter.broker.listener.name; not both."),
        .init(
            "num.network.threads", .int, default: nil, limit: .between(1, 1024), .high,
            "Event loops that serve connections; one for each processor if not set."),
        .init(
            "socket.send.buffer.bytes", .int, default: "102400", limit: .atLeast(-1), .high,
            "The system's send buffer of each connection; -1 leaves it to the system."),
        .init(
            "socket.receive.buffer.bytes", .int, default: "102400", limit: .atLeast(-1), .high,
            "The system's receive buffer of each connection; -1 leaves it to the system."),
        .init(
            "socket.request.max.bytes", .int, default: "104857600", limit: .atLeast(1), .high,
            "The longest request; a connection that announces a longer one is closed."),
        .init(
            "socket.listen.backlog.size", .int, default: "50", limit: .atLeast(1), .medium,
            "Connections that may wait to be accepted."),
        .init(
            "connections.max.idle.ms", .long, default: "600000", .medium,
            "Milliseconds after which a silent connection is closed; negative: never."),
        .init(
            "max.connections", .int, default: "2147483647", limit: .atLeast(0), .medium,
            "Connections held at once."),
        .init(
            "max.connections.per.ip", .int, default: "2147483647", limit: .atLeast(0), .medium,
            "Connections held at once from one address; 0 only beside overrides."),
        .init(
            "max.connections.per.ip.overrides", .list, default: "", .medium,
            "Other limits for some addresses, as address:count separated by commas."),
        .init(
            "queued.max.request.bytes", .long, default: "-1", .medium,
            """
            Bytes of requests that have come in part, an equal share for each network thread; where \
            it is used up, the next ones are read when those are whole. Whole requests that wait \
            for their answers do not count: of them a connection has at most 16 MiB. -1: no such \
            limit. Not below socket.request.max.bytes.
            """),
        .init(
            "metrics.listener", .string, default: nil, .medium,
            """
            Where Prometheus finds metrics at /metrics, and others at /healthz whether the broker \
            serves, as host:port; over HTTP, for whoever can connect. Port 0 takes a free port; \
            the log says which. Nothing listens, and nothing is counted, if not set. Apus' own \
            setting: Kafka has none like it.
            """),
    ]
}
