extension ConfigurationValues {
    /// As `log.dirs` names them, or else `log.dir`.
    var logDirectories: [String] {
        let several = list("log.dirs")
        return (several.isEmpty ? [string("log.dir")] : several).map(ConfigurationText.directory)
    }

    /// nil where none is set.
    var metadataLogDirectory: String? {
        optionalText("metadata.log.dir").map(ConfigurationText.directory)
    }
}

/// What must hold between settings.
extension ConfigurationLoader {
    mutating func checkNode() {
        if isSet("node.id"), let old = values.optionalInt64("broker.id"),
            old != values.int64("node.id")
        {
            refuse(
                "broker.id", "node.id",
                because: "broker.id=\(old) is not node.id=\(values.int64("node.id"))")
        }
        let roles = Set(values.list("process.roles"))
        let reason: String? =
            switch roles {
            case ["broker", "controller"]: nil
            case ["broker"]: "a broker beside a quorum of other nodes is not there yet"
            case ["controller"]: "a controller by itself is not there yet"
            default: "a node has at least one role"
            }
        if let reason {
            refuse(
                "process.roles",
                because:
                    "process.roles=\(values.list("process.roles").joined(separator: ",")) cannot"
                    + " be had: \(reason); use process.roles=broker,controller")
        }
    }

    mutating func checkDirectories() {
        let directories = values.logDirectories
        if directories == [""] {
            refuse("log.dir", because: "neither log.dirs nor log.dir names a directory")
        } else if directories.contains(where: \.isEmpty) {
            refuse("log.dirs", because: "log.dirs names an empty directory between its commas")
        } else if Set(directories).count < directories.count {
            refuse("log.dirs", because: "log.dirs names a directory twice")
        } else if let metadata = values.metadataLogDirectory, !directories.contains(metadata) {
            refuse(
                "metadata.log.dir", "log.dirs", "log.dir",
                because: "metadata.log.dir=\(metadata) is not one of log.dirs"
                    + " (\(directories.joined(separator: ","))): name one of them, or name it there"
                    + " too")
        }
    }

    /// A quorum of one: whoever is named must be this node.
    mutating func checkQuorum(_ addresses: BrokerAddresses) {
        let node = values.optionalInt64("broker.id") ?? values.int64("node.id")
        let voters = values.list("controller.quorum.voters")
        for voter in voters {
            let parts = voter.split(separator: "@", maxSplits: 1).map(String.init)
            guard parts.count == 2, let id = Int32(parts[0]),
                case .value = Listener.hostAndPort(parts[1])
            else {
                refuse(
                    "controller.quorum.voters",
                    because:
                        "controller.quorum.voters: \"\(voter)\" is not of the form id@host:port")
                continue
            }
            if id != node {
                refuse(
                    "controller.quorum.voters", "node.id", "broker.id",
                    because: "controller.quorum.voters names node \(id), and this is node \(node):"
                        + " a quorum of several nodes is not there yet")
            }
        }
        let servers = values.list("controller.quorum.bootstrap.servers")
        let ports = addresses.controllerListeners.map(\.port)
        for server in servers {
            switch Listener.hostAndPort(server) {
            case .problem(let problem):
                refuse(
                    "controller.quorum.bootstrap.servers",
                    because: "controller.quorum.bootstrap.servers: \"\(server)\": \(problem)")
            case .value(let (_, port)) where !ports.contains(port) && !ports.contains(0):
                refuse(
                    "controller.quorum.bootstrap.servers", "listeners",
                    because: "controller.quorum.bootstrap.servers names \(server), where none of"
                        + " this node's controller listeners is: a quorum of several nodes is not"
                        + " there yet")
            case .value: break
            }
        }
        if servers.count > 1 {
            refuse(
                "controller.quorum.bootstrap.servers",
                because: "controller.quorum.bootstrap.servers names \(servers.count) nodes:"
                    + " a quorum of several nodes is not there yet")
        }
    }

    mutating func checkLimits(_ addresses: BrokerAddresses) {
        let queued = values.int64("queued.max.request.bytes")
        let request = values.int64("socket.request.max.bytes")
        if queued > 0, queued < request {
            refuse(
                "queued.max.request.bytes", "socket.request.max.bytes",
                because: "queued.max.request.bytes=\(queued) is less than"
                    + " socket.request.max.bytes=\(request): one request might never fit")
        }
        if values.int64("max.connections.per.ip") == 0, addresses.connectionLimits.isEmpty {
            refuse(
                "max.connections.per.ip", "max.connections.per.ip.overrides",
                because: "max.connections.per.ip=0 lets nobody connect unless"
                    + " max.connections.per.ip.overrides names somebody")
        }
        let message = values.int64("message.max.bytes")
        if message > request {
            warn(
                "message.max.bytes",
                "message.max.bytes=\(message) is more than socket.request.max.bytes=\(request):"
                    + " such a batch cannot arrive")
        }
        let (inSync, replicas) = (
            values.int64("min.insync.replicas"), values.int64("default.replication.factor")
        )
        if inSync > replicas {
            warn(
                "min.insync.replicas",
                "min.insync.replicas=\(inSync) is more than default.replication.factor=\(replicas):"
                    + " acks=all is refused on topics with the default")
        }
        if replicas > 1 {
            warn(
                "default.replication.factor",
                "default.replication.factor=\(replicas), but the cluster is one node: topics must"
                    + " be created with one replica")
        }
    }

    mutating func checkTimes() {
        for name in ["log.retention.hours", "log.retention.minutes", "log.retention.ms"]
        where isSet(name) && values.int64(name) == 0 {
            refuse(name, because: "\(name)=0 would delete everything: at least 1, or -1 for never")
        }
        let perThread =
            values.int64("log.cleaner.dedupe.buffer.size")
            / max(values.int64("log.cleaner.threads"), 1)
        if perThread < 1_048_576 {
            refuse(
                "log.cleaner.dedupe.buffer.size",
                because: "log.cleaner.dedupe.buffer.size leaves \(perThread) bytes for each of"
                    + " log.cleaner.threads, at least 1048576 expected")
        }
        let (shortest, longest) = (
            values.int64("group.min.session.timeout.ms"),
            values.int64("group.max.session.timeout.ms")
        )
        if shortest > longest {
            refuse(
                "group.min.session.timeout.ms", "group.max.session.timeout.ms",
                because: "group.min.session.timeout.ms=\(shortest) is more than"
                    + " group.max.session.timeout.ms=\(longest)")
        }
        let least = values.int64("log.cleaner.min.compaction.lag.ms")
        let most = values.int64("log.cleaner.max.compaction.lag.ms")
        if least > most {
            refuse(
                "log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms",
                because: "log.cleaner.min.compaction.lag.ms=\(least) is more than"
                    + " log.cleaner.max.compaction.lag.ms=\(most)")
        }
    }
}
