internal import Synchronization

/// Where in a partition the newest record of each key is. Made when first asked, by reading the
/// partition once; from then on each question reads only what was appended since the last.
///
/// Bound: `limit` keys, at about 32 bytes each, whatever their length. A partition with more keys
/// has no index, and each question reads all of it.
final class KeyIndex: Sendable {
    static let limit = 1_000_000

    private enum State {
        /// `offsets` by the key's hash, which is this process's own; all below `end` is in it.
        case indexed(offsets: [Int: Int64], end: Int64)
        case tooManyKeys
    }

    private let state = Mutex(State.indexed(offsets: [:], end: 0))

    /// The newest record with `key`; nil when there is none, or it went. Blocks on the disk.
    func newestRecord(
        forKey key: RecordBytes, in partition: PartitionCore
    ) throws(LogStoreError) -> LogRecord? {
        let found = try state.withLock { (state) throws(LogStoreError) in
            try Self.find(key, partition, &state)
        }
        guard let offset = found else { return nil }
        guard let offset = offset.exactly else { return try Self.scan(for: key, partition) }
        do throws(LogStoreError) {
            let record = try partition.read(from: offset, maxBytes: 1, maxRecords: 1).records.first
            // Compaction or retention may have removed it; what is there now is of another key.
            guard let record, record.offset == offset else { return nil }
            // Two keys with one hash: the index knows only the later one.
            return record.key == key ? record : try Self.scan(for: key, partition)
        } catch .offsetOutOfRange {
            return nil
        } catch {
            throw error
        }
    }

    private enum Place {
        case offset(Int64)
        case anywhere

        var exactly: Int64? {
            if case .offset(let offset) = self { return offset }
            return nil
        }
    }

    private static func find(
        _ key: RecordBytes, _ partition: PartitionCore, _ state: inout State
    ) throws(LogStoreError) -> Place? {
        guard case .indexed(var offsets, var next) = state else { return .anywhere }
        // In place: a copy of the table would cost as much as making it.
        state = .tooManyKeys
        defer {
            if offsets.count <= limit { state = .indexed(offsets: offsets, end: next) }
        }
        next = max(next, try partition.startOffset)
        let end = try partition.endOffset
        while next < end, offsets.count <= limit {
            let chunk = try partition.read(from: next, maxBytes: RecordPuller.chunkBytes)
            for record in chunk.records {
                if let key = record.key { offsets[key.hashValue] = record.offset }
            }
            // What an open transaction holds back is for the next question.
            if chunk.next == next { break }
            next = chunk.next
        }
        if offsets.count > limit { return .anywhere }
        return offsets[key.hashValue].map { .offset($0) }
    }

    private static func scan(
        for key: RecordBytes, _ partition: PartitionCore
    ) throws(LogStoreError) -> LogRecord? {
        var puller = RecordPuller([partition], from: .position(.earliest), stopsAtEnd: true)
        var newest: LogRecord?
        while true {
            let records = try puller.pull()
            if records.isEmpty { return newest }
            newest = records.last { $0.key == key } ?? newest
        }
    }
}
