import LogCore
import Primitives
import RecordFormat
import Synchronization
import Testing

/// A key with a value, or without one: a tombstone.
typealias Entry = (key: String?, value: String?)

/// Who appends, in tests of cleaning.
struct Writer {
    let id: Int64
    var epoch: Int16 = 0
    var sequence: Int32 = 0
    var isTransactional = false
}

extension Scene {
    /// A scene with a compacted topic whose segments are small.
    static func compacted(
        segmentBytes: Int = 600, _ change: (inout LogConfiguration) -> Void = { _ in }
    ) throws -> Scene {
        let scene = try Scene {
            $0.cleanup = .compact
            $0.segmentBytes = segmentBytes
            $0.indexIntervalBytes = 100
            $0.minCleanableDirtyRatio = 0
            $0.deleteRetentionMilliseconds = 10_000
            change(&$0)
        }
        scene.faults.plan.withLock { $0.skipsSyncs = true }
        return scene
    }
}

extension Log {
    /// Appends one batch of keyed records; returns its first offset.
    @discardableResult
    func put(
        _ entries: [Entry], at now: Timestamp, by writer: inout Writer?,
        compression: Compression = .none
    ) throws -> Offset {
        let producer = writer.map {
            RecordBatchBuilder.Producer(
                id: ProducerID($0.id), epoch: ProducerEpoch($0.epoch), baseSequence: $0.sequence)
        }
        var builder = RecordBatchBuilder(
            compression: compression, producer: producer ?? .none,
            isTransactional: writer?.isTransactional ?? false)
        for entry in entries {
            builder.append(
                timestamp: now, key: entry.key.map { Bytes($0) },
                value: entry.value.map { Bytes($0) },
                headers: [RecordHeader("h", Bytes("of \(entry.key ?? "none")"))])
        }
        writer?.sequence += Int32(entries.count)
        return try append(builder.build(), leaderEpoch: LeaderEpoch(3), now: now).firstOffset
    }

    @discardableResult
    func put(_ entries: Entry..., at now: Timestamp) throws -> Offset {
        var nobody: Writer?
        return try put(entries, at: now, by: &nobody)
    }

    /// Appends the marker that ends a writer's transaction.
    @discardableResult
    func end(
        _ result: ControlRecord.TransactionResult, of writer: Writer, at now: Timestamp
    ) throws -> Offset {
        var builder = RecordBatchBuilder(
            producer: .init(
                id: ProducerID(writer.id), epoch: ProducerEpoch(writer.epoch), baseSequence: -1),
            isTransactional: true, isControl: true)
        builder.append(.endTransaction(result, coordinatorEpoch: 0), timestamp: now)
        return try append(builder.build(), leaderEpoch: LeaderEpoch(3), now: now).firstOffset
    }

    /// Fills the active segment with records of a key of their own until the log rolls, so that
    /// all before can be cleaned.
    func rollByFilling(at now: Timestamp) throws {
        let before = try segments.count
        while try segments.count == before {
            try put(("filler", String(repeating: "f", count: 100)), at: now)
        }
    }

    /// Every batch in the log.
    func batches() throws -> [RecordBatch] {
        var all: [RecordBatch] = []
        var next = try logStartOffset
        while let region = try read(from: next, maxBytes: 1 << 20).region {
            var batches = RecordBatches(
                try region.file.read(count: region.count, at: region.position))
            while let batch = try batches.next() {
                try batch.validate(from: .log)
                #expect(batch.header.lastOffset >= next)
                all.append(batch)
                next = batch.header.nextOffset
            }
        }
        return all
    }

    /// `key=value` at its offset, for each record but those of control batches.
    func entries() throws -> [String] {
        try batches().filter { !$0.header.attributes.isControl }.flatMap { batch in
            var records = try batch.records(decompressionLimit: 1 << 20)
            return try records.rest().map {
                "\($0.offset) \($0.key?.text ?? "-")=\($0.value?.text ?? "-")"
            }
        }
    }

    /// A round with memory for so many keys.
    @discardableResult
    func clean(keys: Int = 10_000, at now: Timestamp) throws -> CleaningReport? {
        var resources = CleaningResources()
        resources.mapLoadFactor = 0.5
        resources.mapBytes = (keys * 2) * 24
        resources.bufferBytes = 256
        return try clean(resources, now: now)
    }
}

/// Repeatable chance.
struct Rolls {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 2 &+ 1 }

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(max(bound, 1)))
    }

    /// True once in `count` times.
    mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }
}
