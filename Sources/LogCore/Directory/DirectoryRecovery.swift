internal import Primitives
internal import Synchronization

/// Recovers the logs of a directory whose last owner did not stop cleanly, several at a time.
///
/// Each log is checked by one thread, in slices of the directory: a slice is checked, then synced in
/// one round, so that what was checked need not be checked again after the next crash. What is found
/// is told in the order of the partitions, whichever was through first.
struct DirectoryRecovery {
    private enum Outcome: Sendable {
        case recovered([RecoveryReport.Finding.Kind])
        /// Damage in what had been flushed; the log refuses every call with it.
        case damaged(LogError)
        case failed(LogError)

        var findings: [RecoveryReport.Finding.Kind] {
            switch self {
            case .recovered(let kinds): kinds
            case .damaged(let error): [.damaged(error)]
            case .failed(let error): [.unchecked(error)]
            }
        }
    }

    /// Logs that are checked before they are synced together.
    private static let sliceCount = 256

    private let logs: [Log]
    private let context: DirectoryContext
    private let tell: @Sendable (RecoveryReport.Progress) -> Void

    init(
        _ logs: [Log], _ context: DirectoryContext,
        _ tell: @escaping @Sendable (RecoveryReport.Progress) -> Void
    ) {
        self.logs = logs
        self.context = context
        self.tell = tell
    }

    /// - Throws: `offline` only. What keeps one log from being recovered is a finding.
    func run() throws(LogError) -> [RecoveryReport.Finding] {
        let counter = ProgressCounter(logs: logs.count, bytes: bytesToRecover(), tell)
        var findings: [RecoveryReport.Finding] = []
        var start = 0
        while start < logs.count {
            let slice = logs[start..<min(start + Self.sliceCount, logs.count)]
            for (log, outcome) in zip(slice, recover(slice, counter)) {
                findings += outcome.findings.map { .init(partition: log.topicPartition, kind: $0) }
            }
            try context.requireOnline()
            start = slice.endIndex
        }
        return findings
    }

    private func bytesToRecover() -> Int {
        let sum = Atomic<Int>(0)
        context.world.background.concurrently(logs.count) { number in
            sum.add(logs[number].bytesToRecover(), ordering: .relaxed)
        }
        return sum.load(ordering: .relaxed)
    }

    /// Checks some logs and syncs those that are sound.
    private func recover(_ slice: ArraySlice<Log>, _ counter: ProgressCounter) -> [Outcome] {
        let outcomes = Mutex<[Int: Outcome]>([:])
        context.world.background.concurrently(slice.count) { number in
            let log = slice[slice.startIndex + number]
            let outcome = check(log, counter)
            outcomes.withLock { $0[number] = outcome }
            counter.note(log: log.topicPartition)
        }
        let ordered = outcomes.withLock { outcomes in
            (0..<slice.count).map { outcomes[$0] ?? .recovered([]) }
        }
        let sound = ordered.indices.filter { number in
            if case .recovered = ordered[number] { true } else { false }
        }
        for (log, error) in context.commits.flush(sound.map { slice[slice.startIndex + $0] }) {
            // Flushed later, or checked again after another crash.
            context.world.log(.warn, "log \(log.topicPartition) cannot be flushed: \(error)")
        }
        return ordered
    }

    private func check(_ log: Log, _ counter: ProgressCounter) -> Outcome {
        do throws(LogError) {
            return .recovered(
                try log.load { counter.note(bytes: $0, of: log.topicPartition) })
        } catch .corrupt(let file, let position, let reason) {
            return .damaged(.corrupt(file: file, position: position, reason: reason))
        } catch {
            context.world.log(.error, "log \(log.topicPartition) cannot be checked: \(error)")
            return .failed(error)
        }
    }
}

/// Counts what several threads have done, and tells it one at a time.
private final class ProgressCounter: Sendable {
    private let progress: Mutex<RecoveryReport.Progress>
    private let tell: @Sendable (RecoveryReport.Progress) -> Void

    init(logs: Int, bytes: Int, _ tell: @escaping @Sendable (RecoveryReport.Progress) -> Void) {
        progress = Mutex(RecoveryReport.Progress(logCount: logs, byteCount: bytes))
        self.tell = tell
    }

    func note(bytes: Int, of partition: TopicPartition) {
        note(partition) { $0.bytesDone += bytes }
    }

    func note(log partition: TopicPartition) {
        note(partition) { $0.logsDone += 1 }
    }

    private func note(
        _ partition: TopicPartition, _ change: (inout RecoveryReport.Progress) -> Void
    ) {
        progress.withLock { progress in
            change(&progress)
            progress.partition = partition
            tell(progress)
        }
    }
}
