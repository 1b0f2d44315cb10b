package import Primitives

/// The first 61 bytes of a record batch of format v2 (KIP-98): all that a broker reads of it on the
/// way from a producer to disk and from disk to a consumer.
///
/// Invariant: the length is at least that of an empty batch, the magic is 2, the codec exists, and
/// `baseOffset` through `nextOffset` are neither negative nor beyond 64 bits. Whether the checksum
/// and the record count are right is for `RecordBatch.validate` to say.
package struct RecordBatchHeader: Sendable, Equatable {
    /// The bytes of a header, and of a batch without records.
    package static let size = 61
    /// The bytes before those that `batchLength` counts: base offset and the length itself.
    package static let prefixSize = 12
    package static let currentMagic: Int8 = 2

    /// Where each field begins.
    enum Position {
        static let baseOffset = 0
        static let batchLength = 8
        static let partitionLeaderEpoch = 12
        static let magic = 16
        static let crc = 17
        /// The first byte that the checksum covers.
        static let attributes = 21
        static let lastOffsetDelta = 23
        static let baseTimestamp = 27
        static let maxTimestamp = 35
        static let producerID = 43
        static let producerEpoch = 51
        static let baseSequence = 53
        static let recordCount = 57
    }

    package internal(set) var baseOffset: Offset
    /// The bytes that follow the length field.
    package internal(set) var batchLength: Int
    package internal(set) var partitionLeaderEpoch: LeaderEpoch
    package let magic: Int8
    /// CRC-32C over everything from the attributes on.
    package internal(set) var crc: UInt32
    package internal(set) var attributes: BatchAttributes
    package let compression: Compression
    /// The last offset less the first, also of records that compaction took away.
    package let lastOffsetDelta: Int32
    /// What the records' timestamps count from; the delete horizon where the attributes say so.
    package let baseTimestamp: Timestamp
    package internal(set) var maxTimestamp: Timestamp
    package let producerID: ProducerID
    package let producerEpoch: ProducerEpoch
    /// The sequence number of the first record; -1 without an idempotent producer.
    package let baseSequence: Int32
    package let recordCount: Int32

    /// Reads the header that begins at `start`; the records behind it need not be there.
    package init(reading bytes: Bytes, at start: Int = 0) throws(BatchError) {
        let available = bytes.count - start
        guard start >= 0, available > Position.magic else {
            throw .truncated(needed: Self.size, available: max(available, 0))
        }
        // The magic stands at the same place in every format, so it goes first: an old message has
        // another length.
        magic = bytes.load(at: start + Position.magic, as: Int8.self)
        guard magic == Self.currentMagic else { throw .unsupportedMagic(magic) }
        batchLength = Int(bytes.load(at: start + Position.batchLength, as: Int32.self))
        guard batchLength >= Self.size - Self.prefixSize else { throw .invalidLength(batchLength) }
        guard available >= Self.size else {
            throw .truncated(needed: Self.size, available: available)
        }
        attributes = BatchAttributes(
            rawValue: bytes.load(at: start + Position.attributes, as: Int16.self))
        guard let codec = attributes.compression else {
            throw .unknownCompression(attributes.codec)
        }
        compression = codec
        baseOffset = Offset(bytes.load(at: start + Position.baseOffset, as: Int64.self))
        lastOffsetDelta = bytes.load(at: start + Position.lastOffsetDelta, as: Int32.self)
        guard Self.offsetsFit(base: baseOffset, lastDelta: lastOffsetDelta) else {
            throw .invalidOffsets(base: baseOffset.rawValue, lastDelta: lastOffsetDelta)
        }
        partitionLeaderEpoch = LeaderEpoch(
            bytes.load(at: start + Position.partitionLeaderEpoch, as: Int32.self))
        crc = bytes.load(at: start + Position.crc, as: UInt32.self)
        baseTimestamp = Timestamp(bytes.load(at: start + Position.baseTimestamp, as: Int64.self))
        maxTimestamp = Timestamp(bytes.load(at: start + Position.maxTimestamp, as: Int64.self))
        producerID = ProducerID(bytes.load(at: start + Position.producerID, as: Int64.self))
        producerEpoch = ProducerEpoch(
            bytes.load(at: start + Position.producerEpoch, as: Int16.self))
        baseSequence = bytes.load(at: start + Position.baseSequence, as: Int32.self)
        recordCount = bytes.load(at: start + Position.recordCount, as: Int32.self)
    }

    /// Whether every offset of such a batch, and the one after it, can be written down.
    static func offsetsFit(base: Offset, lastDelta: Int32) -> Bool {
        base.rawValue >= 0 && lastDelta >= 0 && base.rawValue < Int64.max - Int64(lastDelta)
    }

    /// The whole batch, header included.
    package var sizeInBytes: Int { Self.prefixSize + batchLength }
    package var lastOffset: Offset { baseOffset.advanced(by: Int64(lastOffsetDelta)) }
    /// The offset that the batch after this one begins with, when nothing was compacted away.
    package var nextOffset: Offset { lastOffset.advanced(by: 1) }

    /// The time from which the batch's tombstones and transaction markers may be removed (KIP-534).
    package var deleteHorizon: Timestamp? {
        attributes.hasDeleteHorizon ? baseTimestamp : nil
    }

    /// Whether an idempotent or transactional producer wrote the batch.
    package var hasProducerID: Bool { producerID > .none }

    /// The sequence number of the last offset; -1 without one. After 2,147,483,647 comes 0.
    package var lastSequence: Int32 {
        guard baseSequence >= 0 else { return -1 }
        return Int32(
            truncatingIfNeeded: (Int64(baseSequence) + Int64(lastOffsetDelta)) & 0x7fff_ffff)
    }
}
