internal import Primitives

/// The `.snapshot` file: producers' state as of the offset in its name, in Kafka's version 1.
///
/// Layout: version (2), CRC-32C of what follows (4), count (4), then 46 bytes a producer: id (8),
/// epoch (2), last sequence (4), last offset (8), offset delta (4), timestamp (8), coordinator
/// epoch (4), first offset of the open transaction or -1 (8). Only the last batch is kept.
enum ProducerSnapshot {
    private static let version: Int16 = 1
    private static let checksumPosition = 2
    private static let contentPosition = 6
    private static let entrySize = 46
    /// Files above this are not read: 1.4 million producers.
    static let sizeLimit = 64 << 20

    static func encode(_ producers: [(ProducerID, ProducerEntry)]) -> Bytes {
        var writer = ByteWriter(capacity: contentPosition + 4 + producers.count * entrySize)
        writer.write(version)
        writer.write(0 as UInt32)
        writer.write(Int32(producers.count))
        for (id, entry) in producers {
            let last = entry.batches.last
            writer.write(id.rawValue)
            writer.write(entry.epoch.rawValue)
            writer.write(entry.lastSequence)
            writer.write((last?.lastOffset ?? .none).rawValue)
            writer.write(last?.offsetDelta ?? 0)
            writer.write(entry.lastTimestamp.rawValue)
            writer.write(entry.coordinatorEpoch)
            writer.write((entry.transactionStart ?? .none).rawValue)
        }
        let bytes = writer.finish()
        let sum = CRC32C.checksum(bytes.slice(contentPosition..<bytes.count))
        bytes.overwrite(sum, at: checksumPosition)
        return bytes
    }

    static func decode(_ bytes: Bytes) throws(DecodeError) -> [(ProducerID, ProducerEntry)] {
        var reader = ByteReader(bytes)
        let found = try reader.readInt16()
        guard found == version else {
            throw DecodeError(.unsupportedVersion(Int(found)), at: 0)
        }
        let stored = try reader.readUInt32()
        let computed = CRC32C.checksum(bytes.slice(contentPosition..<bytes.count))
        guard stored == computed else {
            throw DecodeError(
                .invalid("checksum \(stored), \(computed) over the content"), at: checksumPosition)
        }
        let count = Int(try reader.readInt32())
        guard count >= 0, count == reader.remaining / entrySize,
            reader.remaining % entrySize == 0
        else {
            throw DecodeError(
                .countTooLarge(count, available: reader.remaining), at: contentPosition)
        }
        var producers: [(ProducerID, ProducerEntry)] = []
        producers.reserveCapacity(count)
        for _ in 0..<count { producers.append(try readEntry(&reader)) }
        return producers
    }

    private static func readEntry(
        _ reader: inout ByteReader
    ) throws(DecodeError) -> (ProducerID, ProducerEntry) {
        let id = ProducerID(try reader.readInt64())
        var entry = ProducerEntry()
        entry.epoch = ProducerEpoch(try reader.readInt16())
        let sequence = try reader.readInt32()
        let lastOffset = Offset(try reader.readInt64())
        let delta = try reader.readInt32()
        entry.lastTimestamp = Timestamp(try reader.readInt64())
        entry.coordinatorEpoch = try reader.readInt32()
        let start = Offset(try reader.readInt64())
        entry.transactionStart = start >= .zero ? start : nil
        if lastOffset >= .zero {
            entry.batches = [
                ProducerEntry.Batch(
                    lastSequence: sequence, lastOffset: lastOffset, offsetDelta: max(delta, 0),
                    timestamp: entry.lastTimestamp)
            ]
        }
        return (id, entry)
    }
}
