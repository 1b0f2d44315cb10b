/// Reads records of one partition or several, chunk by chunk: the part that all ways of reading
/// share. Blocks on the disk.
///
/// Within a partition records come in the order of their offsets; partitions take turns.
struct RecordPuller: Sendable {
    /// Where each partition's reading begins.
    enum Start: Sendable {
        case position(ReadPosition)
        /// At the cursor's position, or at the other one where it has none.
        case cursor(Cursor, otherwise: ReadPosition)
    }

    private struct Place: Sendable {
        let partition: PartitionCore
        /// nil until the first pull.
        var next: Int64?
        /// Where to stop; nil for never.
        var bound: Int64?
    }

    /// Bytes of batches a pull reads at most, but for one batch that is larger.
    static let chunkBytes = 256 << 10

    private var places: [Place]
    private let start: Start
    private let stopsAtEnd: Bool
    /// Why nothing can be read.
    private let failure: LogStoreError?
    private var isResolved = false
    private var turn = 0

    /// - Parameters:
    ///   - stopsAtEnd: nothing behind the end that the first pull finds is read.
    ///   - failure: what every pull throws.
    init(
        _ partitions: [PartitionCore], from start: Start, stopsAtEnd: Bool,
        failure: LogStoreError? = nil
    ) {
        self.start = start
        self.failure = failure
        self.stopsAtEnd = stopsAtEnd
        places = partitions.map { Place(partition: $0) }
        // The latest is what it is now, not at the first pull. Where that fails, the pull says why.
        if case .position(.latest) = start {
            for index in places.indices { places[index].next = try? partitions[index].endOffset }
        }
    }

    /// The next records; none when all have been read for now.
    ///
    /// - Throws: `offsetOutOfRange` where retention was faster than the reader; `closed` or
    ///   `unknownTopic`, and what reading the disk may throw.
    mutating func pull() throws(LogStoreError) -> [LogRecord] {
        if let failure { throw failure }
        if !isResolved { try resolve() }
        for _ in places.indices {
            let place = places[turn]
            let index = turn
            turn = (turn + 1) % places.count
            let next = place.next ?? 0
            if let bound = place.bound, next >= bound { continue }
            if let ending = place.partition.ending { throw ending }
            var chunk = try place.partition.read(from: next, maxBytes: Self.chunkBytes)
            places[index].next = chunk.next
            if let bound = place.bound, chunk.next > bound {
                chunk.records.removeAll { $0.offset >= bound }
            }
            if !chunk.records.isEmpty { return chunk.records }
        }
        return []
    }

    private mutating func resolve() throws(LogStoreError) {
        for index in places.indices {
            let partition = places[index].partition
            if stopsAtEnd { places[index].bound = try partition.endOffset }
            if places[index].next == nil {
                places[index].next = try Self.resolve(start, partition)
            }
        }
        isResolved = true
    }

    private static func resolve(
        _ start: Start, _ partition: PartitionCore
    ) throws(LogStoreError) -> Int64 {
        switch start {
        case .position(let position): return try partition.offset(of: position)
        case .cursor(let cursor, let position):
            if let offset = try cursor.position(of: partition) { return offset }
            return try partition.offset(of: position)
        }
    }

    var partitions: [PartitionCore] { places.map(\.partition) }
    var isEndless: Bool { !stopsAtEnd }
}
