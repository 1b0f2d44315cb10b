internal import Primitives
internal import Synchronization

/// A topic of an open store: what all handles to it share.
final class TopicCore: Sendable {
    let name: String
    let id: TopicID
    /// By number; nil where the directory lacks one that there must be.
    let partitions: [PartitionCore?]
    /// Counts appends without a key, which take partitions in turn.
    private let turn = Atomic<Int>(0)
    private let currentSettings: Mutex<TopicSettings>

    init(name: String, id: TopicID, partitions: [PartitionCore?], settings: TopicSettings) {
        self.name = name
        self.id = id
        self.partitions = partitions
        currentSettings = Mutex(settings)
    }

    var settings: TopicSettings { currentSettings.withLock { $0 } }

    /// Settings for this and every later append, and for the logs.
    func use(_ settings: TopicSettings) {
        currentSettings.withLock { $0 = settings }
        for partition in partitions { partition?.log.configuration = settings.logConfiguration }
    }

    var present: [PartitionCore] { partitions.compactMap(\.self) }

    func partition(_ index: Int) throws(LogStoreError) -> PartitionCore {
        guard partitions.indices.contains(index) else {
            throw .partitionOutOfRange(topic: name, partition: index, count: partitions.count)
        }
        guard let partition = partitions[index] else { throw missing(index) }
        return partition
    }

    private func missing(_ index: Int) -> LogStoreError {
        .damaged(
            file: "\(name)-\(index)", position: 0,
            reason: "the directory of this partition is missing")
    }

    /// Why the topic cannot be read as a whole; nil when all of it is there.
    var firstMissing: LogStoreError? { partitions.firstIndex { $0 == nil }.map(missing) }

    /// Opens the files of all partitions, so that their ends are known. Errors come at use.
    func touch() {
        for partition in present { _ = try? partition.endOffset }
    }

    /// Lets go of whoever waits for records.
    func finish(_ error: LogStoreError) {
        for partition in present { partition.finish(error) }
    }

    // MARK: Appending

    /// Appends each record to its partition: partitions in ascending order, each in one write.
    ///
    /// - Parameter partitioner: a record's partition, given their number; nil for the default.
    func append(
        _ records: [NewRecord], by partitioner: ((NewRecord, Int) -> Int)?
    ) throws(LogStoreError) -> [Appended] {
        let settings = settings
        if partitions.count == 1, partitioner == nil {
            return records.isEmpty ? [] : [try partition(0).append(records, settings)]
        }
        var appended: [Appended] = []
        for (index, places) in try route(records, by: partitioner) {
            appended.append(try partition(index).append(records, at: places, settings))
        }
        return appended
    }

    func append(
        _ record: NewRecord, _ settings: TopicSettings
    ) throws(LogStoreError) -> Appended {
        try partition(defaultPartition(of: record.key)).append([record], settings)
    }

    /// The partition of a key; for none, the next one in turn.
    func defaultPartition(of key: RecordBytes?) -> Int {
        if partitions.count == 1 { return 0 }
        guard let key else { return nextInTurn() }
        return Partitioning.partition(of: key, count: partitions.count)
    }

    private func nextInTurn() -> Int {
        let count = turn.add(1, ordering: .relaxed).oldValue
        return Int(UInt(bitPattern: count) % UInt(partitions.count))
    }

    /// Which records go where: for each partition that gets some, the records' places in their
    /// order.
    private func route(
        _ records: [NewRecord], by partitioner: ((NewRecord, Int) -> Int)?
    ) throws(LogStoreError) -> [(partition: Int, places: ArraySlice<Int>)] {
        let count = partitions.count
        // Records without a key stay together, so that they share a batch.
        var sticky: Int?
        var targets: [Int] = []
        targets.reserveCapacity(records.count)
        var ends = [Int](repeating: 0, count: count + 1)
        for record in records {
            let target: Int
            if let partitioner {
                target = partitioner(record, count)
            } else if let key = record.key {
                target = Partitioning.partition(of: key, count: count)
            } else {
                target = sticky ?? nextInTurn()
                sticky = target
            }
            _ = try partition(target)
            targets.append(target)
            ends[target + 1] += 1
        }
        for index in 1...count { ends[index] += ends[index - 1] }
        var cursor = ends
        var places = [Int](repeating: 0, count: records.count)
        for (place, target) in targets.enumerated() {
            places[cursor[target]] = place
            cursor[target] += 1
        }
        return (0..<count).compactMap { index in
            let range = ends[index]..<ends[index + 1]
            return range.isEmpty ? nil : (index, places[range])
        }
    }

    /// What must be on the disk for `appended` to be.
    func targets(_ appended: [Appended]) throws(LogStoreError) -> [SyncTarget] {
        var targets: [SyncTarget] = []
        for one in appended {
            targets.append((try partition(one.partition), one.offsets.upperBound))
        }
        return targets
    }

    func isSynced(_ durability: Durability?) -> Bool {
        (durability ?? settings.durability) == .synced
    }
}
