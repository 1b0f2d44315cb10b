/// A dictionary whose copies share what they have in common, and that lists its keys in order.
///
/// A copy costs a few words. Changing a copy of a map of n entries duplicates one shard (about
/// n/256 entries) and one run of keys (at most `SortedKeys.runLimit`), not the whole, so that a new
/// image of a big cluster is cheap while readers still hold the old one. A lookup is two hashes.
/// Iteration follows `<` of the keys and is therefore the same in every process.
package struct SharedMap<Key: Hashable & Comparable & Sendable, Value: Sendable>: Sendable {
    private static var shardCount: Int { 256 }

    private var shards: [[Key: Value]]
    private var order = SortedKeys<Key>()

    package init() {
        shards = Array(repeating: [:], count: Self.shardCount)
    }

    package var count: Int { order.count }
    package var isEmpty: Bool { order.count == 0 }

    /// The keys, ascending.
    package var keys: SortedKeys<Key> { order }

    /// The values, by ascending key.
    package var values: some Sequence<Value> {
        order.lazy.compactMap { self[$0] }
    }

    private static func shard(of key: Key) -> Int {
        // The upper bits: a shard's own table goes by the lower ones.
        Int(truncatingIfNeeded: UInt(bitPattern: key.hashValue) >> (UInt.bitWidth - 8))
    }

    package subscript(key: Key) -> Value? {
        get { shards[Self.shard(of: key)][key] }
        set {
            let shard = Self.shard(of: key)
            if let newValue {
                if shards[shard].updateValue(newValue, forKey: key) == nil { order.insert(key) }
            } else if shards[shard].removeValue(forKey: key) != nil {
                order.remove(key)
            }
        }
    }

    /// Changes a value in place; nil, and no call, when the key is absent.
    package mutating func update<Result, Failure: Error>(
        _ key: Key, _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        let shard = Self.shard(of: key)
        guard let index = shards[shard].index(forKey: key) else { return nil }
        return try body(&shards[shard].values[index])
    }
}

extension SharedMap: Equatable where Value: Equatable {
    package static func == (left: Self, right: Self) -> Bool {
        left.order == right.order && left.order.allSatisfy { left[$0] == right[$0] }
    }
}

/// Distinct keys in ascending order, kept in runs so that an insertion moves one run only.
///
/// Invariant: no run is empty, none is longer than `runLimit`, and all keys ascend strictly.
package struct SortedKeys<Key: Comparable & Sendable>: Sendable, Sequence, Equatable {
    static var runLimit: Int { 512 }

    private var runs: [[Key]] = []
    package private(set) var count = 0

    init() {}

    package func makeIterator() -> FlattenSequence<[[Key]]>.Iterator {
        runs.joined().makeIterator()
    }

    /// The keys at or after `start`, ascending.
    package func from(_ start: Key) -> some Sequence<Key> {
        let run = firstRun(reaching: start)
        let position = run < runs.count ? Self.position(of: start, in: runs[run]) : 0
        let first = run < runs.count ? runs[run][position...] : []
        return [[first], runs.dropFirst(run + 1).map { $0[...] }].joined().joined()
    }

    /// Inserts a key that is not there yet.
    mutating func insert(_ key: Key) {
        count += 1
        guard !runs.isEmpty else {
            runs = [[key]]
            return
        }
        let run = Swift.min(firstRun(reaching: key), runs.count - 1)
        let position = Self.position(of: key, in: runs[run])
        precondition(
            position == runs[run].count || runs[run][position] != key, "key inserted twice")
        runs[run].insert(key, at: position)
        if runs[run].count > Self.runLimit {
            let half = runs[run].count / 2
            runs.insert(Array(runs[run][half...]), at: run + 1)
            runs[run].removeSubrange(half...)
        }
    }

    /// Removes a key that is there.
    mutating func remove(_ key: Key) {
        let run = firstRun(reaching: key)
        precondition(run < runs.count, "key removed twice")
        let position = Self.position(of: key, in: runs[run])
        precondition(runs[run][position] == key, "key removed twice")
        count -= 1
        runs[run].remove(at: position)
        if runs[run].isEmpty { runs.remove(at: run) }
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.count == right.count && left.elementsEqual(right)
    }

    /// The first run whose last key is not below `key`; the number of runs when there is none.
    private func firstRun(reaching key: Key) -> Int {
        Self.partitionPoint(0..<runs.count) { runs[$0][runs[$0].count - 1] < key }
    }

    /// Where in `run` the first key not below `key` is.
    private static func position(of key: Key, in run: [Key]) -> Int {
        partitionPoint(0..<run.count) { run[$0] < key }
    }

    /// The first index for which `isBelow` is false, given that it is true before and false after.
    private static func partitionPoint(_ range: Range<Int>, _ isBelow: (Int) -> Bool) -> Int {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let middle = low + (high - low) / 2
            if isBelow(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
