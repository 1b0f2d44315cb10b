internal import LogCore
package import Primitives
internal import Synchronization

extension LogScene {
    /// Commits several logs to their ends by the form that does not block, all by one round: none
    /// is told before the round runs.
    package func commitTogether(_ partitions: [TopicPartition]) throws(Violation) -> Outcome {
        let answers = Answers()
        background.hold()
        defer { background.release() }
        var requested = 0
        for partition in partitions {
            guard let log = try log(partition), let ledger = ledger(partition) else {
                return .offline
            }
            let end = ledger.end
            if end > ledger.durableEnd { requested += 1 }
            log.commit(upTo: end) { [recorder] error in
                answers.add(error)
                guard error == nil else { return }
                recorder.update { $0.partitions[partition]?.acknowledge(end) }
            }
        }
        try require(
            answers.all.count == partitions.count - requested && background.count == 1,
            "\(requested) commits made \(background.count) jobs, \(answers.all.count) are answered")
        background.release()
        let all = answers.all
        try require(
            all.count == partitions.count, "\(all.count) of \(partitions.count) were answered")
        for case let error? in all { return try outcome(of: error, "committing together") }
        return .done
    }
}

/// What the waiters of a round were told.
private final class Answers: Sendable {
    private let answers = Mutex<[LogError?]>([])
    func add(_ error: LogError?) { answers.withLock { $0.append(error) } }
    var all: [LogError?] { answers.withLock { $0 } }
}
