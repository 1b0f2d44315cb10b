internal import LogCore
internal import Primitives

extension ModelTrial {
    func bounds() throws(Violation) -> (start: Int64, end: Int64, stable: Int64) {
        try expecting("asking for the bounds of \(partition)") { () throws(LogError) in
            (
                try log.logStartOffset.rawValue, try log.logEndOffset.rawValue,
                try log.lastStableOffset.rawValue
            )
        }
    }

    func segments() throws(Violation) -> [(baseOffset: Offset, size: Int)] {
        try expecting("listing segments") { () throws(LogError) in try log.segments }
    }

    /// Start, end and last stable offset: behind every operation.
    func compareBounds() throws(Violation) {
        let found = try bounds()
        let expected = (model.start, model.end, model.lastStable)
        try require(
            found == expected,
            "\(partition): start, end, last stable offset are \(found), they should be \(expected); "
                + "transactions: \(model.transactions)")
    }

    /// All that a reader can see.
    func compareAll() throws(Violation) {
        try compareBounds()
        try compare(from: model.start, maxBytes: 1 << 20)
    }

    func read(_ random: inout SeededRandom) throws(Violation) -> String {
        let from = model.start + Int64(random.below(Int(model.end - model.start) + 1))
        let maxBytes = [1, 200, 1000, 1 << 20][random.below(4)]
        try compare(from: from, maxBytes: maxBytes)
        return "read from \(from), \(maxBytes) bytes at a time"
    }

    private func compare(from offset: Int64, maxBytes: Int) throws(Violation) {
        let reader = ModelReader(log: log, maxBytes: maxBytes)
        // When compaction takes markers is its own matter.
        let all = try reader.records(from: offset, withMarkers: !isCompacted)
        try compare(
            all, model.records(from: offset, withMarkers: !isCompacted), "reading from \(offset)")
        try compare(
            try reader.committed(from: offset), model.committed(from: offset),
            "reading committed data from \(offset)")
    }

    private func compare(
        _ found: [ModelRecord], _ expected: [ModelRecord], _ what: String
    ) throws(Violation) {
        if found == expected { return }
        let same = zip(found, expected).prefix { $0 == $1 }.count
        let (mine, other) = (found.dropFirst(same).first, expected.dropFirst(same).first)
        throw Violation(
            "\(partition), \(what): record \(same) is \(mine?.description ?? "missing"), it should "
                + "be \(other?.description ?? "missing")")
    }

    func findByTime(_ random: inout SeededRandom) throws(Violation) -> String {
        let records = model.records(from: model.start, withMarkers: true)
        let middle = records.isEmpty ? 0 : records[random.below(records.count)].timestamp
        let time = middle + Int64(random.below(3)) - 1
        let what = "find the time \(time)"
        let found = try expecting(what) { () throws(LogError) in
            try log.offset(forTimestamp: Timestamp(time))
        }
        let isMatch = { (record: ModelRecord) in record.timestamp >= time }
        let answer = found.map { "\($0.offset) at \($0.timestamp)" } ?? "nothing"
        let place = found.map(\.offset.rawValue)
        let expected = records.first(where: isMatch)
        if place == expected?.offset, found?.timestamp.rawValue == expected?.timestamp {
            return what
        }
        // Compaction may have taken the markers before.
        let data = model.records(from: model.start, withMarkers: false).first(where: isMatch)
        let isAllowed =
            isCompacted && (place ?? .max) <= (data?.offset ?? .max)
            && records.contains { $0.offset == place && isMatch($0) } == (place != nil)
        try require(isAllowed, "\(partition), \(what): \(answer), it should be \(expected as Any)")
        return what
    }
}

extension LogModel {
    /// The greatest timestamp of the records in a range of offsets.
    func newestTime(from first: Int64, to end: Int64) -> Int64? {
        batches.filter { $0.base >= first && $0.base < end }.flatMap(\.records)
            .map(\.timestamp).max()
    }
}
