internal import Primitives
internal import RecordFormat

/// The records on their way to one partition: an open batch that takes more, batches that wait, and
/// one that is being sent. One at a time, so that they arrive in their order.
///
/// Belongs to one `Producer`, and is touched only there.
final class Lane {
    let partition: TopicPartition
    private let compression: Compression
    private var open: Batch?
    /// Counts open batches, so that a timer of an older one is known.
    private(set) var openNumber = 0
    private var waiting: [Batch] = []
    var isSending = false
    /// The number of the next record in the partition, under the identity of the last batch.
    private var sequence: (identity: ProducerIdentity, next: Int32)?

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
    func append(_ record: ProducerRecord, _ clock: any Clock) -> Bool {
        let isFirst = open == nil
        let batch = open ?? Batch(compression, begun: clock.monotonic())
        if isFirst {
            open = batch
            openNumber += 1
        }
        batch.append(record, at: clock.wall())
        return isFirst
    }

    /// Closes the open batch, if there is one.
    func seal() {
        if let batch = open.take() { waiting.append(batch) }
    }

    func next() -> Batch? { waiting.isEmpty ? nil : waiting.removeFirst() }

    /// Who writes the next batch, and the number of its first record.
    func author(_ identity: ProducerIdentity) -> RecordBatchBuilder.Producer {
        var first: Int32 = 0
        if let sequence, sequence.identity == identity { first = sequence.next }
        sequence = (identity, first)
        return .init(id: identity.id, epoch: identity.epoch, baseSequence: first)
    }

    /// So many records of the last author are written. Behind the highest number comes 0.
    func advance(by count: Int) {
        guard let (identity, next) = sequence else { return }
        sequence = (identity, Int32(truncatingIfNeeded: (Int(next) + count) & Int(Int32.max)))
    }
}

extension Lane {
    /// The records of one batch. They are put together when they are sent, for it depends on those
    /// before them how they are numbered.
    final class Batch {
        /// When the first record came.
        let begun: MonotonicTime
        /// nil once it is built.
        private var builder: RecordBatchBuilder?
        private(set) var count = 0
        /// What is taken of the producer's buffer.
        private(set) var bufferSize = 0

        init(_ compression: Compression, begun: MonotonicTime) {
            self.begun = begun
            builder = RecordBatchBuilder(compression: compression)
        }

        /// Before compression.
        var sizeInBytes: Int { builder?.sizeInBytes ?? 0 }

        func append(_ record: ProducerRecord, at time: Timestamp) {
            builder?.append(
                timestamp: record.timestamp ?? time, key: record.key, value: record.value,
                headers: record.headers)
            count += 1
            bufferSize += record.sizeLimit
        }

        /// The finished batch, compressed. Once.
        func build(by author: RecordBatchBuilder.Producer) throws -> Bytes {
            guard var builder = builder.take() else {
                preconditionFailure("a batch was built twice")
            }
            builder.producer = author
            do throws(CompressionError) { return try builder.build() } catch {
                throw ClientError.invalid("a batch cannot be compressed: \(error)")
            }
        }
    }
}
