/// One record as the model has it. A marker is a record without key and value.
struct ModelRecord: Equatable, CustomStringConvertible {
    let offset: Int64
    let timestamp: Int64
    let key: String?
    let value: String?

    var description: String { "\(offset) \(key ?? "-")=\(value ?? "-") at \(timestamp)" }
}

/// One batch as the model has it.
struct ModelBatch {
    enum Kind: Equatable {
        case plain
        case transactional(producer: Int64)
        case marker(producer: Int64, isAbort: Bool)

        var isMarker: Bool {
            if case .marker = self { return true }
            return false
        }
    }

    let kind: Kind
    let base: Int64
    let last: Int64
    /// Those that compaction has left.
    var records: [ModelRecord]
    /// When the tombstones that compaction has left may go.
    var horizon: Int64?
}

/// What a log must hold, as plainly as it can be said: an array of batches, and two bounds. Knows
/// nothing of files, segments, indexes or maps.
struct LogModel {
    /// Also those below the start: a crash may bring them back, and producers go on from them.
    private(set) var batches: [ModelBatch] = []
    private(set) var start: Int64 = 0
    private(set) var end: Int64 = 0
    /// Where the log starts at the least after a crash: the start that is in the checkpoint.
    private(set) var durableStart: Int64 = 0

    /// The records in the log from `offset` on.
    func records(from offset: Int64, withMarkers: Bool) -> [ModelRecord] {
        batches.filter { withMarkers || !$0.kind.isMarker }.flatMap(\.records).filter {
            $0.offset >= max(offset, start)
        }
    }

    // MARK: Changes

    /// Adds records that lie one behind the other from the end on.
    mutating func append(_ kind: ModelBatch.Kind, _ records: [ModelRecord]) {
        let last = end + Int64(records.count) - 1
        batches.append(ModelBatch(kind: kind, base: end, last: last, records: records))
        end = last + 1
    }

    mutating func advanceStart(to offset: Int64) { start = max(start, offset) }

    mutating func noteCheckpoint() { durableStart = start }

    /// The process died: nothing of the records is lost, of the start what no checkpoint has.
    mutating func crash(startingAt offset: Int64) { start = offset }

    /// Where the log may end when it is cut at `target`. A batch that spans the target goes whole;
    /// of one without records compaction may have left the offsets, or nothing.
    func ends(ifCutAt target: Int64) -> [Int64] {
        guard let spanning = batches.first(where: { $0.last >= target }), spanning.base < target
        else { return [target] }
        let isThere = !spanning.records.isEmpty
        return isThere && !spanning.kind.isMarker ? [spanning.base] : [spanning.base, target]
    }

    /// - Parameter newEnd: one of `ends`.
    mutating func truncate(to target: Int64, endingAt newEnd: Int64) {
        batches.removeAll { $0.last >= target }
        end = newEnd
        start = min(start, end)
        durableStart = min(durableStart, end)
    }

    /// Empties the log, which goes on at `offset`.
    mutating func restart(at offset: Int64) {
        batches = []
        start = offset
        end = offset
        durableStart = offset
    }

    // MARK: Compaction

    /// What a round of compaction took in and rewrote.
    struct Cleaning {
        /// The newest record of each key is sought from here to below `end`.
        let firstDirty: Int64
        let end: Int64
        /// Where the first segment begins that the round did not rewrite.
        let covered: Int64
        let now: Int64
        let deleteRetention: Int64
    }

    mutating func clean(_ round: Cleaning) {
        let void = Set(batches.filter(isAborted).map(\.base))
        var newest: [String: Int64] = [:]
        for batch in batches where !void.contains(batch.base) && !batch.kind.isMarker {
            for record in batch.records
            where record.offset >= round.firstDirty && record.offset < round.end {
                if let key = record.key { newest[key] = record.offset }
            }
        }
        for index in batches.indices
        where batches[index].base < round.covered && !batches[index].kind.isMarker {
            if void.contains(batches[index].base) {
                batches[index].records = []
                continue
            }
            let isPast = batches[index].horizon.map { round.now >= $0 } ?? false
            batches[index].records.removeAll { record in
                if record.offset >= round.end { return false }
                guard let key = record.key else { return true }
                if let latest = newest[key], latest > record.offset { return true }
                return record.value == nil && isPast
            }
            if batches[index].horizon == nil,
                batches[index].records.contains(where: { $0.value == nil })
            {
                batches[index].horizon = round.now + round.deleteRetention
            }
        }
    }

    // MARK: Mistakes

    /// What a model can be told to get wrong, to see whether the comparison finds it.
    mutating func spoil(_ mistake: ModelMistake) {
        let isMarker = { (batch: ModelBatch) in batch.kind.isMarker || batch.records.isEmpty }
        guard let index = batches.lastIndex(where: { !isMarker($0) }) else { return }
        switch mistake {
        case .forgetsRecord: batches[index].records.removeLast()
        case .wrongValue:
            let old = batches[index].records.removeLast()
            batches[index].records.append(
                ModelRecord(
                    offset: old.offset, timestamp: old.timestamp, key: old.key, value: "wrong"))
        case .wrongEnd: end += 1
        }
    }
}

/// See `LogModel.spoil`.
package enum ModelMistake: Sendable, CaseIterable {
    case forgetsRecord
    case wrongValue
    case wrongEnd
}
