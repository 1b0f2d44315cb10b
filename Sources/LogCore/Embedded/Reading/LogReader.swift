/// Reads records one after another, blocking on the disk: for threads of one's own and for programs
/// without concurrency. Async code takes `records` and `follow`.
///
///     var reader = topic.reader()
///     while let record = try reader.next() {
///         print(record.offset, record.value?.string ?? "-")
///     }
///
/// Within a partition records come in the order of their offsets; partitions take turns. At the end
/// `next` returns nil, and later, when there are more records, the next of them.
public struct LogReader: Sendable {
    private var puller: RecordPuller
    /// What has been pulled and not handed out, the next record last: taking the last one moves it.
    private var chunk: [LogRecord] = []

    init(_ puller: RecordPuller) { self.puller = puller }

    /// The next record; nil when there is none for now.
    ///
    /// - Throws: `offsetOutOfRange` when the records to come were deleted meanwhile, `closed`,
    ///   `unknownTopic` when the topic was deleted, `damaged`, `io`.
    public mutating func next() throws -> LogRecord? {
        if let record = chunk.popLast() { return record }
        chunk = try puller.pull()
        chunk.reverse()
        return chunk.popLast()
    }
}
