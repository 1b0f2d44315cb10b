import Primitives
import Testing

@testable import RecordFormat

@Suite("Control records")
struct ControlRecordTests {
    private static let samples: [ControlRecord] = [
        .endTransaction(.abort, coordinatorEpoch: 3),
        .endTransaction(.commit, coordinatorEpoch: Int32.max),
        .leaderChange(
            LeaderChange(
                leader: BrokerID(1), voters: [.init(id: BrokerID(1)), .init(id: BrokerID(2))],
                grantingVoters: [.init(id: BrokerID(1))])),
        .leaderChange(
            LeaderChange(
                version: 1, leader: BrokerID(1),
                voters: [.init(id: BrokerID(1), directoryID: UUID128(high: 1, low: 2))],
                grantingVoters: [])),
        .snapshotHeader(lastContainedLogTimestamp: Timestamp(1_700_000_000_000)),
        .snapshotFooter,
        .kraftVersion(1),
        .voters([
            QuorumVoter(
                id: BrokerID(4), directoryID: UUID128(high: 5, low: 6),
                endpoints: [.init(name: "CONTROLLER", host: "localhost", port: 9093)],
                kraftVersions: 0...1)
        ]),
        .unknown(type: 99, value: Bytes("later")),
    ]

    @Test("each comes back from a control batch")
    func roundTrip() throws {
        var builder = RecordBatchBuilder(isControl: true)
        for sample in Self.samples { builder.append(sample, timestamp: Timestamp(1)) }
        let batch = try RecordBatch(atFrontOf: builder.build())
        #expect(batch.header.attributes.isControl)
        var records = try batch.records(decompressionLimit: 0)
        #expect(try records.rest().map { try ControlRecord($0) } == Self.samples)
    }

    @Test("a marker's bytes are Kafka's")
    func marker() {
        let marker = ControlRecord.endTransaction(.commit, coordinatorEpoch: 7)
        #expect(marker.key == Bytes(hex: "0000 0001"))
        #expect(marker.value == Bytes(hex: "0000 00000007"))
    }

    @Test("a value cut at any byte is refused")
    func truncation() {
        for sample in Self.samples.dropLast() {
            guard let value = sample.value else { continue }
            for end in 0..<value.count {
                let record = Record(
                    offset: .zero, timestamp: .none, key: sample.key, value: value.slice(0..<end))
                #expect(throws: DecodeError.self) { try ControlRecord(record) }
            }
        }
    }
}
