internal import Primitives
internal import RecordFormat
internal import Synchronization

/// One partition of an open store: its log, and who waits for records.
///
/// Callable from any thread. What is appended is there for readers before an append returns, and
/// those who follow are woken after that.
final class PartitionCore: Sendable {
    let log: Log
    let topic: String
    let index: Int
    let clock: any Clock
    let followers = Followers()
    let keys = KeyIndex()
    /// Set when the topic is deleted or the store closed; calls then fail with it.
    private let end = Mutex<LogStoreError?>(nil)

    init(_ log: Log, clock: any Clock) {
        self.log = log
        self.clock = clock
        topic = log.topicPartition.topic
        index = Int(log.topicPartition.partition.rawValue)
    }

    /// Lets go of whoever waits: no more records come.
    func finish(_ error: LogStoreError) {
        end.withLock { $0 = $0 ?? error }
        followers.wake()
    }

    /// Why no more records come; nil while they may.
    var ending: LogStoreError? { end.withLock { $0 } }

    /// Runs a call to the log, whose errors become the store's.
    func calling<Result>(
        _ body: () throws(LogError) -> Result
    ) throws(LogStoreError) -> Result {
        do throws(LogError) {
            return try body()
        } catch {
            throw translate(error)
        }
    }

    /// The store's error for one of the log's.
    func translate(_ error: LogError) -> LogStoreError {
        if case .closed = error, let ending { return ending }
        return LogStoreError(error, topic: topic)
    }

    var startOffset: Int64 {
        get throws(LogStoreError) {
            try calling { () throws(LogError) in try log.logStartOffset }.rawValue
        }
    }

    var endOffset: Int64 {
        get throws(LogStoreError) {
            try calling { () throws(LogError) in try log.logEndOffset }.rawValue
        }
    }

    // MARK: Appending

    /// Appends the records at `indices` (nil: all), in one write, all or none.
    ///
    /// - Parameter expected: the offset that the first of them must get.
    func append(
        _ records: [NewRecord], at indices: ArraySlice<Int>? = nil, _ settings: TopicSettings,
        expected: Int64? = nil
    ) throws(LogStoreError) -> Appended {
        let now = clock.wall()
        if indices?.isEmpty ?? records.isEmpty {
            return try appendNothing(expected: expected, now: now)
        }
        let batches = try BatchEncoder(settings, topic: topic, now: now).encode(
            records, at: indices)
        let result = try calling { () throws(LogError) in
            try log.append(
                batches, leaderEpoch: .zero, now: now, expectedEnd: expected.map { Offset($0) })
        }
        followers.wake()
        let (first, last) = (result.firstOffset.rawValue, result.lastOffset.rawValue)
        return Appended(partition: index, offsets: first..<last + 1, timestamp: now.rawValue)
    }

    private func appendNothing(
        expected: Int64?, now: Timestamp
    ) throws(LogStoreError) -> Appended {
        let end = try endOffset
        if let expected, expected != end {
            throw .unexpectedEndOffset(expected: expected, actual: end)
        }
        return Appended(partition: index, offsets: end..<end, timestamp: now.rawValue)
    }

    // MARK: Positions

    func offset(of position: ReadPosition) throws(LogStoreError) -> Int64 {
        switch position {
        case .earliest: return try startOffset
        case .latest: return try endOffset
        case .offset(let offset): return offset
        case .time(let time):
            let found = try calling { () throws(LogError) in
                try log.offset(forTimestamp: Timestamp(time))
            }
            if let found { return found.offset.rawValue }
            return try endOffset
        }
    }

    func deleteRecords(before offset: Int64) throws(LogStoreError) {
        try calling { () throws(LogError) in try log.advanceLogStart(to: Offset(offset)) }
    }
}
