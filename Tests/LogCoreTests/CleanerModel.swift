import LogCore
import Primitives
import RecordFormat
import Testing

/// What a compacted log must hold, kept in plain arrays: the rules of compaction applied to whole
/// batches, without files, maps or groups.
struct CleanerModel {
    struct Item: Equatable {
        let offset: Int64
        let key: String?
        let value: String?
    }

    struct Batch {
        let base: Int64
        let producer: Int64?
        var items: [Item]
        var horizon: Int64?
        var isAborted = false
    }

    var batches: [Batch] = []

    /// Data below this offset whose transaction was aborted, or is open, by producer.
    mutating func abort(_ producer: Int64, from first: Int64) {
        for index in batches.indices
        where batches[index].producer == producer && batches[index].base >= first {
            batches[index].isAborted = true
        }
    }

    /// A round that took in the records from `firstDirty` to below `end` and copied the segments
    /// below `covered`.
    mutating func clean(
        firstDirty: Int64, end: Int64, covered: Int64, now: Int64, retention: Int64
    ) {
        var newest: [String: Int64] = [:]
        for item in batches.filter({ !$0.isAborted }).flatMap(\.items)
        where item.offset >= firstDirty && item.offset < end {
            if let key = item.key { newest[key] = item.offset }
        }
        for index in batches.indices where batches[index].base < covered {
            let horizon = batches[index].horizon
            let isAborted = batches[index].isAborted
            batches[index].items.removeAll { item in
                if isAborted { return true }
                if item.offset >= end { return false }
                guard let key = item.key else { return true }
                if let latest = newest[key], latest > item.offset { return true }
                return item.value == nil && horizon.map { now >= $0 } ?? false
            }
            if horizon == nil, batches[index].items.contains(where: { $0.value == nil }) {
                batches[index].horizon = now + retention
            }
        }
    }

    var items: [Item] { batches.flatMap(\.items) }
}

extension Log {
    /// All data records, as the model has them.
    func items() throws -> [CleanerModel.Item] {
        try batches().filter { !$0.header.attributes.isControl }.flatMap { batch in
            var records = try batch.records(decompressionLimit: 1 << 20)
            return try records.rest().map {
                CleanerModel.Item(
                    offset: $0.offset.rawValue, key: $0.key?.text, value: $0.value?.text)
            }
        }
    }
}
