internal import LogCore

/// What a store with one topic of one partition was promised to hold if everything ended now. A
/// call that is under way leaves two possibilities.
struct StoreLedger: Sendable {
    /// The topic's settings; nil: there is no topic.
    var topics: [TopicSettings?] = [nil]
    /// The topic's values, in order, also those whose append has not returned.
    var values: [String] = []
    /// So many of them were acknowledged as on disk.
    var durable = 0
    /// Where each cursor may be; nil: it has no position.
    var positions: [String: [Int64?]] = [:]
}

/// What a store holds.
struct ObservedStore: Equatable {
    let topic: TopicSettings?
    let values: [String]
    let positions: [String: Int64]

    /// - Parameter cursors: those that are asked for.
    init(_ store: LogStore, cursors: [String]) throws {
        var values: [String] = []
        var positions: [String: Int64] = [:]
        let topic = store.topics().first
        if let topic, let partition = topic.partitions.first {
            var reader = topic.reader()
            while let record = try reader.next() {
                guard record.offset == Int64(values.count) else {
                    throw Violation("a record at \(record.offset), behind \(values.count) others")
                }
                values.append(record.value?.string ?? "")
            }
            guard try partition.endOffset == Int64(values.count) else {
                throw Violation("\(values.count) records are not all: \(try partition.endOffset)")
            }
            for name in cursors {
                positions[name] = try store.cursor(named: name).position(of: partition)
            }
        }
        self.topic = topic?.settings
        self.values = values
        self.positions = positions
    }

    func check(against ledger: StoreLedger) throws(Violation) {
        try require(
            ledger.topics.contains(topic),
            "the topic's settings are \(String(describing: topic)), not \(ledger.topics)")
        guard topic != nil else { return }
        try require(
            values.elementsEqual(ledger.values.prefix(values.count)),
            "the records are \(values), \(ledger.values) were written")
        try require(
            values.count >= ledger.durable,
            "\(values.count) records are there, \(ledger.durable) were durable")
        for (name, allowed) in ledger.positions.sorted(by: { $0.key < $1.key }) {
            let position = positions[name]
            try require(
                allowed.contains(position),
                "cursor \(name) is at \(String(describing: position)), not at one of \(allowed)")
            try require(
                position ?? 0 <= values.count,
                "cursor \(name) is at \(position ?? 0), the topic ends at \(values.count)")
        }
    }

    /// All of it is on disk.
    var ledger: StoreLedger {
        var ledger = StoreLedger()
        ledger.topics = [topic]
        ledger.values = values
        ledger.durable = values.count
        ledger.positions = positions.mapValues { [$0] }
        return ledger
    }
}
