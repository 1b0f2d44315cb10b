internal import Primitives
internal import RecordFormat

/// The records on their way to one partition: an open batch that takes more, batches that wait, and
/// one that is being sent. One at a time, so that they arrive in their order.
///
/// Belongs to one `Producer`, and is touched only there.
final class Lane {
    struct SealedBatch: Sendable {
        /// A compressed batch, or why it could not be made.
        let bytes: Result<Bytes, ClientError>
        let count: Int
        /// Of the buffer.
        let size: Int
    }

    let partition: TopicPartition
    private let compression: Compression
    private var open: RecordBatchBuilder?
    /// What is taken of the buffer by the open batch.
    private var openSize = 0
    /// Counts open batches, so that a timer of an older one is known.
    private(set) var openNumber = 0
    private(set) var waiting: [SealedBatch] = []
    var isSending = false

    init(_ partition: TopicPartition, _ compression: Compression) {
        self.partition = partition
        self.compression = compression
    }

    var isIdle: Bool { open == nil && waiting.isEmpty && !isSending }

    /// Bytes of the open batch, 0 without one.
    var openBytes: Int { open?.sizeInBytes ?? 0 }

    /// Adds to the open batch.
    ///
    /// - Returns: whether the record is its first.
    func append(_ record: ProducerRecord, at time: Timestamp) -> Bool {
        let isFirst = open == nil
        if isFirst {
            open = RecordBatchBuilder(compression: compression)
            openNumber += 1
        }
        open?.append(
            timestamp: record.timestamp ?? time, key: record.key, value: record.value,
            headers: record.headers)
        openSize += record.sizeLimit
        return isFirst
    }

    /// Closes the open batch, if there is one.
    func seal() {
        guard let builder = open.take() else { return }
        let count = builder.recordCount
        let bytes: Result<Bytes, ClientError>
        do throws(CompressionError) {
            bytes = .success(try builder.build())
        } catch {
            bytes = .failure(.invalid("a batch for \(partition) cannot be compressed: \(error)"))
        }
        waiting.append(SealedBatch(bytes: bytes, count: count, size: openSize))
        openSize = 0
    }

    func next() -> SealedBatch? { waiting.isEmpty ? nil : waiting.removeFirst() }
}
