internal import Primitives

// The public declarations say `throws`, not `throws(LogStoreError)`: Swift 6.3.1 crashes while it
// compiles a `do` that catches some cases of a typed error in a function with a `??` or a `!`.

/// Why a store refused or could not do something. `description` is a sentence for a log line.
///
/// Whatever throws in this module throws this and nothing else:
///
///     do {
///         try account.append("-20", expectedEndOffset: end)
///     } catch LogStoreError.unexpectedEndOffset(_, let actual) {
///         print("look again, from \(end) to \(actual)")
///     }
public enum LogStoreError: Error, Sendable, Hashable {
    // MARK: What the caller can mend

    /// Another process has the directory open, or another `LogStore` of this one. A directory has
    /// one owner at a time.
    case locked(path: String)
    /// The store was closed.
    case closed
    /// There is no topic of that name, or it was deleted while the caller held it.
    case unknownTopic(String)
    /// A topic of that name is there already.
    case topicExists(String)
    /// Names have 1 to 249 of the characters `a-z A-Z 0-9 . _ -` and are neither `.` nor `..`;
    /// those that begin with `__` are the store's own.
    case invalidTopicName(String)
    /// The same rule as for topics.
    case invalidCursorName(String)
    /// A setting is out of its range; the text says which, and the range.
    case invalidSettings(String)
    /// The topic's partitions go from 0 to `count - 1`.
    case partitionOutOfRange(topic: String, partition: Int, count: Int)
    /// The partition holds the offsets from `start` up to, not including, `end`. Records below
    /// `start` went by retention or `deleteRecords`.
    case offsetOutOfRange(requested: Int64, start: Int64, end: Int64)
    /// Somebody else appended first: the partition ends at `actual`, not at `expected`. Nothing was
    /// appended.
    case unexpectedEndOffset(expected: Int64, actual: Int64)
    /// A batch with just this record has `size` bytes, more than
    /// `TopicSettings.maximumRecordBytes` allows. Nothing was appended.
    case recordTooLarge(size: Int, limit: Int)
    /// Records of one append to one partition are written together, so they must fit in a segment
    /// (`TopicSettings.segmentBytes`). Nothing was appended.
    case appendTooLarge(size: Int, limit: Int)
    /// In a compacted topic each record has a key. Nothing was appended.
    case keyRequired(topic: String)
    /// The store keeps no more cursor positions than `limit` in all.
    case tooManyCursors(limit: Int)

    // MARK: What the machine did

    /// The disk is full. Nothing has changed, and the store goes on when there is room.
    case storageFull(path: String)
    /// Bytes on the disk are not what was written. Nothing was cut; other partitions go on.
    case damaged(file: String, position: Int, reason: String)
    /// An earlier write or sync failed, so nobody knows what is on the disk: nothing is accepted
    /// any more. Close the store, see to the disk, open again.
    case offline(path: String, reason: String)
    /// Another call to the file system failed.
    case io(path: String, reason: String)
}

extension LogStoreError: CustomStringConvertible {
    /// A sentence that says what was expected, what was found, and where.
    public var description: String {
        switch self {
        case .locked(let path):
            "\(path) is open in another process, or in another LogStore of this one: a directory "
                + "has one owner at a time"
        case .closed: "the store is closed"
        case .unknownTopic(let name): "there is no topic \"\(name)\""
        case .topicExists(let name): "topic \"\(name)\" exists already"
        case .invalidTopicName(let name): "topic name \"\(name)\" \(Self.nameRule)"
        case .invalidCursorName(let name): "cursor name \"\(name)\" \(Self.nameRule)"
        case .invalidSettings(let reason): reason
        case .partitionOutOfRange(let topic, let partition, let count):
            "topic \"\(topic)\" has no partition \(partition): it has \(count), from 0 on"
        case .offsetOutOfRange(let requested, let start, let end):
            "offset \(requested) is outside the partition, which goes from \(start) to \(end)"
        case .unexpectedEndOffset(let expected, let actual):
            "the partition ends at \(actual), not at \(expected): somebody else appended first"
        case .recordTooLarge(let size, let limit):
            "a record makes a batch of \(size) bytes, maximumRecordBytes allows \(limit)"
        case .appendTooLarge(let size, let limit):
            "an append of \(size) bytes to one partition does not fit a segment of \(limit)"
        case .keyRequired(let topic):
            "topic \"\(topic)\" is compacted: each of its records must have a key"
        case .tooManyCursors(let limit): "the store keeps \(limit) cursor positions and no more"
        case .storageFull(let path): "no space is left for \(path)"
        case .damaged(let file, let position, let reason):
            "\(file) is damaged at position \(position): \(reason)"
        case .offline(let path, let reason): "\(path) accepts nothing since \(reason)"
        case .io(_, let reason): reason
        }
    }

    private static let nameRule =
        "must be 1 to 249 of a-z A-Z 0-9 . _ - and neither \".\" nor \"..\", nor begin with \"__\""
}

extension LogStoreError {
    /// - Parameter topic: whose log refused.
    init(_ error: LogError, topic: String = "") {
        switch error {
        case .io(let failure): self.init(failure)
        case .offline(let path, let cause): self = .offline(path: path, reason: cause.description)
        case .lockedByAnotherProcess(let path): self = .locked(path: path)
        case .corrupt(let file, let position, let reason):
            self = .damaged(file: file, position: position, reason: reason)
        case .offsetOutOfRange(let requested, let start, let end):
            self = .offsetOutOfRange(
                requested: requested.rawValue, start: start.rawValue, end: end.rawValue)
        case .unexpectedEndOffset(let expected, let actual):
            self = .unexpectedEndOffset(expected: expected.rawValue, actual: actual.rawValue)
        case .recordBatchTooLarge(let size, let limit):
            self = .recordTooLarge(size: size, limit: limit)
        case .appendTooLarge(let size, let limit):
            self = .appendTooLarge(size: size, limit: limit)
        case .logExists: self = .topicExists(topic)
        case .noSuchLog, .closed: self = .unknownTopic(topic)
        case .invalidTopicName(let name): self = .invalidTopicName(name)
        // What a store does not ask of its logs.
        default:
            self = .io(path: topic, reason: error.description)
        }
    }

    init(_ error: FileError) {
        self =
            error.isNoSpace
            ? .storageFull(path: error.path) : .io(path: error.path, reason: error.description)
    }
}
