package import Primitives

/// Why bytes are not a record batch that can be used, with what was found and what was expected.
package enum BatchError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes end before the header or the length in it says so. Not damage where a fetch or a
    /// file may end in the middle of a batch.
    case truncated(needed: Int, available: Int)
    /// `batchLength` is below the 49 bytes that follow it in an empty batch.
    case invalidLength(Int)
    /// Message format 0 or 1, or something that never was one; only 2 is served.
    case unsupportedMagic(Int8)
    /// Codec 5, 6 or 7.
    case unknownCompression(Int8)
    /// Offsets below zero or beyond what 64 bits hold.
    case invalidOffsets(base: Int64, lastDelta: Int32)
    case checksumMismatch(stored: UInt32, computed: UInt32)
    /// `recordCount` does not fit the range of offsets.
    case invalidRecordCount(Int32, lastOffsetDelta: Int32)
    /// A batch from a producer must leave the base offset at 0.
    case baseOffsetNotZero(Offset)
    /// Producers may not write control batches.
    case controlBatchFromProducer
    /// A producer id without a sequence, or a transactional batch without a producer id.
    case inconsistentProducer(ProducerID, ProducerEpoch, baseSequence: Int32)
    case compression(CompressionError)
    /// Record number `index` of the batch cannot be read.
    case record(index: Int, DecodeError)
    /// Record number `index` has an offset that is out of order or beyond the header's last one.
    case recordOffset(index: Int, delta: Int32, lastOffsetDelta: Int32)
    /// Bytes follow the last of `recordCount` records.
    case trailingBytes(Int)
    /// Records without a key where each must have one (a compacted topic); none are named where
    /// there are more than `RecordBatch.namedRecords`.
    case missingKeys(indices: [Int])

    package var description: String {
        switch self {
        case .truncated(let needed, let available):
            "record batch of \(needed) bytes, \(available) there"
        case .invalidLength(let length): "record batch length \(length), at least 49 expected"
        case .unsupportedMagic(let magic): "record batch magic \(magic), 2 expected"
        case .unknownCompression(let codec): "record batch compression codec \(codec) unknown"
        case .invalidOffsets(let base, let delta):
            "record batch base offset \(base) with last offset delta \(delta)"
        case .checksumMismatch(let stored, let computed):
            "record batch CRC-32C \(stored) in the header, \(computed) over its bytes"
        case .invalidRecordCount(let count, let delta):
            "record batch of \(count) records with last offset delta \(delta)"
        case .baseOffsetNotZero(let offset):
            "record batch from a producer with base offset \(offset), 0 expected"
        case .controlBatchFromProducer: "control batch from a producer"
        case .inconsistentProducer(let id, let epoch, let sequence):
            "record batch of producer \(id), epoch \(epoch), with base sequence \(sequence)"
        case .compression(let error): "record batch: \(error)"
        case .record(let index, let error): "record \(index) of the batch: \(error)"
        case .recordOffset(let index, let delta, let last):
            "record \(index) of the batch has offset delta \(delta), last offset delta \(last)"
        case .trailingBytes(let count): "\(count) bytes after the last record of the batch"
        case .missingKeys(let indices) where indices.isEmpty:
            "more than \(RecordBatch.namedRecords) records of the batch have no key"
        case .missingKeys(let indices):
            "\(indices.count) records of the batch have no key, the first is record \(indices.first ?? 0)"
        }
    }
}
