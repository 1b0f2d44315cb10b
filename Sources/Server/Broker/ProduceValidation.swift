internal import Coordination
internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// Checks batches from a producer before they may enter a log, and brings them into the topic's
/// form.
///
/// A batch is looked at from outside: header, length, CRC. It is opened only where a setting asks
/// for its content: a compacted topic (every record needs a key) and a topic that stores another
/// codec than the producer used. Then what is decompressed is capped, so that a small batch cannot
/// fill the memory.
struct ProduceValidation {
    let topic: TopicConfiguration
    let version: Int16
    let now: Timestamp

    /// The cap on a batch's content, as a multiple of the topic's largest batch: beyond it no real
    /// text goes.
    static let expansionLimit = 64

    /// Returns what to append: `records` itself, or its content compressed anew.
    func check(_ records: Bytes) throws(Refusal) -> Bytes {
        var batch = try open(records)
        try checkKind(of: batch, in: records)
        if topic.timestampType == .createTime { try checkTimestamps(batch.header) }
        do throws(BatchError) {
            if topic.compacts {
                try batch.validateRecords(decompressionLimit: contentLimit, requiringKeys: true)
            }
            if let (compression, level) = topic.compression.codec,
                compression != batch.header.compression
            {
                let bytes = try batch.recompressed(
                    to: compression, level: level, decompressionLimit: contentLimit)
                batch = try RecordBatch(atFrontOf: bytes)
            }
        } catch {
            throw Refusal(error)
        }
        try checkSize(batch)
        return batch.bytes
    }

    private func open(_ records: Bytes) throws(Refusal) -> RecordBatch {
        let batch: RecordBatch
        do throws(BatchError) {
            batch = try RecordBatch(atFrontOf: records)
        } catch {
            throw Refusal(error)
        }
        try checkSize(batch)
        do throws(BatchError) {
            try batch.validate(from: .producer)
        } catch {
            throw Refusal(error)
        }
        return batch
    }

    private func checkSize(_ batch: RecordBatch) throws(Refusal) {
        let (size, limit) = (batch.bytes.count, topic.maxMessageBytes)
        guard size <= limit else {
            throw Refusal(
                .messageTooLarge, "batch of \(size) bytes, max.message.bytes is \(limit)")
        }
    }

    private func checkKind(of batch: RecordBatch, in records: Bytes) throws(Refusal) {
        let header = batch.header
        // From Produce 3 on a request carries one batch a partition (KIP-98).
        guard batch.bytes.count == records.count else {
            throw Refusal(
                .invalidRecord,
                "one batch a partition expected, \(records.count - batch.bytes.count) bytes follow it"
            )
        }
        if header.recordCount == 0 {
            throw Refusal(.invalidRecord, "batch without records")
        }
        if header.attributes.isTransactional {
            throw Refusal(.invalidTxnState, "this broker has no transactions yet")
        }
        if header.compression == .zstd, version < 7 {
            throw Refusal(
                .unsupportedCompressionType, "zstd needs Produce 7, this request is \(version)")
        }
    }

    private var contentLimit: Int { topic.maxMessageBytes * Self.expansionLimit }

    /// The bounds of KIP-937, by the header's first and greatest timestamps: a batch is not opened
    /// for them.
    private func checkTimestamps(_ header: RecordBatchHeader) throws(Refusal) {
        guard header.maxTimestamp != .none else { return }
        let ahead = header.maxTimestamp.rawValue.subtractingReportingOverflow(now.rawValue)
        if ahead.overflow || ahead.partialValue > topic.timestampAfterMaxMilliseconds {
            throw Refusal(
                .invalidTimestamp,
                "timestamp \(header.maxTimestamp) is too far ahead of the clock, \(now)")
        }
        let behind = now.rawValue.subtractingReportingOverflow(header.baseTimestamp.rawValue)
        if behind.overflow || behind.partialValue > topic.timestampBeforeMaxMilliseconds {
            throw Refusal(
                .invalidTimestamp,
                "timestamp \(header.baseTimestamp) is too far behind the clock, \(now)")
        }
    }
}

extension TopicConfiguration.Compression {
    /// The codec and level that every batch is stored with; nil where each keeps its own.
    fileprivate var codec: (Compression, level: Int?)? {
        func explicit(_ level: Int, unless automatic: Int) -> Int? {
            level == automatic ? nil : level
        }
        return switch self {
        case .producer: nil
        case .uncompressed: (.none, nil)
        case .snappy: (.snappy, nil)
        case .gzip(let level): (.gzip, explicit(level, unless: -1))
        case .lz4(let level): (.lz4, level)
        case .zstd(let level): (.zstd, level)
        }
    }
}
