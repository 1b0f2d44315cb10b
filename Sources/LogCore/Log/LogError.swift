package import Primitives
package import RecordFormat

/// Why an operation on a log or a log directory was refused or failed.
package enum LogError: Error, Sendable, CustomStringConvertible {
    /// A call to the file system failed. For a full disk nothing has changed and the log stays
    /// usable.
    case io(FileError)
    /// An earlier write or sync in the directory failed; nothing is accepted until a restart.
    case offline(directory: String, cause: FileError)
    case lockedByAnotherProcess(path: String)
    /// Bytes on disk that had been flushed, or were trusted after a clean stop, are not what they
    /// must be. Nothing was cut.
    case corrupt(file: String, position: Int, reason: String)
    case offsetOutOfRange(requested: Offset, start: Offset, end: Offset)
    case recordBatchTooLarge(size: Int, limit: Int)
    /// More bytes in one append than a segment may have.
    case appendTooLarge(size: Int, limit: Int)
    case invalidBatch(BatchError)
    /// No offset is left, or a batch spans more offsets than a segment can index.
    case offsetsExhausted(Offset)
    /// A follower's batch begins below its log's end.
    case unexpectedAppendOffset(expected: Offset, found: Offset)
    /// Somebody else appended behind the end that the caller counted on.
    case unexpectedEndOffset(expected: Offset, actual: Offset)
    /// A gap or a repetition too old to be known. With a new epoch only 0 is expected.
    case outOfOrderSequence(ProducerID, expected: Int32, found: Int32)
    case invalidProducerEpoch(ProducerID, current: ProducerEpoch, found: ProducerEpoch)
    /// A plain batch of a producer whose transaction is open.
    case notInTransaction(ProducerID)
    /// More producers than the log remembers would have a transaction open at once.
    case tooManyTransactions(limit: Int)
    /// A marker of a coordinator that another one has replaced.
    case transactionCoordinatorFenced(ProducerID, current: Int32, found: Int32)
    case logExists(TopicPartition)
    case noSuchLog(TopicPartition)
    /// The log was closed or deleted while the caller held it.
    case closed(TopicPartition)
    /// A round of cleaning was given up, with nothing lost: what it read is no longer the log's, or
    /// it was told to stop. The text says which.
    case cleaningAbandoned(String)
    /// The background takes no more work, so nobody synced the log: its records are there, and not
    /// known to be on disk.
    case syncRefused(TopicPartition)
    /// A topic name that cannot be a directory's.
    case invalidTopicName(String)

    package var description: String {
        switch self {
        case .io(let error): error.description
        case .offline(let directory, let cause):
            "log directory \(directory) is offline since \(cause)"
        case .lockedByAnotherProcess(let path):
            "\(path) is held by another process: a log directory has one owner at a time"
        case .corrupt(let file, let position, let reason):
            "\(file) is damaged at position \(position): \(reason)"
        case .offsetOutOfRange(let requested, let start, let end):
            "offset \(requested) is outside the log, which goes from \(start) to \(end)"
        case .recordBatchTooLarge(let size, let limit):
            "record batch of \(size) bytes, at most \(limit) allowed"
        case .appendTooLarge(let size, let limit):
            "append of \(size) bytes does not fit a segment of \(limit)"
        case .invalidBatch(let error): error.description
        case .offsetsExhausted(let offset): "no room for the batch's offsets behind \(offset)"
        case .unexpectedAppendOffset(let expected, let found):
            "batch at offset \(found) where at least \(expected) is expected"
        case .unexpectedEndOffset(let expected, let actual):
            "the log ends at \(actual), not at \(expected) as expected"
        case .outOfOrderSequence(let producer, let expected, let found):
            "producer \(producer) sent sequence number \(found), \(expected) expected"
        case .invalidProducerEpoch(let producer, let current, let found):
            "producer \(producer) has epoch \(found), the log has seen \(current)"
        case .notInTransaction(let producer):
            "plain batch of producer \(producer), whose transaction is open"
        case .tooManyTransactions(let limit): "\(limit) transactions are open already"
        case .transactionCoordinatorFenced(let producer, let current, let found):
            "transaction marker for producer \(producer) of coordinator epoch \(found), "
                + "the log has seen \(current)"
        case .logExists(let partition): "log \(partition) exists already"
        case .noSuchLog(let partition): "no log \(partition)"
        case .closed(let partition): "log \(partition) is closed"
        case .cleaningAbandoned(let reason): "cleaning given up: \(reason)"
        case .syncRefused(let partition):
            "nobody is free to sync log \(partition): too much work waits in the background"
        case .invalidTopicName(let name): "topic name \"\(name)\" cannot name a directory"
        }
    }
}
