import Primitives
import RecordFormat
import Testing

@testable import Client

@Suite("What a fetch brought is read as a consumer may see it")
struct ConsumedRecordsTests {
    private let partition = TopicPartition(topic: "t", partition: PartitionIndex(0))

    private func batch(
        at offset: Int64, _ values: [String], producer: Int64? = nil
    ) throws -> Bytes {
        var builder = RecordBatchBuilder(
            baseOffset: Offset(offset),
            producer: producer.map {
                .init(id: ProducerID($0), epoch: ProducerEpoch(0), baseSequence: 0)
            } ?? .none,
            isTransactional: producer != nil)
        for value in values {
            builder.append(timestamp: Timestamp(1), key: nil, value: Bytes(value))
        }
        return try builder.build()
    }

    /// The marker that ends a transaction.
    private func marker(at offset: Int64, producer: Int64, isCommit: Bool) throws -> Bytes {
        var builder = RecordBatchBuilder(
            baseOffset: Offset(offset),
            producer: .init(
                id: ProducerID(producer), epoch: ProducerEpoch(0), baseSequence: -1),
            isTransactional: true, isControl: true)
        builder.append(
            timestamp: Timestamp(1), key: Bytes([0, 0, 0, isCommit ? 1 : 0]),
            value: Bytes([0, 0, 0, 0, 0, 0]))
        return try builder.build()
    }

    private func joined(_ parts: [Bytes]) -> Bytes {
        var writer = ByteWriter()
        for part in parts { writer.write(raw: part) }
        return writer.finish()
    }

    private func read(
        _ bytes: Bytes, from position: Int64 = 0,
        aborted: [(producer: ProducerID, first: Offset)] = []
    ) throws -> (values: [String], next: Offset) {
        var records = try ConsumedRecords(
            partition, from: Offset(position), end: Offset(100), bytes,
            aborted: AbortedTransactions(aborted))
        var values: [String] = []
        while let record = try records.next() { values.append(record.value?.text ?? "") }
        return (values, records.nextOffset)
    }

    @Test("records before the position, and a last batch that was cut off, are left out")
    func edges() throws {
        let whole = joined([try batch(at: 5, ["5", "6", "7"]), try batch(at: 8, ["8"])])
        let all = try read(whole, from: 6)
        #expect(all.values == ["6", "7", "8"] && all.next == Offset(9))
        let cut = try read(whole.slice(0..<whole.count - 1), from: 6)
        #expect(cut.values == ["6", "7"] && cut.next == Offset(8))
        let first = try batch(at: 5, ["5", "6", "7"])
        for size in [1, first.count - 1] {
            // Asked for again it would be cut off again.
            #expect(throws: ClientError.self) { try read(first.slice(0..<size), from: 6) }
        }
        #expect(throws: ClientError.self) { try read(first, from: 8) }
        let none = try read(.empty, from: 6)
        #expect(none.values.isEmpty && none.next == Offset(6))
    }

    @Test("aborted records and markers are passed over; the next transaction is not")
    func aborted() throws {
        let bytes = joined([
            try batch(at: 0, ["open a", "a"], producer: 1), try batch(at: 2, ["plain"]),
            try batch(at: 3, ["b"], producer: 2), try marker(at: 4, producer: 1, isCommit: false),
            try batch(at: 5, ["later a"], producer: 1),
            try marker(at: 6, producer: 2, isCommit: true),
            try marker(at: 7, producer: 1, isCommit: true),
        ])
        let committed = try read(bytes, aborted: [(ProducerID(1), Offset(0))])
        #expect(committed.values == ["plain", "b", "later a"])
        #expect(committed.next == Offset(8))
        let all = try read(bytes)
        #expect(all.values == ["open a", "a", "plain", "b", "later a"])
    }

    @Test("a batch with a flipped bit is an error, not a record")
    func damage() throws {
        var bytes = try batch(at: 0, ["value"]).array
        bytes[bytes.count - 2] ^= 1
        #expect(throws: ClientError.self) { try read(Bytes(bytes)) }
    }
}
