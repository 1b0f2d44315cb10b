internal import Primitives
internal import Synchronization

/// The positions of all cursors of a store, and the log that they are kept in.
///
/// The topic `__cursors` has one partition and is compacted. A record a position: its key is
/// `cursor/topic/topic id/partition`, its value the offset as digits, or nil when it was dropped.
/// The log is read once, when a cursor is first used; from then on memory has the positions.
///
/// Bound: `limit` positions; beyond it a commit is refused.
final class CursorTable: Sendable {
    struct Key: Hashable, Sendable {
        let cursor: String
        let topic: String
        let topicID: TopicID
        let partition: Int
    }

    static let topicName = "__cursors"
    static let limit = 100_000

    /// Small segments: what is compacted away is soon gone.
    static var settings: TopicSettings {
        var settings = TopicSettings.compacted
        settings.segmentBytes = 4 << 20
        return settings
    }

    private struct State: Sendable {
        var isLoaded = false
        /// nil until a position is first committed.
        var log: PartitionCore?
        var positions: [Key: Int64] = [:]
    }

    private let state = Mutex(State())

    // MARK: Loading

    /// Whether positions can be looked up, and with `forCommit` committed, without more ado.
    func isReady(forCommit: Bool) -> Bool {
        state.withLock { $0.isLoaded && (!forCommit || $0.log != nil) }
    }

    /// Reads what `log` says. Positions in topics that are not in `live` are dropped from it: the
    /// topic was deleted and a crash came before its positions were.
    func load(_ log: PartitionCore?, live: Set<TopicID>) throws(LogStoreError) {
        try state.withLock { (state) throws(LogStoreError) in
            state.log = log ?? state.log
            if state.isLoaded { return }
            if let log { state.positions = try Self.replay(log) }
            let stale = state.positions.keys.filter { !live.contains($0.topicID) }
            _ = try Self.drop(stale, &state)
            state.isLoaded = true
        }
    }

    private static func replay(_ log: PartitionCore) throws(LogStoreError) -> [Key: Int64] {
        var positions: [Key: Int64] = [:]
        var puller = RecordPuller([log], from: .position(.earliest), stopsAtEnd: true)
        while true {
            let records = try puller.pull()
            if records.isEmpty { return positions }
            for record in records {
                // What is not ours to understand was not written by us.
                guard let key = record.key?.string.flatMap(Key.init(text:)) else { continue }
                positions[key] = record.value?.string.flatMap { Int64($0) }
            }
            guard positions.count <= limit else { throw .tooManyCursors(limit: limit) }
        }
    }

    // MARK: Using

    func position(_ key: Key) -> Int64? { state.withLock { $0.positions[key] } }

    var cursorNames: [String] {
        state.withLock { Set($0.positions.keys.map(\.cursor)) }.sorted()
    }

    /// Writes positions down, all or none; on disk when this returns.
    ///
    /// - Parameter movingBack: also those that lie below the present one, which otherwise stays.
    func commit(_ positions: [Key: Int64], movingBack: Bool) throws(LogStoreError) {
        let target = try state.withLock { (state) throws(LogStoreError) -> SyncTarget? in
            let moved = positions.filter { key, offset in
                guard let present = state.positions[key] else { return true }
                return movingBack ? offset != present : offset > present
            }
            let added = moved.keys.count { state.positions[$0] == nil }
            guard state.positions.count + added <= Self.limit else {
                throw .tooManyCursors(limit: Self.limit)
            }
            return try Self.append(moved.mapValues { .some($0) }, &state)
        }
        // Also when nothing moved: whoever moved it may still be waiting for the disk.
        if let target { try PartitionCore.synchronize([target]) }
    }

    /// Drops the positions that `isDropped` names; on disk when this returns.
    func drop(where isDropped: (Key) -> Bool) throws(LogStoreError) {
        let target = try state.withLock { (state) throws(LogStoreError) -> SyncTarget? in
            try Self.drop(state.positions.keys.filter(isDropped), &state)
        }
        if let target { try PartitionCore.synchronize([target]) }
    }

    private static func drop(
        _ keys: [Key], _ state: inout State
    ) throws(LogStoreError) -> SyncTarget? {
        var rest = keys[...]
        var target: SyncTarget?
        // One after another, for all of them may be more than a segment takes: a crash in between
        // leaves some, which belong to no topic and go when the table is next read.
        repeat {
            let some = rest.prefix(dropsAtOnce)
            rest = rest.dropFirst(dropsAtOnce)
            target = try append(
                Dictionary(uniqueKeysWithValues: some.map { ($0, nil) }), &state)
        } while !rest.isEmpty
        return target
    }

    private static let dropsAtOnce = 1000

    /// One append, so that a crash leaves all of it or nothing. Returns what has to be on the disk
    /// for it, and all before it, to be; nil without a log.
    private static func append(
        _ positions: [Key: Int64?], _ state: inout State
    ) throws(LogStoreError) -> SyncTarget? {
        guard let log = state.log else { return nil }
        let ordered = positions.map { ($0.key.text, $0.value) }.sorted { $0.0 < $1.0 }
        let records = ordered.map { text, offset in
            NewRecord(offset.map { RecordBytes(String($0)) }, key: RecordBytes(text))
        }
        let end = try log.append(records, settings).offsets.upperBound
        for (key, offset) in positions { state.positions[key] = offset }
        return (log, end)
    }
}

extension CursorTable.Key {
    /// None of the parts has a slash in it.
    var text: String { "\(cursor)/\(topic)/\(topicID)/\(partition)" }

    init?(text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, let id = TopicID(parts[2]), let partition = Int(parts[3]) else {
            return nil
        }
        self.init(
            cursor: String(parts[0]), topic: String(parts[1]), topicID: id, partition: partition)
    }
}
