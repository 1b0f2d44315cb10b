internal import Coordination
internal import LogCore
internal import Primitives
internal import RecordFormat
internal import WireProtocol

/// Reads a shard's state from its partition. Blocks; for a background thread.
struct ShardLoader: Sendable {
    let partition: Partition
    let settings: GroupSettings
    let world: World
    /// How much is read at once; a larger batch is read alone.
    let pieceBytes: Int

    /// What a compressed batch may expand to.
    private static let contentLimit = 64 << 20

    /// The shard as its log has it, to the end.
    ///
    /// Records of a type that is not known here are passed over: a later release wrote them.
    func load() throws(LogReadError) -> GroupShard {
        let start = world.clock.monotonic()
        var shard = GroupShard(settings: settings, random: world.random)
        var batches = try LogBatches(of: partition.log, pieceBytes: pieceBytes)
        var count = 0
        while let batch = try batches.nextBatch() {
            count += try replay(batch, into: &shard)
        }
        if count > 0 {
            let time = world.clock.monotonic().milliseconds(since: start)
            world.log(.info, "groups of \(partition.id) loaded: \(count) records in \(time) ms")
        }
        return shard
    }

    /// Returns how many records there were.
    private func replay(
        _ batch: RecordBatch, into shard: inout GroupShard
    ) throws(LogReadError) -> Int {
        let header = batch.header
        var records: [Record]
        do throws(BatchError) {
            var cursor = try batch.records(decompressionLimit: Self.contentLimit)
            records = try cursor.rest()
        } catch {
            throw .batch(error, at: header.baseOffset)
        }
        for record in records {
            do throws(DecodeError) {
                if header.attributes.isControl {
                    try replayMarker(record, of: header.producerID, into: &shard)
                } else {
                    try replay(
                        record,
                        producer: header.attributes.isTransactional ? header.producerID : nil,
                        into: &shard)
                }
            } catch {
                throw .record(error, at: record.offset)
            }
        }
        return records.count
    }

    private func replayMarker(
        _ record: Record, of producer: ProducerID, into shard: inout GroupShard
    ) throws(DecodeError) {
        if case .endTransaction(let result, _) = try ControlRecord(record) {
            shard.replayEnd(of: producer, isCommit: result == .commit)
        }
    }

    private func replay(
        _ record: Record, producer: ProducerID?, into shard: inout GroupShard
    ) throws(DecodeError) {
        guard let key = record.key else { throw DecodeError(.unexpectedNull, at: 0) }
        // In memory of its own: what a group keeps of it must not keep the whole piece.
        let value = record.value?.detached
        guard let known = try GroupRecord(key: key, value: value) else { return }
        shard.replay(known, at: record.offset, producer: producer)
    }
}
