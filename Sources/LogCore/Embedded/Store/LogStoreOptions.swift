internal import Primitives

extension LogStore {
    /// How a store runs. The defaults suit nearly everyone.
    public struct Options: Sendable {
        /// How often retention, compaction and checkpoints run by themselves; nil for never, where
        /// the program calls `runHousekeeping()` when it likes.
        public var housekeepingInterval: Duration? = .seconds(60)

        /// Memory for one round of compaction, which needs 24 bytes for each key that was written
        /// since the last one; with less, it takes several rounds.
        public var compactionMemoryBytes = 16 << 20

        /// Threads that the async forms use at most for the disk.
        public var diskThreads = 8

        /// Gets a line when something happens that an operator might want to know: what recovery
        /// cut, segments deleted, the directory going offline. Called on any thread, also with the
        /// store's locks held: it must be quick, and not call the store.
        public var onMessage: (@Sendable (MessageLevel, String) -> Void)?

        /// The defaults.
        public init() {}
    }

    /// How serious a message is.
    public enum MessageLevel: Sendable, Hashable, CaseIterable {
        /// Something worth knowing: segments deleted, a log cleaned.
        case info
        /// Something that goes on by itself, or waits for room.
        case warning
        /// Something that needs a person: damage, a directory that went offline.
        case error
    }

    /// How far the check after a crash has come.
    public struct RecoveryProgress: Sendable, Hashable {
        /// Partitions that are checked.
        public let partitionsDone: Int
        /// Partitions that have to be.
        public let partitionsTotal: Int
        /// Bytes of segment files that were checked.
        public let bytesDone: Int
        /// Bytes of segment files that have to be.
        public let bytesTotal: Int

        init(_ progress: RecoveryReport.Progress) {
            partitionsDone = progress.logsDone
            partitionsTotal = progress.logCount
            bytesDone = progress.bytesDone
            bytesTotal = progress.byteCount
        }
    }

    /// What opening found.
    public struct Recovery: Sendable {
        /// The last owner closed the store: nothing had to be checked.
        public let wasClosedCleanly: Bool
        /// What a crash had left unfinished, and what was done about it; empty nearly always.
        public let findings: [Finding]

        /// A partition that lost records which had not been synced, or that is damaged.
        public struct Finding: Sendable, CustomStringConvertible {
            /// The topic's name.
            public let topic: String
            /// The partition's number.
            public let partition: Int
            /// Records that had been synced are not what was written, or are gone. Otherwise only
            /// an unfinished end was cut off.
            public let isDamage: Bool
            /// What was found, with file and position.
            public let description: String
        }
    }
}

extension LogStore.Recovery {
    init(_ report: RecoveryReport) {
        wasClosedCleanly = report.wasCleanStop
        findings = report.findings.map { finding in
            let isDamage =
                switch finding.kind {
                case .damaged, .missing, .endsBelowRecoveryPoint: true
                case .cut, .removedSegment, .unchecked: false
                }
            return Finding(
                topic: finding.partition.topic,
                partition: Int(finding.partition.partition.rawValue), isDamage: isDamage,
                description: finding.description)
        }
    }
}

/// The log lines of the engine, given to the program.
struct MessageLog: LogSink {
    let handler: (@Sendable (LogStore.MessageLevel, String) -> Void)?

    var minimum: LogLevel { .info }

    func write(_ level: LogLevel, _ line: String) {
        switch level {
        case .debug: break
        case .info: handler?(.info, line)
        case .warn: handler?(.warning, line)
        case .error: handler?(.error, line)
        }
    }
}
